"""Reads FaceForensics++ in its official layout, with its official splits.

Rössler et al., "FaceForensics++: Learning to Detect Manipulated Facial Images", ICCV 2019;
layout and split lists: https://github.com/ondyari/FaceForensics/tree/master/dataset.

    original_sequences/youtube/{raw,c0,c23,c40}/videos/519.mp4
    manipulated_sequences/Deepfakes/{raw,c0,c23,c40}/videos/519_515.mp4

A fake is named after its target (whose head and scene it shows) and its source (whose face or
expression was put there). The `videos` level may be left out.
"""

import json
import pathlib
import re
from collections.abc import Iterator, Mapping

from data import contract
from data.datasets.base import SourceVideo
from data.errors import UsageError
from data.ledger import percent_encode

DATASET = "faceforensics"

METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
COMPRESSIONS = ("raw", "c0", "c23", "c40")

SPLIT_FILES = {"train": "train.json", "eval": "val.json", "test": "test.json"}

_SEQUENCES = ("original_sequences", "manipulated_sequences")
_MASKS = "masks"
"""Folder of the manipulated pixels' masks: MP4 files that are no clips of people."""

_DEEPEST = 4
"""Levels below the sequences' folder: method, compression, `videos`, file."""

_LAYOUT = re.compile(
    rf"original_sequences/youtube/(?P<real_compression>{'|'.join(COMPRESSIONS)})/(videos/)?"
    rf"(?P<real>[0-9]{{3}})\.mp4"
    rf"|manipulated_sequences/(?P<method>{'|'.join(METHODS)})/"
    rf"(?P<fake_compression>{'|'.join(COMPRESSIONS)})/(videos/)?"
    rf"(?P<target>[0-9]{{3}})_(?P<source>[0-9]{{3}})\.mp4"
)


def read(root: pathlib.Path, splits_dir: pathlib.Path | None) -> list[SourceVideo]:
    """Lists the clips of FaceForensics++ without opening them.

    Every MP4 file in the two folders of sequences becomes a video; only masks are passed over.
    A clip that is not named as the layout says, or is of a part that has no official splits
    (the actors, DeepFakeDetection), is refused with the reason rather than lost. So is, with
    official splits, a clip whose ids are in no list or in different ones.

    Args:
        root: the folder that holds `original_sequences` and `manipulated_sequences`; either
            may be absent.
        splits_dir: the folder of `train.json`, `val.json` and `test.json`; without it no video
            has an official split.

    Returns:
        The videos, sorted by path.

    Raises:
        UsageError: `root` holds no clip, or the split files are missing or malformed.
    """
    if not root.is_dir():
        raise UsageError(
            f"{root}: there is no such folder; --input must name the folder that holds "
            f"{' and '.join(_SEQUENCES)}"
        )
    splits = None if splits_dir is None else read_splits(splits_dir)
    videos = [_describe(path, root, splits) for path in sorted(_find(root))]
    if not videos:
        raise UsageError(
            f"{root}: no clip such as original_sequences/youtube/c23/videos/519.mp4 in it; "
            f"--input must name the folder that holds {' and '.join(_SEQUENCES)}"
        )
    return videos


def read_splits(splits_dir: pathlib.Path) -> dict[str, str]:
    """Reads the official split lists.

    Args:
        splits_dir: the folder of `train.json`, `val.json` and `test.json`, each a list of
            pairs of ids.

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
        path = splits_dir / name
        try:
            pairs = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror}); {cure}") from error
        except ValueError as error:
            raise UsageError(f"{path}: not JSON ({error}); {cure}") from error
        if not isinstance(pairs, list) or not all(map(_is_pair, pairs)):
            raise UsageError(f'{path}: not a list of pairs such as ["071", "054"]; {cure}')
        for video in (video for pair in pairs for video in pair):
            if splits.setdefault(video, split) != split:
                raise UsageError(f"{path}: {video} is in {SPLIT_FILES[splits[video]]} too; {cure}")
    return splits


def _is_pair(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(isinstance(video, str) and re.fullmatch(r"[0-9]{3}", video) for video in value)
    )


def _find(root: pathlib.Path) -> Iterator[pathlib.Path]:
    """The MP4 files, as deep as the layout goes: folders of extracted frames lie deeper."""
    for sequences in _SEQUENCES:
        for depth in range(1, _DEEPEST + 1):
            # Unlike `**`, fixed levels follow links, by which large datasets are put together.
            for path in root.glob("/".join([sequences, *["*"] * depth])):
                is_clip = path.suffix.lower() == ".mp4" and not path.is_dir()
                if is_clip and _MASKS not in path.relative_to(root).parts:
                    yield path


def _describe(
    path: pathlib.Path, root: pathlib.Path, splits: Mapping[str, str] | None
) -> SourceVideo:
    relative = path.relative_to(root)
    match = _LAYOUT.fullmatch(relative.as_posix())
    if match is None:
        return _describe_unsupported(path, relative)
    ids = tuple(id_ for id_ in match.group("real", "target", "source") if id_ is not None)
    split, refused = (None, "") if splits is None else _official_split(ids, splits)
    method = match["method"]
    return SourceVideo(
        video_id=f"{DATASET}/{relative.as_posix()}",
        path=str(path),
        label=contract.Label.REAL if method is None else contract.Label.FAKE,
        dataset=DATASET,
        method=method or contract.REAL_METHOD,
        compression=match["real_compression"] or match["fake_compression"],
        sources=tuple(f"{DATASET}/{id_}" for id_ in ids),
        split=split,
        refused=refused,
    )


def _describe_unsupported(path: pathlib.Path, relative: pathlib.Path) -> SourceVideo:
    sequences, *folders, _ = relative.parts
    is_real = sequences == _SEQUENCES[0]
    part = percent_encode(folders[0]) if folders else ""
    if part and part not in ("youtube", *METHODS):
        refused = f"{part} is not a part of FaceForensics++ that is supported"
    else:
        refused = "its place or name is not that of a FaceForensics++ clip"
    video_id = f"{DATASET}/{percent_encode(relative.as_posix())}"
    return SourceVideo(
        video_id=video_id,
        path=str(path),
        label=contract.Label.REAL if is_real else contract.Label.FAKE,
        dataset=DATASET,
        method=contract.REAL_METHOD if is_real else part or "unknown",
        compression=next((name for name in folders if name in COMPRESSIONS), ""),
        sources=(video_id,),
        refused=refused,
    )


def _official_split(ids: tuple[str, ...], splits: Mapping[str, str]) -> tuple[str | None, str]:
    """The split of a clip by its ids, or why it has none."""
    unlisted = [id_ for id_ in ids if id_ not in splits]
    if unlisted:
        return None, f"{' and '.join(unlisted)} in none of the official split lists"
    if len({splits[id_] for id_ in ids}) > 1:
        where = " and ".join(f"{id_} ({splits[id_]})" for id_ in ids)
        return None, f"made from {where}, which lie in different official splits"
    return splits[ids[0]], ""
