"""Real digits beside the rows: what the figures of so many images can be at best."""

import numpy as np

from inkseed.data.split import split_mnist
from inkseed.study.ruler import Measure, Ruler


def measure_real(ruler: Ruler) -> Measure:
    """Validation digits of the ruler's labels, in its order, no image twice.

    They end at the first label of which validation has no more images. Fewer than N have a ruler of
    their own, since all figures depend on N.
    """
    validation = split_mnist().validation
    left = {label: iter(np.flatnonzero(validation.labels == label)) for label in range(10)}
    rows: list[np.intp] = []
    for label in ruler.labels.tolist():
        row = next(left[label], None)
        if row is None:
            ruler = Ruler(ruler.labels[: len(rows)], ruler.reference)
            break
        rows.append(row)
    return ruler.measure(validation.images[rows])
