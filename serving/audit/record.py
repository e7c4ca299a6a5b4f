"""The audit record: which files were asked about, how, which model answered, and what.

Later it can be checked that a file is still the same and that the model still answers the same,
see `serving.audit.verification`. What is not known is null, with the reason beside it.
"""

import datetime
import hashlib
import importlib.metadata
import json
import math
import os
import pathlib
import platform
import stat
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import pydantic
from pydantic import Field

from data.contract import SCOPE_SENTENCE
from data.faces import FaceOptions
from data.ledger import Status, percent_encode
from data.utils.errors import UsageError
from serving.audit import results
from serving.audit.model_card import ModelCard
from serving.prediction import Payload, TrackPrediction, Verdict, VideoFacts, VideoPrediction

SCHEMA_VERSION: Final = "2"
"""Changes whenever older readers would misread a record."""

PACKAGES = (
    *("unmask", "av", "grpcio", "mtcnn", "numpy", "opencv-python-headless", "pillow"),
    *("scipy", "tensorflow", "tensorflow-serving-api"),
)
"""Packages whose code influences an answer."""

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
        "the mouth, pixels; null where the detector gives none"
    )
    detection_score: Probability | None = Field(description="the detector's confidence")
    fake_probability: Probability | None = Field(
        description="of this face; null if the model could not read it"
    )


class TrackRecord(_Part):
    """A track: one face over time."""

    verdict: Verdict
    fake_probability: Probability | None = Field(description="calibrated; null if not scored")
    faces_seen: int | None = Field(description="usable faces, of which `faces` were scored")
    perhaps_picture: bool = Field(
        default=False, description="whether the face never moves while another does"
    )
    faces: tuple[FaceRecord, ...] = Field(description="by time")


class InputRecord(_Part):
    """The file that was asked about."""

    path: str = Field(description="as given to the command; bytes that are not UTF-8 as %XX")
    sha256: Sha256 | None
    size_bytes: int | None = Field(ge=0)
    unknown: str | None = Field(description="why there is no SHA-256; null if there is one")


class VideoRecord(_Part):
    """The answer about one file."""

    input: InputRecord
    facts: VideoFacts | None = Field(
        description="measured while decoding; null if no frame could be decoded"
    )
    model_version: int | None = Field(description="version that answered; null if none was asked")
    verdict: Verdict
    fake_probability: Probability | None = Field(description="null if the verdict is abstain")
    status: Status = Field(description="what became of the file; for an abstention, the reason")
    reason: str = Field(description="one sentence; empty if there is nothing to say")
    scope: str | None = Field(
        description="what the model's verdicts are about, as it states it; null if none was asked, "
        "or it states none"
    )
    tracks: tuple[TrackRecord, ...] = Field(
        description="those judged, seen longest and largest first"
    )


class ModelRecord(_Part):
    """A version that answered."""

    name: str
    version: int
    card: ModelCard | None = Field(description="from the version's assets.extra/model.json")
    unknown: str | None = Field(description="why there is no card; null if there is one")


class OptionsRecord(_Part):
    """How the files were asked about."""

    server: str = Field(description="address of the server")
    model: str = Field(description="name of the model")
    detector: str
    ask: Payload = Field(description="whether crops or frames were sent")
    faces: FaceOptions
    large_face_share: float = Field(
        description="a face that was not judged and at least this share of the largest judged one "
        "keeps a video from being called real"
    )


class AuditRecord(_Part):
    """One run of `unmask predict`."""

    schema_version: Literal["2"] = Field(description="version of this schema")
    scope: str = Field(description="what the verdicts of any model are about")
    created_at: pydantic.AwareDatetime = Field(description="UTC")
    versions: dict[str, str] = Field(description="Python, platform and libraries")
    options: OptionsRecord
    models: tuple[ModelRecord, ...]
    videos: tuple[VideoRecord, ...]
    unanswered: tuple[str, ...] = Field(
        description="paths of files that were not answered before the run ended"
    )
    content_sha256: Sha256 | None = Field(
        description="SHA-256 of this record without this field, as UTF-8 JSON with sorted keys and "
        "no spaces. Detects accidental changes; sign the file against forgery.",
    )


def fingerprint(path: str) -> InputRecord:
    """Reads a file once and computes its SHA-256; never raises for a bad file.

    Only a regular file is read: a pipe or a camera has no lasting content.
    """
    try:
        # Without O_NONBLOCK, opening a pipe without a writer would block.
        with open(path, "rb", opener=lambda p, flags: os.open(p, flags | os.O_NONBLOCK)) as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                return _unknown_input(path, "it is no regular file")
            digest = hashlib.sha256()
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
    except OSError as error:
        return _unknown_input(path, error.strerror or str(error))
    except ValueError as error:  # the name contains a null byte
        return _unknown_input(path, str(error))
    return InputRecord(
        path=percent_encode(path),
        sha256=digest.hexdigest(),
        size_bytes=before.st_size,
        unknown=None,
    )


def _unknown_input(path: str, reason: str) -> InputRecord:
    return InputRecord(path=percent_encode(path), sha256=None, size_bytes=None, unknown=reason)


def record_video(prediction: VideoPrediction, before: InputRecord) -> VideoRecord:
    """Records an answer.

    Args:
        prediction: the answer.
        before: the file's `fingerprint` before the question. If it has changed since, it is
            left out, because it is not known which content was scored.
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
        scope=prediction.scope,
        tracks=tuple(map(_record_track, prediction.tracks)),
    )


def _record_track(track: TrackPrediction) -> TrackRecord:
    return TrackRecord(
        verdict=track.verdict,
        fake_probability=track.fake_probability,
        faces_seen=track.faces_seen,
        perhaps_picture=track.perhaps_picture,
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
    """Makes a record, with the current time and library versions.

    Args:
        videos: the answers.
        options: how the files were asked about.
        cards: the known cards of the model's versions, version -> card.
        unanswered: paths of files that were not answered.
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
    """The SHA-256 of a record without its `content_sha256`; 64 hexadecimal digits."""
    content = record.model_dump(mode="json", exclude={"content_sha256"})
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return hashlib.sha256(text.encode()).hexdigest()


def write_record(record: AuditRecord, path: pathlib.Path) -> None:
    """Writes a record as JSON, whole or not at all.

    Raises:
        OutputError: the file cannot be written; one that was there before is unchanged.
    """
    results.write_whole(path, record.model_dump_json(indent=2) + "\n")


def read_record(path: pathlib.Path) -> AuditRecord:
    """Reads a record.

    Raises:
        UsageError: it cannot be read, or is not a record of this schema version.
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


def library_versions() -> dict[str, str]:
    """Installed versions of Python, the platform and `PACKAGES`."""
    system = {"python": platform.python_version(), "platform": platform.platform()}
    return system | {package: importlib.metadata.version(package) for package in PACKAGES}
