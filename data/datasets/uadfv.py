"""Reads UADFV: 49 clips of people and one face swap of each.

Yang et al., "Exposing Deep Fakes Using Inconsistent Head Poses", ICASSP 2019
(https://arxiv.org/abs/1811.00661); layout as in
https://github.com/SCLBD/DeepfakeBench/blob/main/preprocessing/rearrange.py.

    real/0007.mp4
    fake/0007_fake.mp4

Clips may also lie in a folder `videos` below either of the two.
"""

import re

from data import contract
from data.datasets import options
from data.datasets.base import Listing, SourceVideo
from data.datasets.clips import LEVEL, clip_id, locate, refused_clip
from data.utils import files
from data.utils.errors import UsageError
from data.video import has_video_suffix

DATASET = "uadfv"

METHOD = "FakeApp"
"""What the fakes were made with: Li et al., "Celeb-DF" (https://arxiv.org/abs/1909.12962)."""

_DEPTH = 3
"""Levels below the root: `real` or `fake`, `videos`, file."""

_LAYOUT = re.compile(
    rf"(?:real/(?P<real_level>{LEVEL})?(?P<real>[0-9]{{4}})"
    rf"|fake/(?P<fake_level>{LEVEL})?(?P<fake>[0-9]{{4}})_fake)\.mp4"
)


def read(root: str, *, splits: str | None, official: bool) -> Listing:
    """Lists the clips of UADFV without opening them.

    Every clip in the two folders becomes a video; a clip that is not named as the layout says is
    refused. A real and its fake have the same number and stay together.

    Args:
        root: the folder that holds `real` and `fake`; either may be absent.
        splits: must be None: there are no official splits.
        official: must be False.

    Returns:
        The videos, none with an official split.

    Raises:
        UsageError: `root` holds no clip, or an option is given that this dataset has no use for.
    """
    options.reject(DATASET, "which has no official splits", splits=splits, official=official)
    clips = {
        name
        for name in files.find(root, _DEPTH, closed=has_video_suffix)
        if name.split("/")[0] in ("real", "fake") and has_video_suffix(name)
    }
    if not clips:
        raise UsageError(
            f"{root}: no clip such as real/0000.mp4 or fake/0000_fake.mp4 in it; --input must "
            f"name the folder that holds real and fake"
        )
    videos = sorted((_source_video(root, name, clips) for name in clips), key=lambda v: v.video_id)
    return Listing(
        tuple(videos),
        ("UADFV does not tell who its clips show: the same people may be in several splits",),
    )


def _source_video(root: str, relative: str, clips: set[str]) -> SourceVideo:
    is_real = relative.startswith("real/")
    label = contract.Label.REAL if is_real else contract.Label.FAKE
    match = _LAYOUT.fullmatch(relative)
    if match is None:
        reason = "its place or name is not that of a UADFV clip"
        return refused_clip(DATASET, root, relative, reason, label)
    number = match["real"] or match["fake"]
    original = locate(clips, "real/", f"{number}.mp4", match["fake_level"] or "")
    return SourceVideo(
        video_id=clip_id(DATASET, relative),
        path=files.join(root, relative),
        label=label,
        dataset=DATASET,
        method=contract.REAL_METHOD if is_real else METHOD,
        compression="",
        sources=(f"{DATASET}/{number}",),
        original="" if is_real else clip_id(DATASET, original),
    )
