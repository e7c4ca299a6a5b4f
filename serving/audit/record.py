"""The audit record: what was asked about which files, what answered, and what came of it.

Whoever has the record and a file can check later that it is the same file, and ask again; see
`serving.audit.verification`. What could not be learnt is null, and beside it stands why.
"""

import datetime
import hashlib
import importlib.metadata
import math
import os
import pathlib
import platform
import stat
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import pydantic
from pydantic import Field

from data.contract import SCOPE_SENTENCE
from data.faces.extract import FaceOptions
from data.ledger import Status, percent_encode
from data.utils.errors import UsageError
from serving.audit import results
from serving.audit.model_card import ModelCard
from serving.prediction import TrackPrediction, Verdict, VideoFacts, VideoPrediction

SCHEMA_VERSION: Final = "1"
"""Rises with every change after which an older reader would misread a record."""

PACKAGES = (
    *("unmask", "av", "grpcio", "mtcnn", "numpy", "opencv-python-headless", "pillow"),
    *("scipy", "tensorflow", "tensorflow-serving-api"),
)
"""Distributions whose code takes part in an answer."""

_BLOCK_BYTES = 1 << 20

Probability = Annotated[float, Field(ge=0, le=1)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Part(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class FaceRecord(_Part):
    """One scored face."""

    time_s: float = Field(description="presentation time of the frame, seconds")
    box: tuple[float, float, float, float] = Field(
        description="x_min, y_min, x_max, y_max in the frame, pixels, after rotation"
    )
    landmarks: tuple[float | None, ...] = Field(
        description="x, y of the subject's right eye, left eye, nose, right and left corner of "
        "the mouth, pixels; null for what the detector does not know"
    )
    detection_score: Probability | None = Field(description="the detector's confidence")
    fake_probability: Probability | None = Field(
        description="of this face; null if the model could not read it"
    )


class TrackRecord(_Part):
    """One person seen over time."""

    verdict: Verdict
    fake_probability: Probability | None = Field(description="calibrated; null if not scored")
    faces_seen: int | None = Field(description="usable faces found, of which `faces` were scored")
    faces: tuple[FaceRecord, ...] = Field(description="by time")


class InputRecord(_Part):
    """The file that was asked about."""

    path: str = Field(description="as given; bytes that are not UTF-8 as %XX")
    sha256: Sha256 | None
    size_bytes: int | None = Field(ge=0)
    unknown: str | None = Field(description="why there is no SHA-256; null if there is one")


class VideoRecord(_Part):
    """The answer about one file."""

    input: InputRecord
    facts: VideoFacts | None = Field(
        description="measured while decoding; null if no frame could be decoded"
    )
    model_version: int | None = Field(description="that answered; null if none was asked")
    verdict: Verdict
    fake_probability: Probability | None = Field(description="null if the verdict is abstain")
    status: Status = Field(description="what became of the file; of an abstention, why")
    reason: str = Field(description="one sentence; empty if the status is ok")
    tracks: tuple[TrackRecord, ...] = Field(description="people, longest in view first")


class ModelRecord(_Part):
    """A version that answered."""

    name: str
    version: int
    card: ModelCard | None = Field(description="from the version's assets.extra/model.json")
    unknown: str | None = Field(description="why there is no card; null if there is one")


class OptionsRecord(_Part):
    """How the files were asked about."""

    server: str = Field(description="HOST:PORT that was asked")
    model: str = Field(description="name that was asked for")
    detector: str
    ask: Literal["tracks", "frames"] = Field(description="whether crops or frames were sent")
    faces: FaceOptions


class AuditRecord(_Part):
    """One run of `unmask predict`."""

    schema_version: Literal["1"] = Field(description="of this form")
    scope: str = Field(description="what a verdict is about")
    created_at: pydantic.AwareDatetime = Field(description="UTC")
    versions: dict[str, str] = Field(description="of Python, the platform and libraries")
    options: OptionsRecord
    models: tuple[ModelRecord, ...]
    videos: tuple[VideoRecord, ...]
    unanswered: tuple[str, ...] = Field(
        description="paths of files that were given, but not answered before the run ended"
    )
    content_sha256: Sha256 | None = Field(
        description="of this record without this field, as JSON with sorted keys, no blanks and "
        "UTF-8: shows a slip, not a forger, who would compute it anew; sign the file for that",
    )


def fingerprint(path: str) -> InputRecord:
    """Reads a file once and tells its fingerprint; never raises for a bad file.

    Nothing but a regular file is read: a pipe or a camera has no content to come back to.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                return _unknown_input(path, "it is no regular file")
            digest = hashlib.sha256()
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        return _unknown_input(path, error.strerror or str(error))
    except ValueError as error:  # a null byte in the name
        return _unknown_input(path, str(error))
    return InputRecord(
        path=percent_encode(path),
        sha256=digest.hexdigest(),
        size_bytes=before.st_size,
        unknown=None,
    )


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # a pipe without a writer would wait for ever


def _unknown_input(path: str, reason: str) -> InputRecord:
    return InputRecord(path=percent_encode(path), sha256=None, size_bytes=None, unknown=reason)


def record_video(prediction: VideoPrediction, before: InputRecord) -> VideoRecord:
    """Records an answer.

    Args:
        prediction: the answer.
        before: what `fingerprint` said of the file before it was asked about; if the file is
            another by now, its fingerprint is left out, since nobody knows which was scored.
    """
    if before.sha256 is not None and fingerprint(prediction.path) != before:
        before = _unknown_input(prediction.path, "the file changed while it was asked about")
    return VideoRecord(
        input=before,
        facts=prediction.facts,
        model_version=prediction.model_version,
        verdict=prediction.verdict,
        fake_probability=prediction.fake_probability,
        status=prediction.status,
        reason=percent_encode(prediction.reason),
        tracks=tuple(map(_record_track, prediction.tracks)),
    )


def _record_track(track: TrackPrediction) -> TrackRecord:
    return TrackRecord(
        verdict=track.verdict,
        fake_probability=track.fake_probability,
        faces_seen=track.faces_seen,
        faces=tuple(
            FaceRecord(
                time_s=frame.time_s,
                box=frame.box,
                landmarks=tuple(None if math.isnan(at) else at for at in frame.landmarks),
                detection_score=frame.detection_score,
                fake_probability=frame.fake_probability,
            )
            for frame in track.frames
        ),
    )


def make_record(
    videos: Sequence[VideoRecord],
    *,
    options: OptionsRecord,
    cards: Mapping[int, ModelCard],
    unanswered: Sequence[str] = (),
) -> AuditRecord:
    """Puts a record together, now.

    Args:
        videos: the answers.
        options: how the files were asked about.
        cards: of the model's versions, as far as they are known.
        unanswered: paths of files that were given, but not answered.
    """
    answered = sorted({v.model_version for v in videos if v.model_version is not None})
    record = AuditRecord(
        schema_version=SCHEMA_VERSION,
        scope=SCOPE_SENTENCE,
        created_at=datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0),
        versions=library_versions(),
        options=options,
        models=tuple(
            ModelRecord(
                name=options.model,
                version=version,
                card=cards.get(version),
                unknown=None
                if version in cards
                else "a server does not tell it; --models reads it from the serving root",
            )
            for version in answered
        ),
        videos=tuple(videos),
        content_sha256=None,
        unanswered=tuple(map(percent_encode, unanswered)),
    )
    return record.model_copy(update={"content_sha256": content_sha256(record)})


def content_sha256(record: AuditRecord) -> str:
    """The SHA-256 of a record's content, `content_sha256` left out; 64 hexadecimal digits."""
    content = record.model_dump(mode="json", exclude={"content_sha256"})
    return hashlib.sha256(results.canonical_json(content)).hexdigest()


def write_record(record: AuditRecord, path: pathlib.Path) -> None:
    """Writes a record as JSON, whole or not at all.

    Raises:
        OutputError: the file cannot be written; one that was there before is unchanged.
    """
    results.write_whole(path, record.model_dump_json(indent=2) + "\n")


def read_record(path: pathlib.Path) -> AuditRecord:
    """Reads a record.

    Raises:
        UsageError: it cannot be read, or is no record of this schema version.
    """
    try:
        return AuditRecord.model_validate_json(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror})") from error
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"])) or "the file"
        raise UsageError(
            f"{path}: is no audit record of schema version {SCHEMA_VERSION}, as "
            f"`unmask predict --output record.json` writes: {place}: {problem['msg']}"
        ) from error


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a record."""
    return AuditRecord.model_json_schema()


def library_versions() -> dict[str, str]:
    """Versions of Python, the platform and `PACKAGES`, here and now."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    return found | {package: importlib.metadata.version(package) for package in PACKAGES}
