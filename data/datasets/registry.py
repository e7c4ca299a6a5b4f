"""Dataset readers by name."""

from typing import Protocol

from data.datasets import celeb_df, dfdc, faceforensics, manifest, synthetic, uadfv
from data.datasets.base import Listing
from data.utils import files
from data.utils.errors import UsageError


class Reader(Protocol):
    """Lists a dataset's videos without opening them."""

    def __call__(self, root: str, *, splits: str | None, official: bool) -> Listing:
        """See `read_listing`."""


READERS: dict[str, Reader] = {
    "celeb_df": celeb_df.read,
    "dfdc": dfdc.read,
    "faceforensics": faceforensics.read,
    "manifest": manifest.read,
    "synthetic": synthetic.read,
    "uadfv": uadfv.read,
}


def read_listing(
    name: str, root: str, *, splits: str | None = None, official: bool = False
) -> Listing:
    """Lists the videos of a dataset without opening them.

    Args:
        name: one of `READERS`.
        root: the dataset's folder, or the CSV file of a manifest; a path or a URL.
        splits: the official split lists, where the dataset has some: a folder for
            faceforensics, a file for celeb_df.
        official: takes official lists as they are, also where they are known to leak.

    Returns:
        The videos, and notes on what the dataset does not tell.

    Raises:
        UsageError: the name is unknown, the folder does not hold such a dataset, or an option
            is given that it has no use for.
    """
    if name not in READERS:
        raise UsageError(f"unknown dataset '{name}': choose one of {', '.join(sorted(READERS))}")
    if not files.exists(root):
        raise UsageError(f"{root}: there is no such file or folder; --input names the dataset")
    return READERS[name](root, splits=splits, official=official)
