"""Dataset readers by name."""

import pathlib
from collections.abc import Callable

from data.datasets import faceforensics, manifest, synthetic
from data.datasets.base import SourceVideo
from data.errors import UsageError

READERS: dict[str, Callable[[pathlib.Path, pathlib.Path | None], list[SourceVideo]]] = {
    "faceforensics": faceforensics.read,
    "manifest": manifest.read,
    "synthetic": lambda root, splits: synthetic.read(root),
}


def read(name: str, root: pathlib.Path, splits: pathlib.Path | None = None) -> list[SourceVideo]:
    """Lists the videos of a dataset without opening them.

    Args:
        name: one of `READERS`.
        root: the dataset's folder, or the CSV file of a manifest.
        splits: folder of the official split lists, where the dataset has such.

    Returns:
        The videos, sorted by `video_id`.

    Raises:
        UsageError: the name is unknown, or the folder does not hold such a dataset.
    """
    if name not in READERS:
        raise UsageError(f"unknown dataset '{name}': choose one of {', '.join(sorted(READERS))}")
    if not root.exists():
        raise UsageError(f"{root}: there is no such file or folder; --input names the dataset")
    return sorted(READERS[name](root, splits), key=lambda video: video.video_id)
