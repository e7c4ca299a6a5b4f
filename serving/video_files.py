"""Finds the videos of a folder."""

import os
import pathlib

from data.utils.errors import UsageError
from data.video import VIDEO_SUFFIXES, has_video_suffix


def find_videos(folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """Finds the video files in a folder, at any depth, sorted by path.

    Raises:
        UsageError: there is no such folder or no video in it.
    """
    root = pathlib.Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: no such folder")
    videos = sorted(
        path for path in root.rglob("*") if has_video_suffix(path.name) and path.is_file()
    )
    if not videos:
        raise UsageError(f"{folder}: no videos in this folder ({' '.join(VIDEO_SUFFIXES)})")
    return videos
