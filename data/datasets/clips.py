"""Clips as datasets name them: in folders, and in lists of files."""

import dataclasses
import posixpath
import re
from collections.abc import Collection, Iterable, Sequence

from data import contract
from data.datasets.base import UNKNOWN_LABEL, Refusal, SourceVideo
from data.ledger import Status, percent_encode

LEVEL = "videos/"
"""Folder that some downloads have between a part of a dataset and its clips."""

UNKNOWN_METHOD = "unknown"
"""`method` of a fake where the dataset does not name it."""

_LIKE_AN_ESCAPE = re.compile("%(?=25|[89A-F][0-9A-F])")


def clip_id(dataset: str, relative: str) -> str:
    """`video_id` of a clip by its path relative to the dataset's root.

    Bytes that are not UTF-8 become `%XX`. A `%` that looks like the beginning of such an escape
    becomes `%25`, so that no two paths get the same id.

    Example:
        >>> clip_id("uadfv", "real/0001.mp4")
        'uadfv/real/0001.mp4'
        >>> clip_id("manifest", "100%AF.mp4")
        'manifest/100%25AF.mp4'
    """
    return f"{dataset}/{percent_encode(_LIKE_AN_ESCAPE.sub('%25', relative))}"


def is_inside(path: str) -> bool:
    """Whether a path in a list is that of a file below the list's folder.

    Example:
        >>> is_inside("real/a.mp4"), is_inside("../a.mp4"), is_inside("/a.mp4")
        (True, False, False)
    """
    shortest = posixpath.normpath(path)
    leaves = posixpath.isabs(path) or shortest == "." or shortest.split("/")[0] == ".."
    return bool(path) and "\0" not in path and not leaves


def locate(paths: Collection[str], folder: str, name: str, level: str = "") -> str:
    """Path of a clip that may lie in its folder or in `videos` below.

    Args:
        paths: those that exist.
        folder: of the part of the dataset, with a slash at its end, or empty.
        name: of the clip's file.
        level: `LEVEL` or empty: where to expect it if it is in neither place.

    Returns:
        The path that exists, else the expected one.

    Example:
        >>> locate({"real/videos/0001.mp4"}, "real/", "0001.mp4")
        'real/videos/0001.mp4'
    """
    places = (f"{folder}{level}{name}", f"{folder}{name}", f"{folder}{LEVEL}{name}")
    return next((place for place in places if place in paths), places[0])


def refused_clip(
    dataset: str, root: str, relative: str, reason: str, label: int = UNKNOWN_LABEL
) -> SourceVideo:
    """A file that cannot be used by the dataset's own rules.

    Args:
        dataset: its name.
        root: its folder.
        relative: the file's path below it.
        reason: one sentence, as `Refusal` wants it.
        label: `data.contract.Label` if it is known nevertheless.
    """
    relative = relative.replace("\0", "%00")  # no file is called so, but a list may say it
    video_id = clip_id(dataset, relative)
    return SourceVideo(
        video_id=video_id,
        path=f"{root.rstrip('/')}/{relative}",  # not joined: the path may lead out of the root
        label=label,
        dataset=dataset,
        method=contract.REAL_METHOD if label == contract.Label.REAL else UNKNOWN_METHOD,
        compression="",
        sources=(video_id,),
        refused=Refusal(Status.REFUSED_INPUT, reason),
    )


def deduplicate_rows(rows: Iterable[tuple[SourceVideo, str, str]]) -> list[SourceVideo]:
    """Makes one video of each row of a list, also where several rows name the same file.

    The first usable row of a file counts, the others are duplicates of it. If such rows disagree
    on the label, none of them is used.

    Args:
        rows: the video that a row describes, the file that it names, and the row's place in
            the list, for example `line 7`, which differs between rows of one file.

    Returns:
        As many videos as rows, in their order. No two have the same id: if a file's id is taken,
        the row's place is added to it, for example `#line-7`.
    """
    rows = list(rows)
    usable: dict[str, list[tuple[SourceVideo, str]]] = {}
    for video, file, place in rows:
        if video.refused is None:
            usable.setdefault(file, []).append((video, place))
    taken = {same[0][0].video_id for same in usable.values()}
    videos = []
    for video, file, place in rows:
        same = usable.get(file, [])
        video_id, refused = video.video_id, video.refused
        if not same or same[0][1] != place:
            while video_id in taken:
                video_id += f"#{place.replace(' ', '-')}"
            taken.add(video_id)
        if refused is None:
            refused = _why_refused(same, place)
        if (video_id, refused) != (video.video_id, video.refused):
            video = dataclasses.replace(video, video_id=video_id, refused=refused)
        videos.append(video)
    return videos


def _why_refused(same: Sequence[tuple[SourceVideo, str]], place: str) -> Refusal | None:
    """Why the row at `place` cannot be used; `same` are all usable rows of its file."""
    first_by_label: dict[int, str] = {}
    for video, row in same:
        first_by_label.setdefault(video.label, row)
    if len(first_by_label) > 1:
        where = " and ".join(first_by_label.values())
        return Refusal(Status.REFUSED_INPUT, f"listed with different labels: {where}")
    first = same[0][1]
    return None if place == first else Refusal(Status.DUPLICATE, f"listed already: {first}")
