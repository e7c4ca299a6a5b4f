"""Reads Celeb-DF, versions 1 and 2, and what Celeb-DF++ (version 3) names like them.

Li et al., "Celeb-DF: A Large-scale Challenging Dataset for DeepFake Forensics", CVPR 2020
(https://arxiv.org/abs/1909.12962); https://github.com/yuezunli/celeb-deepfakeforensics.

    Celeb-real/id1_0007.mp4
    YouTube-real/00170.mp4
    Celeb-synthesis/id1_id0_0007.mp4
    List_of_testing_videos.txt

A fake is named after its target clip (here id1_0007, whose head and scene it shows) and the
person whose face was put there (here id0). `Youtube-real` is the other spelling in use; a
`videos` level below the folders may be there or not.

Celeb-DF++ (Li et al., 2025, https://arxiv.org/abs/2507.18015) has its fakes in folders such as
`Celeb-synthesis/FaceSwap/BlendFace`, one a method. A file there that is not named after its target
clip is refused.

The official test list is not disjoint from the rest: version 2's holds 340 fakes, and the target
clips of 234 of these are not in the list. So by default all other videos that show such a clip are
refused.
"""

import dataclasses
import re
from collections.abc import Collection, Mapping

from data import contract
from data.datasets import metadata_file
from data.datasets.base import Listing, Refusal, SourceVideo
from data.datasets.clips import LEVEL, clip_id, refused_clip
from data.ledger import Status
from data.utils import files
from data.utils.errors import UsageError
from data.video import has_video_suffix

DATASET = "celeb_df"
LIST_NAME = "List_of_testing_videos.txt"
METHOD = "Celeb-synthesis"
"""The authors' own name; https://arxiv.org/abs/1909.12962, 3.2."""

_DEPTH = 5
"""Levels below the root: folder, scenario, method, `videos`, file."""

_SCENARIO = re.compile(r"(?:(?:FaceSwap|FaceReenact|TalkingFace)/(?P<method>[^/]+)/)?")
_FIRST_METHOD = "Celeb-DF"
"""Folder in which Celeb-DF++ has the fakes of version 2."""

_NAMES = {
    "celeb-real": re.compile(r"(?P<target>id[0-9]+)_(?P<number>[0-9]{4})\.mp4"),
    "youtube-real": re.compile(r"(?P<number>[0-9]{5})\.mp4"),
    "celeb-synthesis": re.compile(
        r"(?P<target>id[0-9]+)_(?P<source>id[0-9]+)_(?P<number>[0-9]{4})\.mp4"
    ),
}
"""What files are called, by folder in lower case."""

_LISTED = re.compile(r"(?P<label>[01])\s+(?P<path>\S+)")
"""A line of the test list; 1 is real."""

_TRAINING_SIDE = ("train", "eval")
_NOTE = (
    "Celeb-DF tells neither who is in YouTube-real nor which clips the faces of its fakes were "
    "learnt from: the same people may be in several splits"
)


@dataclasses.dataclass(frozen=True)
class _Clip:
    """A clip, which may be on the disk, in the test list, or both.

    Attributes:
        relative: its path below the root.
        folder: the first part of it, in lower case.
        name: the rest of it, without a level `videos`.
        method: that a fake was made by.
        target: the clip itself, or the one that the fake was made from, without a suffix.
        people: who is shown, and whose face was put there.
    """

    relative: str
    folder: str
    name: str
    method: str
    target: str
    people: tuple[str, ...]

    @property
    def is_real(self) -> bool:
        return self.folder != "celeb-synthesis"

    @property
    def key(self) -> tuple[str, str]:
        """Identifies the clip, however its folder is spelt."""
        return self.folder, self.name


def read(root: str, *, splits: str | None, official: bool) -> Listing:
    """Lists the clips of Celeb-DF without opening them.

    Every clip in the three folders and every clip in the test list becomes a video. The clips in
    the list are `test`. The others are the training side, which is drawn into train and eval by
    target clip; those that share a target clip with the list are refused, unless `official` is
    set.

    Args:
        root: the folder that holds `Celeb-real`, `YouTube-real` and `Celeb-synthesis`; any of
            them may be absent.
        splits: the official test list, if it is not in `root`.
        official: takes the list as it is, although the splits leak.

    Returns:
        The videos.

    Raises:
        UsageError: there is no test list, or it is malformed.
    """
    testing = _read_list(files.join(root, LIST_NAME) if splits is None else splits)
    names = [
        name
        for name in files.find(root, _DEPTH, closed=has_video_suffix)
        if name.split("/")[0].lower() in _NAMES and has_video_suffix(name)
    ]
    clips = [clip for clip in map(_parse, names) if clip is not None]
    folders = {clip.folder: clip.relative.removesuffix(clip.name) for clip in reversed(clips)}
    on_disk = {clip.key for clip in clips}
    for clip in testing.values():
        if clip.key not in on_disk:
            folder = folders.get(clip.folder, clip.relative.removesuffix(clip.name))
            clips.append(dataclasses.replace(clip, relative=folder + clip.name))
    originals = {clip.target: clip.relative for clip in reversed(clips) if clip.is_real}
    tested = {clip.target for clip in testing.values()}
    notes = [_NOTE]
    if official:
        kept = sum(clip.target in tested and clip.key not in testing for clip in clips)
        notes.append(
            f"{kept} clips of the training side share a target clip with the official test list, "
            f"which is taken as it is: the splits leak, and test results are too good"
        )
    folder = folders.get("celeb-real", "Celeb-real/")
    videos = [
        _source_video(
            root,
            clip,
            is_listed=clip.key in testing,
            tested=tested,
            official=official,
            original=originals.get(clip.target, f"{folder}{clip.target}.mp4"),
        )
        for clip in clips
    ]
    videos += [_refuse(root, name) for name in names if _parse(name) is None]
    return Listing(tuple(sorted(videos, key=lambda video: video.video_id)), tuple(notes))


def _read_list(path: str) -> Mapping[tuple[str, str], _Clip]:
    """The clips of the official test list by their keys."""
    cure = (
        f"the official {LIST_NAME} must be in the dataset's folder, or --splits must name it "
        f"(it comes with the download: github.com/yuezunli/celeb-deepfakeforensics)"
    )
    try:
        lines = metadata_file.read(path, cure).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not text in UTF-8; {cure}") from error
    clips = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line:
            continue
        match = _LISTED.fullmatch(line)
        clip = _parse(match["path"]) if match else None
        if match and clip is None and match["path"].lower().startswith("celeb-synthesis/"):
            continue  # of a name that cannot be used; the file is refused where it is found
        if match is None or clip is None:
            raise UsageError(
                f"{path}, line {number}: not a line such as '1 Celeb-real/id1_0007.mp4': "
                f"{line!r}; {cure}"
            )
        if (match["label"] == "1") != clip.is_real:
            raise UsageError(
                f"{path}, line {number}: the label contradicts the folder (1 is real, 0 is fake): "
                f"{line!r}; {cure}"
            )
        clips[clip.key] = clip
    if not clips:
        raise UsageError(f"{path}: names no clip; {cure}")
    return clips


def _parse(relative: str) -> _Clip | None:
    """A clip by its path; None if that is not as the layout says."""
    folder, _, rest = relative.partition("/")
    scenario = _SCENARIO.match(rest) if folder.lower() == "celeb-synthesis" else None
    place = scenario[0] if scenario else ""
    name = rest.removeprefix(place).removeprefix(LEVEL)
    pattern = _NAMES.get(folder.lower())
    match = pattern.fullmatch(name) if pattern else None
    if match is None:
        return None
    method = scenario["method"] if scenario else None
    groups = match.groupdict()
    people = tuple(groups[person] for person in ("target", "source") if person in groups)
    target = f"{people[0]}_{groups['number']}" if people else groups["number"]
    if method is None or method == _FIRST_METHOD:
        method = METHOD
    return _Clip(relative, folder.lower(), place + name, method, target, people)


def _source_video(
    root: str,
    clip: _Clip,
    *,
    is_listed: bool,
    tested: Collection[str],
    official: bool,
    original: str,
) -> SourceVideo:
    refused = None
    if clip.target in tested and not is_listed and not official:
        reason = f"shares its target clip with the official test list: {clip.target}"
        refused = Refusal(Status.REFUSED_CROSS_SPLIT, reason)
    # If the list is taken as it is, its clips must not be tied to those outside of it.
    source = f"test list/{clip.target}" if official and is_listed else clip.target
    return SourceVideo(
        video_id=clip_id(DATASET, clip.relative),
        path=files.join(root, clip.relative),
        label=contract.Label.REAL if clip.is_real else contract.Label.FAKE,
        dataset=DATASET,
        method=contract.REAL_METHOD if clip.is_real else clip.method,
        compression="",
        sources=(f"{DATASET}/{source}",),
        split="test" if is_listed else None,
        refused=refused,
        original="" if clip.is_real else clip_id(DATASET, original),
        identities=tuple(f"{DATASET}/{person}" for person in dict.fromkeys(clip.people)),
        splits_allowed=contract.SPLITS if is_listed else _TRAINING_SIDE,
    )


def _refuse(root: str, relative: str) -> SourceVideo:
    is_real = not relative.lower().startswith("celeb-synthesis/")
    label = contract.Label.REAL if is_real else contract.Label.FAKE
    reason = "its place or name is not that of a Celeb-DF clip"
    return refused_clip(DATASET, root, relative, reason, label)
