"""Answers made by hand for the tests of what is made of answers."""

import collections
import io

import numpy as np
from PIL import Image

from data.contract import SCOPE
from data.ledger import Status
from serving.prediction import (
    FramePrediction,
    TrackPrediction,
    Verdict,
    VideoFacts,
    VideoPrediction,
)

BOX = (40.0, 30.0, 80.0, 90.0)


def picture(size=24, colour=(200, 120, 90)):
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (size, size), colour).save(buffer, "PNG")
    return buffer.getvalue()


def track(scores, verdict=Verdict.FAKE, probability=0.9, box=BOX, **more):
    """One person; `scores` by time, None for a face that could not be read."""
    frames = tuple(
        FramePrediction(time_s, box, score, 0.99, tuple(np.linspace(40, 80, 10).tolist()))
        for time_s, score in scores.items()
    )
    return TrackPrediction(verdict, probability, frames, picture=picture(), **more)


def answer(
    *tracks,
    path="clip.mp4",
    times_s=(0.0, 0.5, 1.0, 1.5),
    width=160,
    height=120,
    unjudged=(),
    counts=None,
    **more,
):
    """A video of two seconds."""
    facts = VideoFacts(
        width=width,
        height=height,
        fps=24.0,
        duration_s=2.0,
        frames_declared=48,
        frames_decoded=48,
        frames_damaged=0,
        times_s=tuple(times_s),
        unjudged=tuple(unjudged),
        unjudged_counts=dict(collections.Counter(t.reason for t in unjudged))
        if counts is None
        else counts,
    )
    scored = [t for t in tracks if t.fake_probability is not None]
    worst = max(scored, key=lambda t: t.fake_probability, default=None)
    fields = {
        "path": path,
        "model": "tiny",
        "model_version": 3 if tracks else None,
        "verdict": worst.verdict if worst else Verdict.ABSTAIN,
        "fake_probability": worst.fake_probability if worst else None,
        "status": Status.OK if worst else Status.NO_FACE,
        "reason": "" if worst else "no face in the 4 frames looked at",
        "tracks": tracks,
        "facts": facts,
        "scope": SCOPE if tracks else None,
    }
    return VideoPrediction(**(fields | more))
