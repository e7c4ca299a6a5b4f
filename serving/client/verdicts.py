"""Makes the answer about a video from the model's outputs for its tracks."""

import math
from collections.abc import Mapping, Sequence

import numpy.typing as npt

from data.contract import FaceCrop, VerdictCode
from data.faces import VideoFaces
from data.ledger import Status
from serving.prediction import (
    FramePrediction,
    TrackPrediction,
    Verdict,
    VideoFacts,
    VideoPrediction,
)

OUTPUTS: Mapping[str, npt.DTypeLike] = {
    "fake_probability": "float32",
    "verdict": "int64",
    "face_probability": "float32",
}
"""The outputs of `serving_tracks` that hold a track's scores."""

SCOPE_OUTPUT = "scope"
"""A further output: what the verdicts are about, the same text in every row."""

_VERDICTS = {
    VerdictCode.REAL: Verdict.REAL,
    VerdictCode.FAKE: Verdict.FAKE,
    VerdictCode.UNCERTAIN: Verdict.UNCERTAIN,
    VerdictCode.UNREADABLE: Verdict.ABSTAIN,
}


def abstention(
    path: str, model: str, status: Status, reason: str, facts: VideoFacts | None = None
) -> VideoPrediction:
    """The answer about a video of which the model was not asked.

    Example:
        >>> abstention("clip.mp4", "xception", Status.NO_FACE, "no face in it").verdict
        <Verdict.ABSTAIN: 'abstain'>
    """
    return VideoPrediction(path, model, None, Verdict.ABSTAIN, None, status, reason, facts=facts)


def video_prediction(
    path: str,
    model: str,
    version: int,
    video: VideoFaces,
    tracks: Sequence[Sequence[FaceCrop]],
    outputs: Mapping[str, npt.NDArray],
    large_face_share: float,
) -> VideoPrediction:
    """The answer about a video is that of its track with the largest score.

    Unless that track is fake, the model must have read all tracks: one that it could not read
    may be fake. So may one that it was not asked about: if its face is large, nobody calls the
    video real.

    Example:
        >>> import numpy as np
        >>> face = FaceCrop(
        ...     image=b"", track=0, time_s=0.0, box=(0.0, 0.0, 9.0, 9.0), landmarks=(0.0,) * 10,
        ...     score=0.99, sharpness=50.0, raw_sharpness=50.0, usable=True,
        ... )
        >>> outputs = {
        ...     "fake_probability": np.array([0.75]),
        ...     "verdict": np.array([VerdictCode.FAKE]),
        ...     "face_probability": np.array([[0.75]]),
        ... }
        >>> video = VideoFaces(Status.OK, "", faces=(face,))
        >>> prediction = video_prediction(
        ...     "clip.mp4", "xception", 1, video, [[face]], outputs, large_face_share=0.5
        ... )
        >>> prediction.verdict, prediction.fake_probability
        (<Verdict.FAKE: 'fake'>, 0.75)

    Args:
        path: of the video.
        model: name of the model.
        version: of the model.
        video: its faces and measurements.
        tracks: the faces that were sent.
        outputs: of `serving_tracks`, by name; one row per track. `scope` may be absent.
        large_face_share: a face that was not judged is large if it was seen in two sampled frames
            or more, and was at least this share of the largest judged one.
    """
    predictions = tuple(
        _track_prediction(track, seen, still, *scores)
        for track, seen, still, *scores in zip(
            tracks,
            video.usable_counts or map(len, tracks),
            video.perhaps_picture or [False] * len(tracks),
            *(outputs[name].tolist() for name in OUTPUTS),
            strict=True,
        )
    )
    scored = [track for track in predictions if track.fake_probability is not None]
    worst = max(scored, key=lambda track: track.fake_probability or 0.0, default=None)
    if worst is None or (len(scored) < len(tracks) and worst.verdict is not Verdict.FAKE):
        unread = len(tracks) - len(scored)
        verdict, probability, status = Verdict.ABSTAIN, None, Status.UNREADABLE
        reason = f"the model could not read the faces of {unread} of {len(tracks)} tracks"
    else:
        verdict, probability = worst.verdict, worst.fake_probability
        status, reason = video.status, video.reason
        if verdict is Verdict.REAL and (hidden := _large_unjudged(video, tracks, large_face_share)):
            verdict = Verdict.UNCERTAIN
            reason = "; ".join(filter(None, [reason, hidden]))
    return VideoPrediction(
        path,
        model,
        version,
        verdict,
        probability,
        status,
        reason,
        predictions,
        VideoFacts.of(video),
        str(outputs[SCOPE_OUTPUT][0]) if SCOPE_OUTPUT in outputs else None,
    )


def _large_unjudged(video: VideoFaces, tracks: Sequence[Sequence[FaceCrop]], share: float) -> str:
    """Why a video cannot be called real, for people; empty if no large face was passed over."""
    judged = max(min(f.box[2] - f.box[0], f.box[3] - f.box[1]) for faces in tracks for f in faces)
    large = [
        track
        for track in video.unjudged
        if track.face_size >= share * judged and track.faces_seen > 1
    ]
    if not large:
        return ""
    first = large[0]
    return (
        f"not called real: a face of {first.face_size:.0f} pixels, from {first.times_s[0]:.1f} to "
        f"{first.times_s[-1]:.1f} s, was not judged ({first.reason.value})"
        + (f", nor {len(large) - 1} more" if large[1:] else "")
    )


def _track_prediction(
    faces: Sequence[FaceCrop],
    seen: int,
    perhaps_picture: bool,
    fake_probability: float,
    verdict: int,
    face_probability: Sequence[float],
) -> TrackPrediction:
    probability = _number(fake_probability)
    scored = list(zip(faces, face_probability, strict=False))  # padding ends a row
    highest, _ = max(scored, key=lambda pair: -1.0 if math.isnan(pair[1]) else pair[1])
    return TrackPrediction(
        verdict=Verdict.ABSTAIN if probability is None else _VERDICTS[VerdictCode(verdict)],
        fake_probability=probability,
        frames=tuple(
            FramePrediction(
                face.time_s,
                face.box,
                _number(score),
                face.score,
                () if any(map(math.isnan, face.landmarks)) else face.landmarks,
            )
            for face, score in scored
        ),
        faces_seen=seen,
        picture=highest.image,
        perhaps_picture=perhaps_picture,
    )


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
