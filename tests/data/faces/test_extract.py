"""From clips to faces with a typed outcome, with the real detector."""

import dataclasses
from fractions import Fraction

import cv2
import numpy as np
import pytest

from data.detectors import Face
from data.detectors.boxes import intersection_over_union
from data.detectors.mtcnn import Mtcnn
from data.faces.extract import FaceOptions, extract_faces
from data.faces.tracking import MAX_GAP
from data.ledger import Status
from data.unjudged import Unjudged
from tests.data import bad_clips
from tests.data.bad_clips.encoding import encode, face_frames, partly_blurred_frames

pytestmark = pytest.mark.slow

GOOD = ("good", "truncated", "damaged", "rotated")
BAD = ("no_face", "audio_only", "empty", "text")
OPTIONS = FaceOptions(frames_per_video=8)


@pytest.fixture(scope="module")
def detector():
    return Mtcnn()


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name in [
        "good",
        "no_face",
        "truncated",
        "damaged",
        "rotated",
        "audio_only",
        "empty",
        "text",
    ]:
        getattr(bad_clips, f"make_{name}")(folder / f"{name}.mp4")
    return folder


@pytest.mark.parametrize(
    ("name", "status", "has_faces"),
    [
        ("good", Status.OK, True),
        ("rotated", Status.OK, True),
        ("truncated", Status.TRUNCATED, True),
        ("damaged", Status.DAMAGED, True),
        ("no_face", Status.NO_FACE, False),
        ("audio_only", Status.UNREADABLE, False),
        ("empty", Status.UNREADABLE, False),
        ("text", Status.UNREADABLE, False),
        ("absent", Status.MISSING, False),
    ],
)
def test_every_clip_has_a_typed_outcome(name, status, has_faces, clips, detector):
    faces = extract_faces(str(clips / f"{name}.mp4"), detector, OPTIONS)
    assert faces.status is status
    assert bool(faces.faces) is has_faces
    assert bool(faces.reason) is (status is not Status.OK)


def test_one_person_is_one_track_in_time(clips, detector):
    outcome = extract_faces(str(clips / "good.mp4"), detector, OPTIONS)
    faces = outcome.faces
    assert [face.track for face in faces] == [0] * OPTIONS.frames_per_video
    times = [face.time_s for face in faces]
    assert times == sorted(times) == list(outcome.times_s)
    # The person moves 40 pixels to the right.
    assert 20 < faces[-1].box[0] - faces[0].box[0] < 50


def test_crops_are_jpegs_of_the_square_about_the_box(clips, detector):
    face = extract_faces(str(clips / "good.mp4"), detector, OPTIONS).faces[0]
    assert face.image.startswith(b"\xff\xd8\xff")
    crop = cv2.imdecode(np.frombuffer(face.image, np.uint8), cv2.IMREAD_COLOR)
    side = max(face.box[2] - face.box[0], face.box[3] - face.box[1])
    assert crop.shape == (round(1.3 * side), round(1.3 * side), 3)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"min_face_size": 500.0}, Status.FACES_TOO_SMALL),
        ({"min_sharpness": 1e6}, Status.TOO_BLURRED),
    ],
)
def test_a_video_without_a_usable_face_is_not_used(options, status, clips, detector):
    faces = extract_faces(
        str(clips / "good.mp4"), detector, dataclasses.replace(OPTIONS, **options)
    )
    assert faces.status is status
    assert faces.faces == ()
    assert (faces.tracks_kept, faces.tracks_left_out) == (0, 1)


def test_a_clip_of_which_little_came_is_not_judged(clips, detector, tmp_path):
    content = (clips / "good.mp4").read_bytes()
    (tmp_path / "stump.mp4").write_bytes(content[: len(content) // 4])
    faces = extract_faces(str(tmp_path / "stump.mp4"), detector, OPTIONS)
    assert faces.status is Status.TRUNCATED
    assert 0 < faces.measurements.frames_decoded < faces.measurements.frames_declared / 2
    assert faces.faces == ()
    assert faces.reason.endswith("too few to judge it by")


class Scripted:
    """Answers what it is told; the pictures still come from a real clip."""

    def __init__(self, boxes_of_frame):
        self.boxes_of_frame = list(boxes_of_frame)

    def detect(self, frames):
        return [
            [
                Face(np.array(box, np.float32), np.zeros(10, np.float32), 0.99)
                for box in self.boxes_of_frame.pop(0)
            ]
            for _ in frames
        ]


def test_flashes_and_surplus_tracks_are_left_out_and_counted(clips):
    steady, second, flash = [20, 20, 80, 80], [200, 20, 260, 80], [120, 150, 180, 210]
    frames = [[steady, second] if i < 6 else [steady] for i in range(8)]
    frames[3] = [*frames[3], flash]
    options = dataclasses.replace(OPTIONS, max_tracks=1, min_track_share=0.25, min_sharpness=0)
    faces = extract_faces(str(clips / "good.mp4"), Scripted(frames), options)
    assert (faces.tracks_kept, faces.tracks_left_out) == (1, 2)
    surplus, brief = faces.unjudged
    assert (surplus.reason, surplus.faces_seen) == (Unjudged.BEYOND_LIMIT, 6)
    assert (surplus.boxes[0], surplus.times_s) == (tuple(map(float, second)), faces.times_s[:6])
    assert (brief.reason, brief.faces_seen, brief.face_size) == (Unjudged.TOO_BRIEF, 1, 60.0)
    assert {face.box for face in faces.faces} == {tuple(map(float, steady))}


def test_a_face_that_only_flashes_up_is_no_face(clips):
    frames = [[[20, 20, 80, 80]], *([] for _ in range(7))]
    options = dataclasses.replace(OPTIONS, min_track_share=0.25, min_sharpness=0)
    faces = extract_faces(str(clips / "good.mp4"), Scripted(frames), options)
    assert faces.status is Status.NO_FACE
    assert faces.reason == "no usable face was seen in 2 frames or more"


@pytest.fixture(scope="module")
def blurred_in_the_middle(tmp_path_factory):
    """Twelve frames, of which more are blurred in a row than a track may miss."""
    path = tmp_path_factory.mktemp("blurred") / "clip.mp4"
    encode(path, partly_blurred_frames(12, range(3, 3 + MAX_GAP + 1)))
    return str(path)


def test_faces_below_the_thresholds_stay_with_their_numbers(blurred_in_the_middle, detector):
    options = FaceOptions(frames_per_video=12, min_sharpness=100)
    outcome = extract_faces(blurred_in_the_middle, detector, options)
    assert (outcome.status, outcome.reason) == (Status.OK, "")
    assert [face.track for face in outcome.faces] == [0] * 12, "blurred frames break no track"
    assert [face.usable for face in outcome.faces] == [True] * 3 + [False] * 4 + [True] * 5
    assert outcome.usable_faces == outcome.faces[:3] + outcome.faces[7:]
    for face in outcome.faces:
        assert face.usable == (face.sharpness >= options.min_sharpness)
        assert face.score > 0.5


def test_tracks_count_by_their_usable_faces(tmp_path):
    path = tmp_path / "still.mp4"
    encode(path, face_frames(1) * 8)
    steady, small, large = [110, 70, 210, 190], [20, 20, 40, 40], [250, 20, 300, 70]
    # `small` is in every frame, `large` in the first two.
    frames = [[small, steady, *([large] if i < 2 else [])] for i in range(8)]
    options = dataclasses.replace(OPTIONS, min_sharpness=0, min_track_share=0)
    outcome = extract_faces(str(path), Scripted(frames), options)
    boxes = [list({face.box for face in outcome.faces if face.track == i}) for i in range(2)]
    assert boxes == [[tuple(map(float, steady))], [tuple(map(float, large))]]
    assert (outcome.tracks_kept, outcome.tracks_left_out) == (2, 1)
    assert outcome.unjudged_counts == {Unjudged.TOO_SMALL: 1}


@pytest.mark.slow
def test_clips_of_one_person_have_one_track(detector, shared_data):
    paths = sorted(shared_data.glob("ffpp/**/*.mp4"))
    assert len(paths) == 6
    for path in paths:
        faces = extract_faces(str(path), detector, FaceOptions())
        assert (faces.status, faces.tracks_kept) == (Status.OK, 1), path.name


@pytest.mark.parametrize("rotation", [0, 90])
@pytest.mark.parametrize("aspect", [Fraction(2), Fraction(16, 15), Fraction(1, 2)], ids=str)
def test_pixels_that_are_not_square_are_made_square(tmp_path, clips, detector, aspect, rotation):
    width, height = bad_clips.WIDTH, bad_clips.HEIGHT
    stored = (round(width / max(aspect, 1)), round(height * min(aspect, 1)))
    turns = rotation // 90
    squeezed = [
        np.rot90(cv2.resize(frame, stored, interpolation=cv2.INTER_AREA), -turns)
        for frame in face_frames()
    ]
    encode(
        tmp_path / "squeezed.mp4",
        squeezed,
        rotation=rotation,
        pixel_aspect=1 / aspect if turns else aspect,
    )
    square = extract_faces(str(clips / "good.mp4"), detector, OPTIONS)
    faces = extract_faces(str(tmp_path / "squeezed.mp4"), detector, OPTIONS)
    assert (faces.measurements.width, faces.measurements.height) == (width, height)
    assert len(faces.usable_faces) == len(square.usable_faces) == 8
    for face, expected in zip(faces.faces, square.faces, strict=True):
        boxes = np.array([face.box, expected.box])
        assert intersection_over_union(boxes[:1], boxes[1:]) > 0.8


@pytest.mark.slow
@pytest.mark.parametrize("height", [240, 360, 540, 720, 1080, 2160])
def test_the_same_clip_at_any_size_gives_the_same_faces(tmp_path, detector, height):
    def enlarge(frame):
        size = (height * bad_clips.WIDTH // bad_clips.HEIGHT // 2 * 2, height)
        return cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)

    encode(tmp_path / "clip.mp4", map(enlarge, face_frames()[::3]))
    faces = extract_faces(str(tmp_path / "clip.mp4"), detector, OPTIONS)
    assert faces.status is Status.OK
    assert (len(faces.usable_faces), faces.tracks_kept) == (8, 1)


@pytest.mark.slow
@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_faces_that_lie_or_stand_on_their_head_are_found_on_request(tmp_path, detector, turns):
    encode(tmp_path / "turned.mp4", [np.rot90(frame, -turns) for frame in face_frames()[::6]])
    options = dataclasses.replace(OPTIONS, rotated_faces=True)
    faces = extract_faces(str(tmp_path / "turned.mp4"), detector, options)
    assert faces.status is Status.OK
    assert (len(faces.usable_faces), faces.tracks_kept) == (4, 1)
    upright = cv2.imdecode(np.frombuffer(faces.faces[0].image, np.uint8), cv2.IMREAD_COLOR)
    ((face,),) = detector.detect(upright[np.newaxis, ..., ::-1])
    assert face.landmarks[1] < face.landmarks[7]  # eyes above the mouth
    known = np.isfinite(faces.faces[0].landmarks)
    assert known.all() == (turns == 0)
    plain = extract_faces(str(tmp_path / "turned.mp4"), detector, OPTIONS)
    assert (plain.status is Status.OK) == (turns == 0)
