"""Real digits beside the rows: the best that so many images can measure."""

import numpy as np

from inkseed.data.split import split_mnist
from inkseed.study.ruler import Measure, Ruler


def measure_real(ruler: Ruler) -> Measure:
    """Measure validation digits with the ruler's labels, in its order, no image twice.

    They end at the first label that validation has no more images of. If they are fewer than N,
    they get a ruler of their own, since all figures depend on N.
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
