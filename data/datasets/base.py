"""What every dataset reader returns."""

import dataclasses
from collections.abc import Iterable, Mapping

from data import contract
from data.ledger import Status
from data.utils import files

UNKNOWN_LABEL = -1
"""`label` of a video that is refused because its label is not known."""


@dataclasses.dataclass(frozen=True)
class Refusal:
    """Why a video is in no split.

    Attributes:
        status: `Status.REFUSED_CROSS_SPLIT` if it would join two splits, `REFUSED_BALANCE` if it
            is left out to balance the classes, `DUPLICATE` if it is listed twice,
            `REFUSED_INPUT` if what the dataset says of it cannot be used.
        reason: one sentence for people. The text before its first `: ` is the kind of reason, by
            which the audit counts. Names and numbers that differ between videos follow it.
    """

    status: Status
    reason: str


@dataclasses.dataclass(frozen=True)
class SourceVideo:
    """One input video as its dataset describes it, before anything is decoded.

    Attributes:
        video_id: dataset name and path relative to the dataset's root, joined by `/`;
            percent-encoded where it is not UTF-8.
        path: where the file is, or should be: a listed file may be missing. A local path, or a
            URL of an installed file system.
        label: `data.contract.Label`; `UNKNOWN_LABEL` only if refused.
        dataset: for example `faceforensics`.
        method: for example `Deepfakes`; `real` for reals.
        compression: for example `c23`; empty where unknown.
        sources: every identity or clip that this video shows or was made from, as
            keys unique to the dataset. Videos that share a key may not be split.
        split: the official split, one of `data.contract.SPLITS`, or None.
        refused: why the dataset's own rules keep this video out (a fake whose two
            originals lie in different official splits, say); None if they do not.
        slices: further columns to slice by, without the `slice/` prefix.
        original: `video_id` of the real clip whose scene and frames a fake shows; empty for
            reals and where the dataset does not tell.
        identities: the people it shows or was made from, as keys unique to the dataset, as
            far as the dataset tells. They are only reported: unlike `sources` they do not tie
            videos together.
        split_by: keys that are drawn into splits one by one, for datasets in which `sources`
            would connect all videos to one group (DFD's actors). The video goes where all its
            keys go, and is refused if they go to different splits. Empty if its group is drawn
            as a whole. Excludes `split` and `splits_allowed`.
        splits_allowed: the splits that it may go to; its group goes to one that all members
            allow. If an official list puts another video of the same source into a split that
            is not among them, this video is refused.
    """

    video_id: str
    path: str
    label: int
    dataset: str
    method: str
    compression: str
    sources: tuple[str, ...]
    split: str | None = None
    refused: Refusal | None = None
    slices: Mapping[str, str] = dataclasses.field(default_factory=dict)
    original: str = ""
    identities: tuple[str, ...] = ()
    split_by: tuple[str, ...] = ()
    splits_allowed: tuple[str, ...] = contract.SPLITS


@dataclasses.dataclass(frozen=True)
class Listing:
    """What a reader returns of a dataset.

    Attributes:
        videos: sorted by `video_id`; no two have the same.
        notes: for people, what the dataset's files do not tell and what that means for its
            splits; one sentence each.
    """

    videos: tuple[SourceVideo, ...]
    notes: tuple[str, ...] = ()

    def present(self) -> "Listing":
        """The listing without videos of this machine whose file is not there; a note counts them.

        Videos behind URLs stay: each would have to be asked for. Where no file is there at all, the
        listing is a plan for a download, and stays whole.
        """
        there = tuple(
            video
            for video in self.videos
            if not files.is_local(video.path) or files.exists(video.path)
        )
        absent = len(self.videos) - len(there)
        if not absent:
            return self
        note = f"{absent} of {len(self.videos)} listed files are not there"
        if not there:
            return Listing(self.videos, (*self.notes, f"{note}; they are counted as listed"))
        return Listing(there, (*self.notes, f"{note} and not counted"))


def collect_notes(listings: Iterable[Listing]) -> tuple[str, ...]:
    """The notes of some listings, each once, in order."""
    return tuple(dict.fromkeys(note for listing in listings for note in listing.notes))
