"""What is in a folder of this machine, links followed."""

import os
from collections.abc import Callable, Iterator

from data.utils.errors import UsageError


def find(root: str, depth: int, closed: Callable[[str], bool] = lambda name: False) -> list[str]:
    """`data.utils.files.find` for a local folder; it does without Beam."""
    return sorted(_walk(root, "", depth, closed, ())) if os.path.isdir(root) else []


def _walk(
    root: str,
    below: str,
    depth: int,
    closed: Callable[[str], bool],
    above: tuple[tuple[int, int], ...],
) -> Iterator[str]:
    """What lies below `root + below`; `above` are device and inode of the folders on the way."""
    folder = os.path.join(root, below)
    try:
        status = os.stat(folder)
        here = status.st_dev, status.st_ino
        if here in above:
            return
        with os.scandir(folder) as entries:
            for entry in entries:
                relative = below + entry.name
                if not _is_folder(entry) or closed(entry.name):
                    yield relative
                elif depth > 1:
                    yield from _walk(root, relative + "/", depth - 1, closed, (*above, here))
    except OSError as error:
        raise UsageError(f"{folder}: cannot be listed ({error.strerror})") from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, say
        return False
