"""Which names are those of video files, where no list names the files."""

import os
import pathlib
import posixpath
import sys

from data.utils import local_folder
from data.utils.errors import UsageError

VIDEO_SUFFIXES = (
    *(".264", ".265", ".3g2", ".3gp", ".asf", ".avc", ".avi", ".dif", ".divx", ".dv", ".f4v"),
    *(".flv", ".gif", ".h264", ".h265", ".hevc", ".ismv", ".ivf", ".m1v", ".m2t", ".m2ts", ".m2v"),
    *(".m4v", ".mj2", ".mjpeg", ".mjpg", ".mk3d", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".mts"),
    *(".mxf", ".nut", ".obu", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm"),
    ".wmv",
)
"""Endings of video files, in lower case: those of the formats that are opened."""

_APPLE_DOUBLE = "._"
"""Beginning of files in which macOS keeps what other file systems cannot: no videos."""


def has_video_suffix(name: str) -> bool:
    """Whether a file's name or path is that of a video by its ending, in upper or lower case.

    Example:
        >>> has_video_suffix("clips/IMG_0001.MOV"), has_video_suffix("clips.mp4/faces.json")
        (True, False)
        >>> has_video_suffix("clips/._IMG_0001.MOV")
        False
    """
    base = posixpath.basename(name)
    suffix = posixpath.splitext(base)[1].lower()
    return suffix in VIDEO_SUFFIXES and not base.startswith(_APPLE_DOUBLE)


def find_videos(folder: str | os.PathLike[str]) -> list[pathlib.Path]:
    """Finds the video files in a folder, at any depth, sorted by path.

    Links are followed as by `data.utils.files.find`.

    Raises:
        UsageError: there is no such folder or no video in it, or a folder cannot be listed.
    """
    root = pathlib.Path(folder)
    if not root.is_dir():
        raise UsageError(f"{folder}: no such folder")
    names = local_folder.find(os.fspath(root), sys.maxsize)
    videos = [root / name for name in names if has_video_suffix(name)]
    if not videos:
        raise UsageError(f"{folder}: no videos in this folder ({' '.join(VIDEO_SUFFIXES)})")
    return videos
