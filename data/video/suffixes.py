"""Which names are those of video files, where no list names the files."""

import posixpath

VIDEO_SUFFIXES = (
    *(".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg"),
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
