"""Reads FaceForensics++ and the DeepFakeDetection set that comes with it (DFD).

Rössler et al., "FaceForensics++: Learning to Detect Manipulated Facial Images", ICCV 2019;
layout and split lists: https://github.com/ondyari/FaceForensics/tree/master/dataset. DFD: Dufour
and Gully, "Contributing Data to Deepfake Detection Research", Google AI Blog, 2019: 28 actors.

    original_sequences/youtube/{raw,c0,c23,c40}/videos/519.mp4
    original_sequences/actors/c23/videos/01__exit_phone_room.mp4
    manipulated_sequences/Deepfakes/{raw,c0,c23,c40}/videos/519_515.mp4
    manipulated_sequences/DeepFakeDetection/c23/videos/01_02__exit_phone_room__YVGY8LOK.mp4

A fake is named after its target (whose head and scene it shows) and its source (whose face or
expression was put there). The `videos` level may be left out.
"""

import re
from collections.abc import Collection, Mapping

from data import contract
from data.datasets import options
from data.datasets.base import Listing, Refusal, SourceVideo
from data.datasets.clips import clip_id, locate, refused_clip
from data.datasets.metadata_file import read_json
from data.ledger import Status, percent_encode
from data.utils import files
from data.utils.errors import UsageError
from data.video import has_video_suffix

DATASET = "faceforensics"

METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
"""The methods with official splits; DFD's is `DFD_METHOD`."""

DFD_METHOD = "DeepFakeDetection"
COMPRESSIONS = ("raw", "c0", "c23", "c40")

SPLIT_FILES = {"train": "train.json", "eval": "val.json", "test": "test.json"}

_REALS, _FAKES = _SEQUENCES = ("original_sequences", "manipulated_sequences")
_MASKS = "masks"
"""Folder of the manipulated pixels' masks: MP4 files that are no clips of people."""

_NOTE = (
    "FaceForensics++ does not tell who its clips show, but for DFD's actors: the same people may "
    "be in several splits"
)

_DEPTH = 4
"""Levels below the sequences' folder: method, compression, `videos`, file."""

_PLACE = re.compile(
    rf"(?P<part>[^/]+/[^/]+)/(?P<compression>{'|'.join(COMPRESSIONS)})/(?P<level>videos/)?"
    rf"(?P<name>[^/]+)\.mp4"
)
_SCENE = "(?P<scene>[a-z]+(?:_[a-z]+)*)"
_FAKE = re.compile("(?P<target>[0-9]{3})_(?P<source>[0-9]{3})")
_NAMES = {
    f"{_REALS}/youtube": re.compile("(?P<target>[0-9]{3})"),
    f"{_REALS}/actors": re.compile(f"(?P<target>[0-9]{{2}})__{_SCENE}"),
    f"{_FAKES}/{DFD_METHOD}": re.compile(
        f"(?P<target>[0-9]{{2}})_(?P<source>[0-9]{{2}})__{_SCENE}__[A-Z0-9]{{8}}"
    ),
    **{f"{_FAKES}/{method}": _FAKE for method in METHODS},
}


_PARTS = {part.lower(): part for part in _NAMES}
"""The parts as they are written above, by what some downloads make of them."""


def read(root: str, *, splits: str | None, official: bool) -> Listing:
    """Lists the clips of FaceForensics++ and DFD without opening them.

    Every clip in the two folders of sequences becomes a video; only masks are left out. A clip
    that is not named as the layout says is refused. With official splits, so are clips whose ids
    are in no list, and fakes whose two ids are in different lists. DFD has no official splits:
    its actors are drawn into splits one by one, and a fake goes where both its actors go.

    Args:
        root: the folder that holds `original_sequences` and `manipulated_sequences`; either
            may be absent.
        splits: the folder of `train.json`, `val.json` and `test.json`; without it no video
            has an official split.
        official: must be False: the lists do not leak.

    Returns:
        The videos.

    Raises:
        UsageError: `root` holds no clip, the split files are missing or malformed, or an option
            is given that this dataset has no use for.
    """
    options.reject(DATASET, "whose lists are taken as they are", official=official)
    split_of = None if splits is None else read_splits(splits)
    clips = {
        f"{sequences}/{name}"
        for sequences in _SEQUENCES
        for name in files.find(files.join(root, sequences), _DEPTH, closed=has_video_suffix)
        if has_video_suffix(name) and _MASKS not in name.split("/")
    }
    if not clips:
        raise UsageError(
            f"{root}: no clip such as {_REALS}/youtube/c23/videos/519.mp4 in it; "
            f"--input must name the folder that holds {' and '.join(_SEQUENCES)}"
        )
    videos = [_source_video(root, name, clips, split_of) for name in clips]
    return Listing(tuple(sorted(videos, key=lambda video: video.video_id)), (_NOTE,))


def read_splits(folder: str) -> dict[str, str]:
    """Reads the official split lists.

    Args:
        folder: of `train.json`, `val.json` and `test.json`, each a list of pairs of ids.

    Returns:
        The split (one of `data.contract.SPLITS`) by id.

    Raises:
        UsageError: a file is missing, not such a list, or repeats an id of another.
    """
    splits: dict[str, str] = {}
    cure = (
        "--splits must name a folder with the official train.json, val.json and test.json "
        "(github.com/ondyari/FaceForensics, dataset/splits)"
    )
    for split, name in SPLIT_FILES.items():
        path = files.join(folder, name)
        pairs = read_json(path, cure)
        if not isinstance(pairs, list) or not all(map(_is_pair, pairs)):
            raise UsageError(f'{path}: not a list of pairs such as ["071", "054"]; {cure}')
        for id_ in (id_ for pair in pairs for id_ in pair):
            if splits.setdefault(id_, split) != split:
                raise UsageError(f"{path}: {id_} is in {SPLIT_FILES[splits[id_]]} too; {cure}")
    return splits


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(id_, str) and re.fullmatch(r"[0-9]{3}", id_) for id_ in value)
    )


def _source_video(
    root: str, relative: str, clips: Collection[str], split_of: Mapping[str, str] | None
) -> SourceVideo:
    is_real = relative.startswith(_REALS)
    label = contract.Label.REAL if is_real else contract.Label.FAKE
    place = _PLACE.fullmatch(relative)
    named = _PARTS.get(place["part"].lower()) if place else None
    match = _NAMES[named].fullmatch(place["name"]) if place and named else None
    if place is None or named is None or match is None:
        return refused_clip(DATASET, root, relative, _why_not(relative), label)
    groups = match.groupdict()
    ids = [groups[person] for person in ("target", "source") if person in groups]
    if scene := groups.get("scene"):
        actors = tuple(f"{DATASET}/actors/{id_}" for id_ in ids)
        sources, split, refused = actors, None, None
        part, original = "actors", f"{ids[0]}__{scene}.mp4"
    else:
        actors = ()
        sources = tuple(f"{DATASET}/{id_}" for id_ in ids)
        split, refused = (None, None) if split_of is None else _official_split(ids, split_of)
        part, original = "youtube", f"{ids[0]}.mp4"
    folder = f"{_REALS}/{part}/{place['compression']}/"
    original = clip_id(DATASET, locate(clips, folder, original, place["level"] or ""))
    return SourceVideo(
        video_id=clip_id(DATASET, relative),
        path=files.join(root, relative),
        label=label,
        dataset=DATASET,
        method=contract.REAL_METHOD if is_real else named.split("/")[1],
        compression=place["compression"],
        sources=sources,
        split=split,
        refused=refused,
        original="" if is_real else original,
        identities=actors,
        split_by=actors,
    )


def _why_not(relative: str) -> str:
    part = relative.split("/")[1]
    if has_video_suffix(part) or part in {known.split("/")[1] for known in _NAMES}:
        return "its place or name is not that of a FaceForensics++ clip"
    return f"not a part of FaceForensics++ that is supported: {percent_encode(part)}"


def _official_split(
    ids: list[str], split_of: Mapping[str, str]
) -> tuple[str | None, Refusal | None]:
    """The split of a clip by its ids, or the reason why it has none."""
    unlisted = [id_ for id_ in ids if id_ not in split_of]
    if unlisted:
        reason = f"in none of the official split lists: {' and '.join(unlisted)}"
        return None, Refusal(Status.REFUSED_INPUT, reason)
    if len({split_of[id_] for id_ in ids}) > 1:
        where = " and ".join(f"{id_} ({split_of[id_]})" for id_ in ids)
        reason = f"made from clips of different official splits: {where}"
        return None, Refusal(Status.REFUSED_CROSS_SPLIT, reason)
    return split_of[ids[0]], None
