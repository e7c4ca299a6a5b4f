"""Whether the tracks of one person are joined, and never those of two.

Usage: python -m benchmarks.joining [--frames 20]

Clips are made of real people: heads cut out of the clips of ../shared/data/ffpp and
../shared/data/dfdc, of ../shared/data/faces, and of Labeled Faces in the Wild, and drawn at known
places, so that who is where is known. A row a kind of clip counts tracks before joining, joins
that are possible, right and wrong, and says how unlike each other the tracks of one person and of
two people are. The last lines are JSON: joins right and joins wrong.
"""

import data.utils.environment  # noqa: F401 - before TensorFlow

# isort: split
import argparse
import dataclasses
import itertools
import pathlib
from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
import numpy.typing as npt
from skimage import data as skimage_data

from benchmarks.utils.figures import print_figure
from data.detectors import Face, FaceDetector, create_detector
from data.faces import FaceCollector, FaceOptions, joining
from data.video import Frame, Video

Image = npt.NDArray[np.uint8]

_SHARED = pathlib.Path(__file__).resolve().parents[2] / "shared" / "data"
_TALKING = (
    *("ffpp/**/004.mp4", "ffpp/**/519.mp4", "ffpp/**/634.mp4"),
    *("dfdc/**/brtujopkby.mp4", "dfdc/**/lynaeydofd.mp4"),
)
_PICTURES = ("faces/multiface.jpg", "faces/ivan.jpg")
_GREY_PEOPLE = 10
_CROWD = 8
_WIDTH, _HEIGHT, _HEAD = 480, 270, 160
_HEAD_PER_FACE = 1.45  # with hair and chin
_FACE = 80  # pixels
_EVERY_FACE = FaceOptions(
    max_tracks=1000, min_track_share=0.0, min_face_size=0.0, min_sharpness=0.0
)


@dataclasses.dataclass(frozen=True)
class Place:
    """Who is where in a frame: the centre of the face, and its height.

    Attributes:
        person: index in the cast.
        x: pixels.
        y: pixels.
        size: height of the face, pixels.
    """

    person: int
    x: float
    y: float = _HEIGHT / 2
    size: float = _FACE


def cut_head(image: Image, face: Face) -> Image:
    """The square about a face, [160, 160, 3]."""
    x_min, y_min, x_max, y_max = face.box.tolist()
    side = max(x_max - x_min, y_max - y_min) * _HEAD_PER_FACE
    scale = side / _HEAD
    corner = ((x_min + x_max - side) / 2, (y_min + y_max - side) / 2)
    to_image = np.array([[scale, 0, corner[0]], [0, scale, corner[1]]])
    softened = cv2.GaussianBlur(image, (0, 0), scale / 2) if scale > 1 else image
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    mode = cv2.BORDER_REFLECT_101
    head = cv2.warpAffine(softened, to_image, (_HEAD, _HEAD), flags=flags, borderMode=mode)
    return head.astype(np.uint8, copy=False)


def read_people(detector: FaceDetector) -> list[list[Image]]:
    """The heads of each person in time; one head stands for a picture."""
    people = []
    for pattern in _TALKING:
        (path,) = _SHARED.glob(pattern)
        images = [frame.image for frame in Video(str(path)).sample(32)]
        found = [detector.detect(image[None])[0] for image in images]
        people.append(
            [
                cut_head(image, max(faces, key=lambda face: np.prod(face.box[2:] - face.box[:2])))
                for image, faces in zip(images, found, strict=True)
                if faces
            ]
        )
    for name in _PICTURES:
        image = np.ascontiguousarray(cv2.imread(str(_SHARED / name))[:, :, ::-1])
        people += [[cut_head(image, face)] for face in detector.detect(image[None])[0]]
    astronaut = skimage_data.astronaut()
    people += [[cut_head(astronaut, detector.detect(astronaut[None])[0][0])]]
    return people


def grey_people() -> list[list[Image]]:
    """People of Labeled Faces in the Wild that scikit-image carries, 25 x 25 pixels."""
    faces = (255 * skimage_data.lfw_subset()[:_GREY_PEOPLE]).astype(np.uint8)
    enlarged = [cv2.resize(face, (_HEAD, _HEAD), interpolation=cv2.INTER_CUBIC) for face in faces]
    return [[np.repeat(face[..., None], 3, axis=2)] for face in enlarged]


def scenes(kind: str, people: int, frames: int) -> Iterator[tuple[list[list[Place]], bool]]:
    """Clips of a kind: who is where in each frame, and whether each person has a background."""
    left, middle, right = 0.3 * _WIDTH, 0.5 * _WIDTH, 0.7 * _WIDTH
    third, quarter = frames // 3, frames // 4
    pairs = [(i, (i + 1) % people) for i in range(people)]
    if kind == "A, gap, A":
        for a in range(people):
            seen = [[Place(a, middle)]] * third
            yield [*seen, *([[]] * third), *seen], False
    if kind == "A, B, A, B in cuts":
        for a, b in pairs:
            shots = [[[Place(person, middle)]] * quarter for person in (a, b)]
            yield [*itertools.chain(*shots, *shots)], True
    if kind == "A comes back elsewhere and larger":
        for a in range(people):
            before, after = Place(a, left, size=0.7 * _FACE), Place(a, right, size=1.4 * _FACE)
            yield [*[[before]] * third, *([[]] * third), *[[after]] * third], False
    if kind == "A and B change places":
        for a, b in pairs:
            here, there = [Place(a, left), Place(b, right)], [Place(b, left), Place(a, right)]
            yield [here] * (frames // 2) + [there] * (frames // 2), False
    if kind == "one after another":
        for start in range(0, people, _CROWD):
            crowd = [i % people for i in range(start, start + _CROWD)]
            yield [[Place(person, middle)] for person in crowd for _ in range(quarter)], False
    if kind == "three, of whom one leaves":
        for a in range(0, people, 2):
            b, c = (a + 1) % people, (a + 2) % people
            seats = [Place(a, 80), Place(b, middle), Place(c, _WIDTH - 80)]
            others = [Place(a, middle), Place(c, 80)]
            yield [seats] * third + [others] * third + [seats] * third, False


KINDS = (
    *("A, gap, A", "A, B, A, B in cuts", "A comes back elsewhere and larger"),
    *("A and B change places", "one after another", "three, of whom one leaves"),
)


def draw(frame: Image, head: Image, place: Place, time: int) -> None:
    """Draws a head into a frame, in place, as it sways at this time."""
    rng = np.random.default_rng(place.person)
    turn, size, light, right, down = np.sin(rng.uniform(0, 6, 5) + rng.uniform(0.2, 0.9, 5) * time)
    scale = place.size * _HEAD_PER_FACE / _HEAD * np.exp(0.05 * size)
    move = cv2.getRotationMatrix2D((_HEAD / 2, _HEAD / 2), 6 * turn, scale)
    move[:, 2] = move[:, 2] + np.array(
        (place.x - _HEAD / 2 + 2 * right, place.y - _HEAD / 2 + 2 * down)
    )
    grid = (np.indices((_HEAD, _HEAD)) - (_HEAD - 1) / 2) / _HEAD
    mask = np.clip((1 - np.hypot(grid[0] / 0.49, grid[1] / 0.42)) / 0.12, 0, 1).astype(np.float32)
    drawn = cv2.warpAffine(head, move, (_WIDTH, _HEIGHT), flags=cv2.INTER_AREA)
    cover = cv2.warpAffine(mask, move, (_WIDTH, _HEIGHT))[..., None]
    shade = np.float32(1 + 0.06 * light)
    frame[...] = np.clip(frame * (1 - cover) + drawn * shade * cover, 0, 255)


def backgrounds() -> list[Image]:
    """Pictures behind the people."""
    plain = np.full((_HEIGHT, _WIDTH, 3), 110, np.uint8)
    gravel = cv2.resize(skimage_data.gravel(), (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    coffee = cv2.resize(skimage_data.coffee(), (_WIDTH, _HEIGHT), interpolation=cv2.INTER_AREA)
    return [plain, coffee.astype(np.uint8), np.repeat(gravel[..., None], 3, 2).astype(np.uint8)]


def render(
    script: Sequence[Sequence[Place]], people: Sequence[Sequence[Image]], behind: Callable
) -> list[Image]:
    """The frames of a clip; who talks goes on talking."""
    frames = []
    for time, places in enumerate(script):
        frame = behind(places).copy()
        for place in places:
            heads = people[place.person]
            draw(frame, heads[time * len(heads) // len(script)], place, time)
        frames.append(frame)
    return frames


@dataclasses.dataclass
class Count:
    """What became of the tracks of clips of one kind.

    Attributes:
        tracks: before joining.
        mixed: of these, how many the tracker gave two people; they count for both.
        possible: joins that would make one track of each person.
        right: joins of two tracks of one person.
        wrong: joins of two people.
        same: costs of pairs of one person's tracks.
        other: costs of pairs of two people's tracks that are never in one frame.
    """

    tracks: int = 0
    mixed: int = 0
    possible: int = 0
    right: int = 0
    wrong: int = 0
    same: list[float] = dataclasses.field(default_factory=list)
    other: list[float] = dataclasses.field(default_factory=list)

    def add(self, script: Sequence[Sequence[Place]], collector: FaceCollector) -> None:
        """Compares the tracks of a clip, before and after, with who is where."""
        numbers = list(collector._tracks)
        tracks = [collector._tracks[number] for number in numbers]
        people = [
            {_person(script[round(8 * face.time_s)], face.box) for face in track.faces}
            for track in tracks
        ]
        self.tracks += len(tracks)
        self.mixed += sum(len(held) > 1 for held in people)
        groups = [[people[numbers.index(n)] for n in group] for group in collector._groups(numbers)]
        wrong = sum(_strangers(group) for group in groups)
        self.wrong += wrong
        self.right += len(tracks) - len(groups) - wrong
        self.possible += len(tracks) - 1 - _strangers(people) if people else 0
        costs = joining.pairwise_costs([track.summary() for track in tracks])
        for one, two in itertools.combinations(range(len(tracks)), 2):
            if numbers[two] not in tracks[one].seen_with:
                (self.same if people[one] & people[two] else self.other).append(costs[one, two])


def _strangers(group: Sequence[set[int]]) -> int:
    """Joins in a group that are not of tracks with a person in common."""
    joined: list[set[int]] = []
    for people in group:
        kin = [others for others in joined if others & people]
        joined = [others for others in joined if not others & people]
        joined.append(people.union(*kin))
    return len(joined) - 1


def _person(places: Sequence[Place], box: Sequence[float]) -> int:
    """Whose face this is: that of the nearest place."""
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return min(places, key=lambda place: np.hypot(place.x - x, place.y - y)).person


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=20, help="frames of each clip")
    arguments = parser.parse_args()
    detector = create_detector("mtcnn")
    total = Count()
    print(
        "| clips | people | tracks | mixed by the tracker | joins possible | right | wrong "
        "| cost, one person, median | cost, two people, least |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    casts = {"in colour": read_people(detector), "in grey": grey_people()}
    for (name, people), kind in itertools.product(casts.items(), KINDS):
        count = Count()
        for number, (script, cuts) in enumerate(scenes(kind, len(people), arguments.frames)):
            pictures = backgrounds()

            def behind(
                places: Sequence[Place],
                number: int = number if not cuts else 0,
                cuts: bool = cuts,
                pictures: list[Image] = pictures,
            ) -> Image:
                return pictures[(number + (places[0].person if cuts and places else 0)) % 3]

            images = render(script, people, behind)
            collector = FaceCollector(_EVERY_FACE)
            for time, image in enumerate(images):
                faces = detector.detect(image[None])[0] if script[time] else []
                collector.add(Frame(time / 8, image), faces)
            count.add(script, collector)
        print(
            f"| {kind} | {name} | {count.tracks} | {count.mixed} | {count.possible} "
            f"| {count.right} | {count.wrong} | {np.median(count.same or np.nan):.2f} "
            f"| {min(count.other, default=np.nan):.2f} |",
            flush=True,
        )
        for field in ("tracks", "possible", "right", "wrong"):
            setattr(total, field, getattr(total, field) + getattr(count, field))
        total.same += count.same
        total.other += count.other
    print_figure("joins_right", total.right, unit="joins", possible=total.possible)
    print_figure(
        "joins_wrong",
        total.wrong,
        unit="joins",
        target=0,
        threshold=joining.MAX_COST,
        nearest_two_people=round(float(min(total.other)), 3),
    )


if __name__ == "__main__":
    main()
