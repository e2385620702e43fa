"""`python -m tests.small_command` is a quick `inkseed`, with little to measure against."""

from inkseed.leaving import leave_at_once

leave_at_once()

import numpy as np  # noqa: E402

from inkseed.data import split  # noqa: E402

FEW = 600  # real digits in each part of the split

whole = split.split_mnist


def small_split() -> split.Split:
    """The first digits of each part."""
    return split.Split(*(part.subset(np.arange(FEW)) for part in whole()))


split.split_mnist = small_split

from inkseed.study import scores, show, study, variance  # noqa: E402

show.EXTREME_OF = 12
scores.RANKED_IMAGES = 2
study.GROUPS = variance.GROUPS = 2

if __name__ == "__main__":
    from inkseed.__main__ import main

    main()
