"""The videos of a command, and the paths of what it makes of each."""

import pathlib
import re
from collections.abc import Iterable, Mapping, Sequence

from data.utils.errors import UsageError

_URL = re.compile("([A-Za-z][A-Za-z0-9+.-]+):/(.+)")
"""A URL as `pathlib` writes it, with one slash."""


def expand(videos: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Replaces each folder by the video files in it, at any depth; keeps other paths.

    Raises:
        UsageError: there is no video in a folder, or something is no path of a file.
    """
    from data.video import find_videos  # loads PyAV

    paths = []
    for video in videos:
        url = _URL.fullmatch(str(video))
        if url and not video.exists():
            raise UsageError(
                f"{url[1]}://{url[2]}: only files of this machine are read; fetch it first, for "
                f"example by curl -O, and name the file"
            )
        if str(video) == "-" and not video.exists():
            raise UsageError(
                "-: standard input cannot be read, since a video is read twice; write it to a "
                "file first, for example by cat > clip.mp4, and name the file"
            )
        paths += find_videos(video) if video.is_dir() else [video]
    return paths


def check_output(output: pathlib.Path) -> None:
    """Checks early that the table or record can be written.

    Raises:
        UsageError: it cannot.
    """
    if output.suffix.lower() not in (".csv", ".json"):
        raise UsageError(f"{output}: --output must end in .csv or .json")
    if not output.parent.is_dir():
        raise UsageError(f"{output.parent}: no such folder for --output")


def result_paths(
    target: pathlib.Path | None,
    videos: Sequence[pathlib.Path],
    option: str,
    suffixes: Sequence[str],
) -> Mapping[pathlib.Path, pathlib.Path]:
    """Chooses the path of the picture or video that is made of each video.

    Args:
        target: a file if it ends in one of `suffixes`; else a folder, which is made. In a folder,
            a result is named after its video, with a number if that name is taken. None to
            make nothing.
        videos: the input videos.
        option: the option that `target` was given by, for messages.
        suffixes: possible endings; files in a folder get the first.

    Returns:
        Video -> path; empty if `target` is None.

    Raises:
        UsageError: `target` is one file for several videos, its folder does not exist or cannot
            be made, or a result would replace one of the videos.
    """
    if target is None:
        return {}
    endings = ", ".join(suffixes)
    if target.suffix.lower() in suffixes and not target.is_dir():
        if len(set(videos)) > 1:
            raise UsageError(
                f"{target}: {option} names one file, but {len(set(videos))} videos are given; "
                "name a folder"
            )
        if not target.parent.is_dir():
            raise UsageError(f"{target.parent}: no such folder for {option}")
        results = {videos[0]: target}
    elif target.suffix and not target.exists():
        raise UsageError(f"{target}: {option} must be a folder or end in {endings}")
    else:
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"{target}: {option} must be a folder or end in {endings} ({error.strerror})"
            ) from error
        results = {}
        for video in dict.fromkeys(videos):
            name, number = video.stem, 1
            while (path := target / f"{name}{suffixes[0]}") in results.values():
                number += 1
                name = f"{video.stem}-{number}"
            results[video] = path
    inputs = {video.resolve() for video in videos}
    for path in results.values():
        if path.resolve() in inputs:
            raise UsageError(f"{path}: {option} would replace this video; name another place")
    return results
