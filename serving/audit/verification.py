"""Checks an audit record: against itself, against the files, and by asking again."""

import dataclasses
import json
from collections.abc import Iterator, Sequence

import numpy as np

from serving.audit import record as audit
from serving.audit.model_card import ModelCard
from serving.audit.record import AuditRecord, TrackRecord, VideoRecord
from serving.prediction import Verdict, VideoPrediction

BOX_TOLERANCE_PIXELS = 3.0
"""Allowed difference of a side of a box."""

TIME_TOLERANCE_S = 0.001
"""Allowed difference of the time of a frame."""

_Number = float | Sequence[float] | None


@dataclasses.dataclass(frozen=True)
class Difference:
    """A difference from the record.

    Attributes:
        path: of the video; empty if the record itself is wrong.
        what: one sentence.
    """

    path: str
    what: str


def check_record(record: AuditRecord) -> list[Difference]:
    """Checks that a record is consistent: its hash, and verdicts with scores and thresholds."""
    differences = []
    if record.content_sha256 != audit.content_sha256(record):
        differences.append(Difference("", "its content is not that which its content_sha256 is of"))
    cards = {model.version: model.card for model in record.models if model.card}
    for video in record.videos:
        differences += [
            Difference(video.input.path, what)
            for what in _contradictions(video, cards.get(video.model_version or -1))
        ]
    return differences


def _contradictions(video: VideoRecord, card: ModelCard | None) -> Iterator[str]:
    scores = [t.fake_probability for t in video.tracks if t.fake_probability is not None]
    if video.verdict is Verdict.ABSTAIN:
        if video.fake_probability is not None:
            yield "it abstains, but has a fake probability"
    elif video.fake_probability is None or video.fake_probability != max(scores, default=None):
        yield "its fake probability is not the largest of its tracks'"
    answers: list[tuple[str, VideoRecord | TrackRecord]] = [("the video", video)]
    answers += [(f"track {n}", track) for n, track in enumerate(video.tracks, 1)]
    for name, answer in answers:
        if card and answer.fake_probability is not None:
            expected = card.thresholds.verdict(answer.fake_probability)
            # A video with a large face that was not judged is not called real.
            if answer is video and (expected, answer.verdict) == (Verdict.REAL, Verdict.UNCERTAIN):
                continue
            if answer.verdict is not expected:
                yield (
                    f"{name} is called {answer.verdict.value}, but by the recorded thresholds "
                    f"{answer.fake_probability:.6f} is {expected.value}"
                )


def check_input(video: VideoRecord, path: str) -> list[Difference]:
    """Checks that a file is the one that was asked about.

    Args:
        video: the record.
        path: where the file is now.
    """
    recorded = video.input
    if recorded.sha256 is None:
        return [Difference(recorded.path, f"no SHA-256 was recorded: {recorded.unknown}")]
    current = audit.fingerprint(path)
    if current.sha256 is None:
        return [Difference(recorded.path, f"{current.path}: cannot be read: {current.unknown}")]
    if current.sha256 != recorded.sha256:
        what = (
            f"{current.path}: another file: SHA-256 {current.sha256}, {current.size_bytes} bytes; "
            f"recorded {recorded.sha256}, {recorded.size_bytes} bytes"
        )
        return [Difference(recorded.path, what)]
    return []


def check_answer(video: VideoRecord, answer: VideoPrediction, tolerance: float) -> list[Difference]:
    """Checks that a new answer equals the recorded one.

    Args:
        video: the record.
        answer: about the same file, with the same options.
        tolerance: allowed difference of probabilities: processors round differently.
    """
    again = audit.record_video(answer, video.input)
    return [
        Difference(video.input.path, what) for what in _video_differences(video, again, tolerance)
    ]


def _video_differences(old: VideoRecord, new: VideoRecord, tolerance: float) -> Iterator[str]:
    for name in ("model_version", "verdict", "status", "reason", "scope", "fake_probability"):
        before, now = getattr(old, name), getattr(new, name)
        is_probability = name == "fake_probability"
        if not (_close(before, now, tolerance) if is_probability else before == now):
            yield f"{name}: recorded {_text(before)}, now {_text(now)}"
    if len(old.tracks) != len(new.tracks):
        yield f"tracks: recorded {len(old.tracks)}, now {len(new.tracks)}"
        return
    for number, tracks in enumerate(zip(old.tracks, new.tracks, strict=True), 1):
        for what in _track_differences(*tracks, tolerance):
            yield f"track {number}: {what}"


def _track_differences(old: TrackRecord, new: TrackRecord, tolerance: float) -> Iterator[str]:
    if old.verdict is not new.verdict:
        yield f"verdict: recorded {old.verdict.value}, now {new.verdict.value}"
    before, now = old.fake_probability, new.fake_probability
    if not _close(before, now, tolerance):
        yield f"fake_probability: recorded {_text(before)}, now {_text(now)}"
    if len(old.faces) != len(new.faces):
        yield f"faces: recorded {len(old.faces)}, now {len(new.faces)}"
        return
    pairs = list(zip(old.faces, new.faces, strict=True))
    for name, allowed in (
        ("time_s", TIME_TOLERANCE_S),
        ("box", BOX_TOLERANCE_PIXELS),
        ("fake_probability", tolerance),
    ):
        values = [(face, getattr(face, name), getattr(other, name)) for face, other in pairs]
        differing = [face for face, a, b in values if not _close(a, b, allowed)]
        if differing:
            yield (
                f"{name.removesuffix('_s')} of {len(differing)} of {len(pairs)} faces differs, "
                f"first at {differing[0].time_s:.2f} s"
            )


def _close(first: _Number, second: _Number, tolerance: float) -> bool:
    if first is None or second is None:
        return first is second
    return bool(np.allclose(first, second, rtol=0.0, atol=tolerance))


def _text(value: object) -> str:
    return json.dumps(value)  # null, "fake", 0.97
