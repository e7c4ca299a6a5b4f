"""Which videos a command is about, and where it puts what it makes of each."""

import pathlib
from collections.abc import Iterable, Mapping, Sequence

from data.utils.errors import UsageError


def expand(videos: Iterable[pathlib.Path]) -> list[pathlib.Path]:
    """Replaces folders by the video files in them, at any depth; other paths stay.

    Raises:
        UsageError: there is no video in a folder.
    """
    from serving.client.video_files import videos_in

    paths = []
    for video in videos:
        if not video.is_dir():
            paths.append(video)
            continue
        paths.extend(videos_in(video))
    return paths


def check_output(output: pathlib.Path) -> None:
    """Fails before the work rather than after it.

    Raises:
        UsageError: the table or record cannot be written there.
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
    """Where the picture or video made of each video goes.

    Args:
        target: a file, if it ends in one of `suffixes`; else a folder, which is made. In it, a
            result is named after its video; of those with the same name, the later ones are
            numbered. None: no results are wanted.
        videos: what results are made of.
        option: that named `target`, for messages.
        suffixes: endings that can be written; files in a folder get the first.

    Returns:
        Video -> file; empty if no results are wanted.

    Raises:
        UsageError: it is one file for several videos, its folder is not there or cannot be
            made, or it would replace one of the videos.
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
        found = {videos[0]: target}
    elif target.suffix and not target.exists():
        raise UsageError(f"{target}: {option} must be a folder or end in {endings}")
    else:
        try:
            target.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(
                f"{target}: {option} must be a folder or end in {endings} ({error.strerror})"
            ) from error
        found = {}
        for video in dict.fromkeys(videos):
            name, number = video.stem, 1
            while (path := target / f"{name}{suffixes[0]}") in found.values():
                number += 1
                name = f"{video.stem}-{number}"
            found[video] = path
    inputs = {video.resolve() for video in videos}
    for path in found.values():
        if path.resolve() in inputs:
            raise UsageError(f"{path}: {option} would replace this video; name another place")
    return found
