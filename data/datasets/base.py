"""What every dataset reader returns."""

import dataclasses
from collections.abc import Mapping


@dataclasses.dataclass(frozen=True)
class SourceVideo:
    """One input video as its dataset describes it, before anything is decoded.

    Attributes:
        video_id: dataset name and path relative to the dataset's root, joined by `/`.
        path: where the file is, or should be: a listed file may be missing.
        label: `data.contract.Label`.
        dataset: for example `faceforensics`.
        method: for example `Deepfakes`; `real` for reals.
        compression: for example `c23`; empty where unknown.
        sources: every identity or clip that this video shows or was made from, as
            keys unique to the dataset. Videos that share a key may not be split.
        split: the official split, one of `data.contract.SPLITS`, or None.
        refused: why the dataset's own rules keep this video out (a fake whose two
            originals lie in different official splits, say); empty if they do not.
        slices: further columns to slice by, without the `slice/` prefix.
    """

    video_id: str
    path: str
    label: int
    dataset: str
    method: str
    compression: str
    sources: tuple[str, ...]
    split: str | None = None
    refused: str = ""
    slices: Mapping[str, str] = dataclasses.field(default_factory=dict)
