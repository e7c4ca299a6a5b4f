"""The Beam step that extracts one video: from its file to a stored result and a ledger row."""

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
        key: of its stored result; empty if it has none.
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
    """Extracts one video, stores the result and yields its ledger row.

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
        task: VideoTask,
        original_keys: Any = None,  # Beam cannot read the type of a mapping or None
    ) -> Iterator[Extracted]:
        """Extracts one video, or takes its result from the store if it is there.

        Args:
            task: the video.
            original_keys: of the results of originals, str by `video_id`; None if none are used.
        """
        key, row = self._process(task, (original_keys or {}).get(task.original, ""))
        self._progress.add(row.status)
        yield Extracted(key, row, task.annotation, task.sources, task.is_kept)

    def finish_bundle(self) -> None:
        """Reports what was counted."""
        self._progress.flush()

    def teardown(self) -> None:
        """Ends the process."""
        self._extractor.close()

    def _process(self, task: VideoTask, original_key: str) -> tuple[str, LedgerRow]:
        unopened = LedgerRow(
            video_id=task.annotation.video_id,
            path=task.path,
            split=task.split,
            label=int(task.annotation.label),
            status=Status.MISSING,
            reason="there is no such file",
            original=task.original if original_key else "",
        )
        with contextlib.ExitStack() as stack:
            try:
                path, sha256 = stack.enter_context(files.local_copy(task.path))
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
            result = self._extractor.extract(path, size_bytes, original)
        row = dataclasses.replace(
            unopened,
            sha256=sha256,
            status=result.status,
            used=bool(result.faces),
            reason=result.reason,
            frames_declared=result.measurements.frames_declared,
            frames_decoded=result.measurements.frames_decoded,
            frames_damaged=result.measurements.frames_damaged,
            faces=len(result.usable_faces),
            tracks_kept=result.tracks_kept,
            tracks_left_out=result.tracks_left_out,
            boxes_from=unopened.original if result.at_original_boxes else "",
            seconds=round(time.monotonic() - started, 3),
        )
        if result.status in FINAL:
            content = (
                VideoContent(sha256, result.measurements, result.faces) if result.faces else None
            )
            self._results.write(key, row, content)
        return key, row

    def _read_original(self, key: str) -> OriginalFaces:
        original = self._results.read_content(key)
        faces = tuple(dataclasses.replace(face, image=b"") for face in original.faces)
        size = original.measurements
        return OriginalFaces(size.width, size.height, faces)
