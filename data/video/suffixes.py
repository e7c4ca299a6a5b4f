"""Which names are those of video files, where no list names the files."""

import os
import pathlib
import posixpath

from data.utils.errors import UsageError

VIDEO_SUFFIXES = (
    *(".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg"),
    *(".mpg", ".mts", ".ts", ".webm", ".wmv"),
)
"""Endings of video files, in lower case."""


def has_video_suffix(name: str) -> bool:
    """Whether a file's name or path ends like a video's, in upper or lower case.

    Example:
        >>> has_video_suffix("clips/IMG_0001.MOV"), has_video_suffix("clips.mp4/faces.json")
        (True, False)
    """
    return posixpath.splitext(name)[1].lower() in VIDEO_SUFFIXES


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
