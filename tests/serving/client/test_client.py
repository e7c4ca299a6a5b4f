import math

import grpc
import pytest

from data.contract import FaceCrop
from data.faces import FaceOptions, VideoFaces
from data.ledger import Status
from serving.client.client import Client
from serving.client.errors import ServingError
from serving.prediction import Verdict
from tests.serving.clips import WholeFrameDetector, faces_of, write_video

pytestmark = pytest.mark.slow


@pytest.fixture
def client(server):
    with Client(server.target, "tiny") as connected:
        yield connected


def test_width_of_a_track_is_the_models(client):
    assert client.track_width() == 4


@pytest.mark.parametrize(
    ("tracks", "verdict", "probability"),
    [
        pytest.param([[0, 0]], Verdict.REAL, 0.0, id="real"),
        pytest.param([[255]], Verdict.FAKE, 1.0, id="fake"),
        pytest.param([[51, 204]], Verdict.UNCERTAIN, 0.5, id="uncertain"),
        pytest.param([[0, 0, 0], [255, 204], [51]], Verdict.FAKE, 0.9, id="largest track"),
    ],
)
def test_a_video_is_judged_by_its_largest_track(client, face_jpeg, tracks, verdict, probability):
    faces = faces_of(face_jpeg, *tracks)
    prediction = client.predict_faces("clip.mp4", VideoFaces(Status.OK, "", faces))
    assert prediction.verdict is verdict
    assert prediction.fake_probability == pytest.approx(probability, abs=0.01)
    assert (prediction.path, prediction.model, prediction.model_version) == ("clip.mp4", "tiny", 1)
    assert (prediction.status, prediction.reason) == (Status.OK, "")
    assert [
        [round(255 * frame.fake_probability) for frame in track.frames]
        for track in prediction.tracks
    ] == [[pytest.approx(brightness, abs=2) for brightness in track] for track in tracks]
    assert [f.time_s for f in prediction.tracks[0].frames] == [
        0.5 * i for i in range(len(tracks[0]))
    ]
    assert prediction.tracks[-1].frames[0].box == (1.0, 2.0, 3.0 + len(tracks) - 1, 4.0)


def test_faces_that_are_not_usable_are_not_sent(client, face_jpeg):
    faces = [
        FaceCrop(**{**vars(face), "usable": index != 1})
        for index, face in enumerate(faces_of(face_jpeg, [0, 255, 0], [51]))
    ]
    prediction = client.predict_faces("clip.mp4", VideoFaces(Status.OK, "", tuple(faces)))
    assert prediction.fake_probability == pytest.approx(0.2, abs=0.01)
    assert [[frame.time_s for frame in track.frames] for track in prediction.tracks] == [
        [0.0, 1.0],
        [0.0],
    ]


def test_a_damaged_video_with_faces_is_judged_and_says_so(client, face_jpeg):
    video = VideoFaces(Status.DAMAGED, "3 packets", faces_of(face_jpeg, [255]))
    prediction = client.predict_faces("clip.mp4", video)
    assert (prediction.verdict, prediction.status) == (Verdict.FAKE, Status.DAMAGED)
    assert prediction.reason == "3 packets"


@pytest.mark.parametrize(
    "status",
    [
        Status.NO_FACE,
        Status.FACES_TOO_SMALL,
        Status.TOO_BLURRED,
        Status.UNREADABLE,
        Status.MISSING,
        Status.TRUNCATED,
        Status.DAMAGED,
    ],
)
def test_a_video_without_faces_is_an_abstention(client, status):
    prediction = client.predict_faces("clip.mp4", VideoFaces(status, "why"))
    assert prediction.verdict is Verdict.ABSTAIN
    assert prediction.fake_probability is None
    assert prediction.model_version is None
    assert (prediction.status, prediction.reason, prediction.tracks) == (status, "why", ())


TORN = b"\x89PNG\r\n\x1a\n torn"


def with_torn(faces, index):
    images = [TORN if i == index else face.image for i, face in enumerate(faces)]
    return tuple(
        FaceCrop(**{**vars(face), "image": image})
        for face, image in zip(faces, images, strict=True)
    )


def test_faces_that_the_model_cannot_read_get_no_number(client, face_jpeg):
    faces = with_torn(faces_of(face_jpeg, [255]), 0)
    prediction = client.predict_faces("clip.mp4", VideoFaces(Status.OK, "", faces))
    assert (prediction.verdict, prediction.status) == (Verdict.ABSTAIN, Status.UNREADABLE)
    assert prediction.fake_probability is None
    assert prediction.reason == "the model could not read the faces of 1 of 1 tracks"
    (track,) = prediction.tracks
    assert (track.verdict, track.fake_probability) == (Verdict.ABSTAIN, None)
    assert track.frames[0].fake_probability is None


@pytest.mark.parametrize(("brightness", "verdict"), [(51, "REAL"), (128, "UNCERTAIN")])
def test_an_unread_track_leaves_nothing_but_fake(client, face_jpeg, brightness, verdict):
    faces = with_torn(faces_of(face_jpeg, [255, 255], [brightness], [0]), 0)
    prediction = client.predict_faces("clip.mp4", VideoFaces(Status.OK, "", faces))
    assert (prediction.verdict, prediction.status) == (Verdict.ABSTAIN, Status.UNREADABLE)
    assert prediction.fake_probability is None
    assert prediction.reason == "the model could not read the faces of 1 of 3 tracks"
    assert [track.verdict for track in prediction.tracks] == [
        Verdict.ABSTAIN,
        Verdict[verdict],
        Verdict.REAL,
    ]


def test_an_unreadable_track_does_not_hide_a_fake_one(client, face_jpeg):
    faces = with_torn(faces_of(face_jpeg, [51, 51], [255]), 0)
    prediction = client.predict_faces("clip.mp4", VideoFaces(Status.OK, "", faces))
    assert (prediction.verdict, prediction.status) == (Verdict.FAKE, Status.OK)
    assert prediction.fake_probability == pytest.approx(1.0, abs=0.01)
    assert [track.verdict for track in prediction.tracks] == [Verdict.ABSTAIN, Verdict.FAKE]


def test_what_is_no_picture_is_not_sent(client, face_jpeg):
    faces = tuple(
        FaceCrop(**{**vars(face), "image": b"GIF89a"}) for face in faces_of(face_jpeg, [1])
    )
    with pytest.raises(ValueError, match=r"clip\.mp4: the face at 0\.00 s is neither JPEG nor PNG"):
        client.predict_faces("clip.mp4", VideoFaces(Status.OK, "", faces))


def test_a_long_track_is_sampled_evenly(client, face_jpeg):
    track = list(range(0, 250, 25))
    faces = faces_of(face_jpeg, track)
    prediction = client.predict_faces("clip.mp4", VideoFaces(Status.OK, "", faces))
    assert [frame.time_s for frame in prediction.tracks[0].frames] == [0.0, 1.5, 3.0, 4.5]


def test_predict_goes_from_file_to_verdict(server, tmp_path):
    write_video(tmp_path / "bright.mp4", 200)
    (tmp_path / "text.mp4").write_text("no video")
    options = FaceOptions(frames_per_video=3)
    with Client(server.target, "tiny", detector=WholeFrameDetector(), options=options) as client:
        bright = client.predict(tmp_path / "bright.mp4")
        text = client.predict(tmp_path / "text.mp4")
        missing = client.predict(tmp_path / "missing.mp4")
    assert bright.verdict is Verdict.FAKE
    assert bright.fake_probability == pytest.approx(200 / 255, abs=0.05)
    (track,) = bright.tracks
    assert len(track.frames) == 3
    assert track.frames[0].box == (40, 40, 120, 120)
    assert (text.verdict, text.status) == (Verdict.ABSTAIN, Status.UNREADABLE)
    assert (missing.verdict, missing.status) == (Verdict.ABSTAIN, Status.MISSING)


def test_predict_on_a_real_clip_with_the_extractions_detector(server, shared_data):
    clip = next(iter(sorted((shared_data / "ffpp" / "original_sequences").rglob("*.mp4"))))
    options = FaceOptions(frames_per_video=4)
    with Client(server.target, "tiny", options=options) as client:
        prediction = client.predict(clip)
    assert prediction.status is Status.OK
    (track,) = prediction.tracks
    assert len(track.frames) == 4
    assert 0 < prediction.fake_probability < 1
    assert prediction.fake_probability == pytest.approx(
        math.fsum(frame.fake_probability for frame in track.frames) / 4, abs=1e-5
    )


def test_an_unknown_model_is_named_with_what_to_check(server):
    with Client(server.target, "nobody") as client, pytest.raises(ServingError) as caught:
        client.track_width()
    error = caught.value
    assert (error.target, error.model) == (server.target, "nobody")
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert str(error).startswith(f"model 'nobody' at {server.target}: ")
    assert "check the name" in str(error)
