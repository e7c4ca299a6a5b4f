"""Which files of a folder are videos."""

import os
import pathlib

from data.utils.errors import UsageError

VIDEO_SUFFIXES = (
    *(".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg"),
    *(".mpg", ".mts", ".ts", ".webm", ".wmv"),
)
"""Files that a folder's videos are known by."""


def videos_in(folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """The video files in a folder, at any depth, sorted by path.

    Raises:
        UsageError: there is no such folder or no video in it.
    """
    root = pathlib.Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: no such folder")
    found = sorted(
        path for path in root.rglob("*") if path.suffix.lower() in VIDEO_SUFFIXES and path.is_file()
    )
    if not found:
        raise UsageError(f"{folder}: no videos in this folder ({' '.join(VIDEO_SUFFIXES)})")
    return found
