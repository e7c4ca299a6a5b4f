"""The Beam step that extracts one video: from its file to a committed result and a ledger row."""

import contextlib
import dataclasses
import json
import time
from collections.abc import Iterator
from typing import Any

import apache_beam as beam

from data.contract import Annotation, VideoContent
from data.extraction.job_progress import ProgressReporter
from data.extraction.result_store import FINAL, ResultStore, result_key
from data.faces import FaceExtractor, FaceOptions, OriginalFaces
from data.ledger import LedgerRow, Status
from data.utils import files
from data.utils.errors import OutputError


@dataclasses.dataclass(frozen=True)
class VideoTask:
    """One video to extract.

    Attributes:
        annotation: what its Example says besides its faces.
        path: of the file.
        split: it goes to.
        sources: see `data.datasets.base.SourceVideo`.
        is_kept: whether an earlier result in the same output holds it.
        original: `video_id` of the real clip whose boxes are to be used; empty for its own.
    """

    annotation: Annotation
    path: str
    split: str
    sources: tuple[str, ...]
    is_kept: bool
    original: str = ""

    def to_json(self) -> str:
        """One line of text."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "VideoTask":
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        annotation = values.pop("annotation")
        annotation["slice_methods"] = tuple(annotation["slice_methods"])
        sources = tuple(values.pop("sources"))
        return cls(annotation=Annotation(**annotation), sources=sources, **values)


@dataclasses.dataclass(frozen=True)
class Extracted:
    """What Beam moves of one input: never its images.

    Attributes:
        key: of its committed result; empty if it has none.
        row: of the ledger.
        annotation: what its Example says besides its faces; None if it was refused.
        sources: see `data.datasets.base.SourceVideo`.
        is_kept: whether an earlier result in the same output holds it.
    """

    key: str
    row: LedgerRow
    annotation: Annotation | None
    sources: tuple[str, ...]
    is_kept: bool = False


class ExtractVideo(beam.DoFn):
    """Extracts one video, stores what was found and emits its ledger row.

    Args:
        work: the job's folder.
        detector: name of the detector.
        faces: which frames and faces.
        time_limit_s: see `data.faces.worker.FaceExtractor`.
    """

    def __init__(self, work: str, detector: str, faces: FaceOptions, time_limit_s: float) -> None:
        self._work = work
        self._arguments = (detector, faces, time_limit_s)

    def setup(self) -> None:
        """Starts the process that extracts."""
        self._results = ResultStore(self._work)
        self._progress = ProgressReporter(self._work)
        self._extractor = FaceExtractor(*self._arguments)
        self._extractor.start()

    def process(
        self,
        job: VideoTask,
        original_keys: Any = None,  # Beam cannot read the type of a mapping or None
    ) -> Iterator[Extracted]:
        """Yields what became of one video, in an earlier run if that finished it.

        Args:
            job: the video.
            original_keys: of committed originals, str by `video_id`; None if none are used.
        """
        key, row = self._process(job, (original_keys or {}).get(job.original, ""))
        self._progress.add(row.status)
        yield Extracted(key, row, job.annotation, job.sources, job.is_kept)

    def finish_bundle(self) -> None:
        """Reports what was counted."""
        self._progress.flush()

    def teardown(self) -> None:
        """Ends the process."""
        self._extractor.close()

    def _process(self, job: VideoTask, original_key: str) -> tuple[str, LedgerRow]:
        unopened = LedgerRow(
            video_id=job.annotation.video_id,
            path=job.path,
            split=job.split,
            label=int(job.annotation.label),
            status=Status.MISSING,
            reason="there is no such file",
            original=job.original if original_key else "",
        )
        with contextlib.ExitStack() as stack:
            try:
                path, sha256 = stack.enter_context(files.local_copy(job.path))
                metadata = files.metadata(path)
            except OutputError:
                raise
            except FileNotFoundError:
                return "", unopened
            except OSError as error:
                reason = f"it cannot be read: {error.strerror or error}"
                return "", dataclasses.replace(unopened, status=Status.UNREADABLE, reason=reason)
            key = result_key(sha256, original_key)
            finished = self._results.read_row(key)
            if finished is not None:
                return key, dataclasses.replace(
                    finished,
                    video_id=unopened.video_id,
                    path=unopened.path,
                    split=unopened.split,
                    label=unopened.label,
                    original=unopened.original,
                    boxes_from=unopened.original if finished.boxes_from else "",
                    shard="",
                )
            self._extractor.wait()
            started = time.monotonic()
            original = self._read_original(original_key) if original_key else None
            size_bytes = 0 if metadata is None else metadata.size_in_bytes
            found = self._extractor.extract(path, size_bytes, original)
        row = dataclasses.replace(
            unopened,
            sha256=sha256,
            status=found.status,
            used=bool(found.faces),
            reason=found.reason,
            frames_declared=found.measurements.frames_declared,
            frames_decoded=found.measurements.frames_decoded,
            frames_damaged=found.measurements.frames_damaged,
            faces=len(found.usable_faces),
            tracks_kept=found.tracks_kept,
            tracks_left_out=found.tracks_left_out,
            boxes_from=unopened.original if found.boxes_given else "",
            seconds=round(time.monotonic() - started, 3),
        )
        if found.status in FINAL:
            content = VideoContent(sha256, found.measurements, found.faces) if found.faces else None
            self._results.write(key, row, content)
        return key, row

    def _read_original(self, key: str) -> OriginalFaces:
        original = self._results.read_content(key)
        faces = tuple(dataclasses.replace(face, image=b"") for face in original.faces)
        size = original.measurements
        return OriginalFaces(size.width, size.height, faces)
