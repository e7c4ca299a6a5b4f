"""No track mixes two people: faces found by the real detector in scenes made of real faces.

Heads are cut out of pictures and moved over a background, so that who is where is known. They
sway, turn and change in brightness as they go, or come from clips in which people talk.
"""

import collections
import dataclasses
import functools

import cv2
import numpy as np
import pytest
from skimage import data as skimage_data

from data.detectors.boxes import intersection_over_union
from data.detectors.mtcnn import Mtcnn
from data.faces import tracking
from data.faces.cropping import crop_face
from data.faces.descriptors import face_descriptor
from data.synthetic import identities
from data.video.reader import Video

pytestmark = pytest.mark.slow

WIDTH, HEIGHT = 480, 270
HEAD = 100  # pixels a side of a cut-out head
HEAD_PER_FACE = 1.45  # with hair and chin
FACE_PIXELS = 80  # height of a face in a scene
ASTRONAUT_BOX = (182, 64, 265, 171)

CLIPS = (
    "ffpp/**/004.mp4",
    "ffpp/**/004_982.mp4",
    "ffpp/**/519.mp4",
    "ffpp/**/519_515.mp4",
    "ffpp/**/634.mp4",
    "ffpp/**/634_660.mp4",
    "dfdc/**/brtujopkby.mp4",
    "dfdc/**/lynaeydofd.mp4",
)


@pytest.fixture(scope="module")
def detector():
    return Mtcnn()


def cut_head(image, box):
    """The square about a face, [HEAD, HEAD, 3], the face's height `HEAD / HEAD_PER_FACE`."""
    x_min, y_min, x_max, y_max = (float(value) for value in box)
    side = max(x_max - x_min, y_max - y_min) * HEAD_PER_FACE
    scale = side / HEAD
    left, top = (x_min + x_max - side) / 2, (y_min + y_max - side) / 2
    to_image = np.array([[scale, 0, left], [0, scale, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    softened = cv2.GaussianBlur(image, (0, 0), scale / 2) if scale > 1 else image
    return cv2.warpAffine(
        softened, to_image, (HEAD, HEAD), flags=flags, borderMode=cv2.BORDER_REFLECT_101
    )


def grey_head(index):
    """One of 100 people of Labeled Faces in the Wild that scikit-image carries, 25 x 25 pixels."""
    face = (255 * skimage_data.lfw_subset()[index]).astype(np.uint8)
    enlarged = cv2.resize(face, (HEAD, HEAD), interpolation=cv2.INTER_CUBIC)
    return np.repeat(enlarged[..., None], 3, axis=2)


def other_astronaut():
    """The astronaut with another head's shape, skin, light and hair."""
    look = dataclasses.replace(
        identities.draw_look(np.random.default_rng(3), 1),
        channel_gains=(0.75, 0.8, 1.0),
        gamma=1.5,
        saturation=0.5,
    )
    picture, _ = identities.portrait()
    painted = identities.paint(look, picture)
    x, y = identities.PORTRAIT_LEFT, identities.PORTRAIT_TOP
    x_min, y_min, x_max, y_max = ASTRONAUT_BOX
    head = cut_head(painted.astype(np.uint8), (x_min - x, y_min - y, x_max - x, y_max - y))
    return np.ascontiguousarray(head[:, ::-1])


# Name -> heads in time; one head stands for a still picture.
FREE_CAST = {
    "astronaut": [cut_head(skimage_data.astronaut(), ASTRONAUT_BOX)],
    "other astronaut": [other_astronaut()],
    "grey man": [grey_head(15)],
    "grey woman": [grey_head(18)],
}


@functools.cache
def background(name):
    def grey(picture):
        resized = cv2.resize(picture, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        return np.repeat(resized[..., None], 3, axis=2)

    return {
        "plain": lambda: np.full((HEIGHT, WIDTH, 3), 110, np.uint8),
        "gravel": lambda: grey(skimage_data.gravel()),
        "coffee": lambda: cv2.resize(skimage_data.coffee(), (WIDTH, HEIGHT)),
    }[name]()


def script(kind, frames):
    """For each frame who is where: (person, x), those in front last."""
    middle, last = WIDTH / 2, frames - 1
    across = [70 + (WIDTH - 140) * i / last for i in range(frames)]
    half, third = frames // 2, frames // 3
    if kind == "cross":
        return [[(1, WIDTH - x), (0, x)] for x in across]
    if kind == "cross, the other hidden":
        return [[(1, WIDTH - x), (0, x)] if abs(x - middle) > 45 else [(0, x)] for x in across]
    if kind == "pass in front":
        return [[(1, middle), (0, x)] for x in across]
    if kind == "pass behind":
        return [[(0, x), (1, middle)] for x in across]
    if kind == "change places":
        before, after = [(0, 150), (1, 330)], [(1, 150), (0, 330)]
        return [before if i < half else after for i in range(frames)]
    if kind == "cut":
        return [[(int(i >= half), middle)] for i in range(frames)]
    if kind == "cut to and fro":
        return [[(i // 2 % 2, middle)] for i in range(frames)]
    if kind == "another after misses":
        return [[(int(i >= half), middle)] if abs(i - half) > 1 else [] for i in range(frames)]
    if kind == "three":
        lanes = [(i, 80 + 160 * i) for i in range(3)]
        return [lanes if i < third else [(2, 80), (0, 240), (1, 400)] for i in range(frames)]
    if kind == "short misses":
        return [[(0, 130), (1, 350)] if i % 4 < 2 else [(i // 4 % 2, 130 + 220 * (i // 4 % 2))]
                for i in range(frames)]  # fmt: skip
    raise ValueError(kind)


def face_box(x, y):
    high, wide = FACE_PIXELS / 2, 0.4 * FACE_PIXELS
    return [x - wide, y - high, x + wide, y + high]


def draw(frame, heads, person, time, x, y):
    """Draws a head into a frame, in place, as it sways at this time."""
    rng = np.random.default_rng(person)
    turn, size, light, right, down = np.sin(rng.uniform(0, 6, 5) + rng.uniform(0.2, 0.9, 5) * time)
    scale = FACE_PIXELS * HEAD_PER_FACE / HEAD * np.exp(0.05 * size)
    move = cv2.getRotationMatrix2D((HEAD / 2, HEAD / 2), 6 * turn, scale)
    move[:, 2] += (x - HEAD / 2 + 2 * right, y - HEAD / 2 + 2 * down)
    grid = (np.indices((HEAD, HEAD)) - (HEAD - 1) / 2) / HEAD
    mask = np.clip((1 - np.hypot(grid[0] / 0.49, grid[1] / 0.42)) / 0.12, 0, 1).astype(np.float32)
    size_of_frame = (WIDTH, HEIGHT)
    head = cv2.warpAffine(heads[time % len(heads)], move, size_of_frame) * (1 + 0.06 * light)
    cover = cv2.warpAffine(mask, move, size_of_frame)[..., None]
    frame[:] = np.clip(frame * (1 - cover) + head * cover, 0, 255)


def render(kind, frames, people, scenery):
    """The frames, and for each the boxes of its people, those in front last."""
    images, truth = [], []
    for time, places in enumerate(script(kind, frames)):
        image = background(scenery).copy()
        for person, x in places:
            draw(image, people[person], person, time, x, HEIGHT / 2)
        images.append(image)
        truth.append([(person, face_box(x, HEIGHT / 2)) for person, x in places])
    return images, truth


def follow(images, detector):
    """Detects and tracks: for each frame the faces and their tracks."""
    detections = [
        faces
        for start in range(0, len(images), 8)
        for faces in detector.detect(np.stack(images[start : start + 8]))
    ]
    tracker = tracking.Tracker()
    numbers = [
        tracker.update(
            [face.box for face in faces],
            [face_descriptor(crop_face(image, face.box.tolist())) for face in faces],
        )
        for image, faces in zip(images, detections, strict=True)
    ]
    counts = collections.Counter(number for frame in numbers for number in frame)
    order = sorted(counts, key=lambda number: -counts[number])
    return detections, [[order.index(number) for number in frame] for frame in numbers]


def people_of_tracks(detections, tracks, truth):
    """Track -> how often it holds each person; whoever is more than half hidden is not there."""
    people = collections.defaultdict(collections.Counter)
    for faces, numbers, places in zip(detections, tracks, truth, strict=True):
        boxes = np.array([box for _, box in places], np.float32).reshape(-1, 4)
        hiding = np.triu(intersection_over_union(boxes, boxes), 1).max(axis=1, initial=0)
        for face, track in zip(faces, numbers, strict=True):
            overlaps = intersection_over_union(face.box[None], boxes)[0]
            place = np.where(hiding > 0.5, 0, overlaps).argmax()
            assert overlaps[place] > 0.3, f"{face} is nobody"
            people[track][places[place][0]] += 1
    return people


KINDS = {
    "cross": {0},
    "cross, the other hidden": {0},
    "pass in front": {0},
    "pass behind": {1},
    "change places": {0, 1},
    "cut": {0, 1},
    "cut to and fro": {0, 1},
    "another after misses": {0, 1},
    "three": set(),
    "short misses": {0, 1},
}
"""Kind of scene -> people who must have one track and no more."""


def check(kind, frames, people, scenery, detector):
    """Asserts that no track mixes people and that nobody is missing; person -> tracks."""
    images, truth = render(kind, frames, people, scenery)
    detections, tracks = follow(images, detector)
    tracks_of = collections.defaultdict(set)
    for track, held in people_of_tracks(detections, tracks, truth).items():
        assert len(held) == 1, f"track {track} holds {dict(held)}"
        tracks_of[min(held)].add(track)
    assert tracks_of.keys() == {person for places in truth for person, _ in places}
    return tracks_of


@pytest.mark.parametrize("frames", [8, 16])
@pytest.mark.parametrize("kind", KINDS)
def test_tracks_hold_and_mix_nobody(kind, frames, detector):
    cast = [FREE_CAST[name] for name in ("astronaut", "other astronaut", "grey man")]
    tracks_of = check(kind, frames, cast, "plain", detector)
    assert {person for person, tracks in tracks_of.items() if len(tracks) == 1} >= KINDS[kind]


@pytest.mark.parametrize(
    ("frames", "scenery", "cast"),
    [
        (12, "coffee", ("other astronaut", "grey woman", "astronaut")),
        (32, "gravel", ("grey man", "astronaut", "grey woman")),
    ],
)
@pytest.mark.parametrize("kind", ["cross", "pass behind", "change places", "cut to and fro"])
def test_tracks_mix_nobody_before_a_picture(kind, frames, scenery, cast, detector):
    check(kind, frames, [FREE_CAST[name] for name in cast], scenery, detector)


@pytest.fixture(scope="module")
def clips(shared_data, detector):
    """Name of a clip -> 32 frames of it, their faces and tracks."""
    tracked = {}
    for pattern in CLIPS:
        (path,) = shared_data.glob(pattern)
        images = [frame.image for frame in Video(str(path)).sample(32)]
        tracked[path.name] = (images, *follow(images, detector))
    return tracked


def test_one_person_of_a_real_clip_is_one_track(clips):
    for name, (_, detections, tracks) in clips.items():
        first = sum(0 in numbers for numbers in tracks)
        second = sum(1 in numbers for numbers in tracks)
        # Some frames hold no face, a few another: a picture on a wall, a cut to a film.
        assert first == sum(bool(faces) for faces in detections) >= 20, name
        assert second <= 4, name


@pytest.fixture(scope="module")
def shared_cast(shared_data, clips, detector):
    """Name -> heads in time."""
    cast = {}
    for name in ("ivan", "multiface"):
        picture = cv2.imread(str(shared_data / f"faces/{name}.jpg"))
        image = np.ascontiguousarray(picture[:, :, ::-1])
        (faces,) = detector.detect(image[None])
        for place, box in enumerate(sorted((face.box for face in faces), key=lambda box: box[0])):
            cast[f"{name} {place}"] = [cut_head(image, box)]
    for name, (images, detections, tracks) in clips.items():
        cast[name] = [
            cut_head(image, faces[numbers.index(0)].box)
            for image, faces, numbers in zip(images, detections, tracks, strict=True)
            if 0 in numbers
        ]
    return cast


@pytest.mark.parametrize(
    ("scenery", "cast"),
    [
        pytest.param("plain", ("multiface 3", "multiface 4", "multiface 5"), id="one photograph"),
        pytest.param("coffee", ("ivan 0", "519.mp4", "multiface 0"), id="ivan and others"),
        pytest.param("gravel", ("634.mp4", "lynaeydofd.mp4", "brtujopkby.mp4"), id="who talk"),
    ],
)
@pytest.mark.parametrize(
    "kind", ["cross", "cross, the other hidden", "pass behind", "another after misses", "three"]
)
def test_no_track_mixes_two_real_people(kind, scenery, cast, shared_cast, detector):
    check(kind, 12, [shared_cast[name] for name in cast], scenery, detector)
