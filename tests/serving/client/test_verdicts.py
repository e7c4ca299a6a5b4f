"""From the outputs of `serving_tracks` to the answer; `test_client.py` has them from a server."""

import numpy as np
import pytest

from data.contract import VerdictCode
from data.faces import VideoFaces
from data.ledger import Status
from data.unjudged import Unjudged, UnjudgedTrack
from serving.client.verdicts import abstention, video_prediction
from serving.prediction import LARGE_FACE_SHARE, Verdict
from tests.serving.clips import faces_of

NAN = float("nan")


def tracks_of(*sizes):
    """Faces of tracks; the image of each is its time."""
    faces = faces_of(lambda number: str(number).encode(), *(range(size) for size in sizes))
    return [[face for face in faces if face.track == number] for number in range(len(sizes))]


def predict(tracks, scores, verdicts, face_scores, scope=None, **video):
    outputs = {} if scope is None else {"scope": np.full(len(tracks), scope)}
    outputs |= {
        "fake_probability": np.array(scores, np.float32),
        "verdict": np.array(verdicts, np.int64),
        "face_probability": np.array(face_scores, np.float32),
    }
    faces = VideoFaces(Status.OK, "", **video)
    return video_prediction("clip.mp4", "tiny", 7, faces, tracks, outputs, LARGE_FACE_SHARE)


def test_the_largest_score_decides():
    prediction = predict(
        tracks_of(1, 2),
        [0.25, 0.75],
        [VerdictCode.REAL, VerdictCode.FAKE],
        [[0.25, NAN], [0.5, 1.0]],
    )
    assert (prediction.verdict, prediction.fake_probability) == (Verdict.FAKE, 0.75)
    assert (prediction.model, prediction.model_version) == ("tiny", 7)
    assert [track.verdict for track in prediction.tracks] == [Verdict.REAL, Verdict.FAKE]


def test_padding_is_no_face_and_the_highest_face_is_shown():
    prediction = predict(
        tracks_of(2), [0.5], [VerdictCode.UNCERTAIN], [[0.25, 0.75, NAN, NAN]], usable_counts=(9,)
    )
    (track,) = prediction.tracks
    assert [frame.fake_probability for frame in track.frames] == [0.25, 0.75]
    assert track.picture == b"1"
    assert track.faces_seen == 9


@pytest.mark.parametrize(
    ("score", "code", "verdict", "status"),
    [
        pytest.param(0.9, VerdictCode.FAKE, Verdict.FAKE, Status.OK, id="a fake decides"),
        pytest.param(0.1, VerdictCode.REAL, Verdict.ABSTAIN, Status.UNREADABLE, id="a real"),
        pytest.param(0.5, VerdictCode.UNCERTAIN, Verdict.ABSTAIN, Status.UNREADABLE, id="unsure"),
    ],
)
def test_a_track_that_was_not_read_may_be_the_fake_one(score, code, verdict, status):
    prediction = predict(
        tracks_of(1, 1), [score, NAN], [code, VerdictCode.UNREADABLE], [[score], [NAN]]
    )
    assert (prediction.verdict, prediction.status) == (verdict, status)
    assert prediction.tracks[1].verdict is Verdict.ABSTAIN
    assert prediction.tracks[1].frames[0].fake_probability is None


def test_the_track_that_is_perhaps_a_picture_says_so():
    codes = [VerdictCode.REAL] * 2
    scores = [0.1, 0.1], codes, [[0.1], [0.1]]
    prediction = predict(tracks_of(1, 1), *scores, perhaps_picture=(False, True))
    assert [track.perhaps_picture for track in prediction.tracks] == [False, True]
    assert not predict(tracks_of(1, 1), *scores).tracks[1].perhaps_picture


def test_landmarks_that_the_server_does_not_give_are_empty():
    (faces,) = tracks_of(1)
    (prediction,) = predict(
        [[type(faces[0])(**{**vars(faces[0]), "landmarks": (NAN,) * 10})]],
        [0.5],
        [VerdictCode.UNCERTAIN],
        [[0.5]],
    ).tracks
    assert prediction.frames[0].landmarks == ()


def test_the_scope_is_the_models_own_or_unknown():
    scored = (tracks_of(1, 1), [0.5] * 2, [VerdictCode.UNCERTAIN] * 2, [[0.5]] * 2)
    assert predict(*scored, scope="knows nobody").scope == "knows nobody"
    assert predict(*scored).scope is None


def test_an_abstention_names_no_version():
    prediction = abstention("clip.mp4", "tiny", Status.NO_FACE, "no face")
    assert (prediction.verdict, prediction.model_version) == (Verdict.ABSTAIN, None)
    assert (prediction.fake_probability, prediction.tracks) == (None, ())
    assert prediction.scope is None


def unjudged(size, seen=2, reason=Unjudged.BEYOND_LIMIT):
    times = tuple(0.5 * number for number in range(seen))
    return UnjudgedTrack(reason, seen, size, times, ((0.0, 0.0, size, size),) * seen)


@pytest.mark.parametrize(
    ("hidden", "verdict"),
    [
        pytest.param(unjudged(1.0), Verdict.UNCERTAIN, id="half as large"),
        pytest.param(unjudged(50.0, 3, Unjudged.TOO_BLURRED), Verdict.UNCERTAIN, id="blurred"),
        pytest.param(unjudged(0.9), Verdict.REAL, id="small"),
        pytest.param(unjudged(50.0, 1), Verdict.REAL, id="in one frame alone"),
    ],
)
def test_nobody_is_called_real_beside_a_large_face_that_was_not_judged(hidden, verdict):
    # The judged faces are 2 pixels a side.
    prediction = predict(
        tracks_of(1), [0.25], [VerdictCode.REAL], [[0.25]], unjudged=(hidden, unjudged(0.5))
    )
    assert (prediction.verdict, prediction.fake_probability) == (verdict, 0.25)
    assert prediction.tracks[0].verdict is Verdict.REAL
    assert (prediction.status, bool(prediction.reason)) == (Status.OK, verdict is not Verdict.REAL)


def test_the_face_that_was_passed_over_is_described():
    prediction = predict(
        *(tracks_of(1), [0.25], [VerdictCode.REAL], [[0.25]]),
        unjudged=(unjudged(50.0, 3), unjudged(40.0)),
    )
    assert prediction.reason == (
        "not called real: a face of 50 pixels, from 0.0 to 1.0 s, was not judged (beyond the "
        "limit), nor 1 more"
    )


def test_a_fake_stays_one_whoever_else_was_not_judged():
    prediction = predict(
        tracks_of(1), [0.75], [VerdictCode.FAKE], [[0.75]], unjudged=(unjudged(50.0),)
    )
    assert (prediction.verdict, prediction.reason) == (Verdict.FAKE, "")
