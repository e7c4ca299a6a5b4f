"""Checks an audit record: against itself, against the files, and by asking again."""

import dataclasses
import json
import math
from collections.abc import Callable, Iterator

from serving.audit import record as audit
from serving.audit.model_card import ModelCard
from serving.audit.record import AuditRecord, TrackRecord, VideoRecord
from serving.prediction import Verdict, VideoPrediction

TOLERANCE = 0.01
"""Allowed difference of a probability: processors round differently."""

BOX_TOLERANCE_PIXELS = 3.0
"""Allowed difference of a side of a box."""

TIME_TOLERANCE_S = 0.001
"""Allowed difference of the time of a frame."""


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
        yield "its fake probability is not the largest of its people's"
    answers: list[tuple[str, VideoRecord | TrackRecord]] = [("the video", video)]
    answers += [(f"person {n}", track) for n, track in enumerate(video.tracks, 1)]
    for name, answer in answers:
        if card and answer.fake_probability is not None:
            expected = card.thresholds.verdict(answer.fake_probability)
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


def check_answer(
    video: VideoRecord, answer: VideoPrediction, tolerance: float = TOLERANCE
) -> list[Difference]:
    """Checks that a new answer equals the recorded one.

    Args:
        video: the record.
        answer: about the same file, with the same options.
        tolerance: allowed difference of probabilities.
    """
    again = audit.record_video(answer, video.input)
    differences = []

    def compare(name: str, old: object, new: object, same: bool) -> None:
        if not same:
            differences.append(Difference(video.input.path, f"{name}: recorded {old}, now {new}"))

    for name in ("model_version", "verdict", "status", "reason"):
        old, new = getattr(video, name), getattr(again, name)
        compare(name, _text(old), _text(new), old == new)
    close = _within(tolerance)
    compare(
        "fake_probability",
        _text(video.fake_probability),
        _text(again.fake_probability),
        close(video.fake_probability, again.fake_probability),
    )
    compare("people", len(video.tracks), len(again.tracks), len(video.tracks) == len(again.tracks))
    if len(video.tracks) == len(again.tracks):
        for number, (old_track, new_track) in enumerate(
            zip(video.tracks, again.tracks, strict=True), 1
        ):
            differences += [
                Difference(video.input.path, f"person {number}: {what}")
                for what in _track_differences(old_track, new_track, close)
            ]
    return differences


def _track_differences(
    old: TrackRecord, new: TrackRecord, close: Callable[[float | None, float | None], bool]
) -> Iterator[str]:
    if old.verdict is not new.verdict:
        yield f"verdict: recorded {old.verdict.value}, now {new.verdict.value}"
    if not close(old.fake_probability, new.fake_probability):
        yield (
            f"fake_probability: recorded {_text(old.fake_probability)}, "
            f"now {_text(new.fake_probability)}"
        )
    if len(old.faces) != len(new.faces):
        yield f"faces: recorded {len(old.faces)}, now {len(new.faces)}"
        return
    same_time, same_box = _within(TIME_TOLERANCE_S), _within(BOX_TOLERANCE_PIXELS)
    pairs = list(zip(old.faces, new.faces, strict=True))
    for name, differing in (
        ("time", [a for a, b in pairs if not same_time(a.time_s, b.time_s)]),
        ("box", [a for a, b in pairs if not all(map(same_box, a.box, b.box))]),
        (
            "fake_probability",
            [a for a, b in pairs if not close(a.fake_probability, b.fake_probability)],
        ),
    ):
        if differing:
            yield (
                f"{name} of {len(differing)} of {len(pairs)} faces differs, first at "
                f"{differing[0].time_s:.2f} s"
            )


def _within(tolerance: float) -> Callable[[float | None, float | None], bool]:
    def close(first: float | None, second: float | None) -> bool:
        if first is None or second is None:
            return first is second
        return math.isclose(first, second, rel_tol=0.0, abs_tol=tolerance)

    return close


def _text(value: object) -> str:
    return json.dumps(value)  # null, "fake", 0.97
