"""What is fitted to some videos is judged on others, whose source groups it has not seen."""

import numpy as np
import numpy.typing as npt

FOLDS = 5


def fold_of_groups(groups: npt.NDArray[np.int32]) -> npt.NDArray[np.intp]:
    """Deals source groups out to folds.

    Args:
        groups: int32 [v], of videos.

    Returns:
        int [v], the number of each video's fold, 0 to `FOLDS` - 1; fewer where there are fewer
        groups. A group is in one fold.
    """
    return np.unique(groups, return_inverse=True)[1].reshape(-1) % FOLDS
