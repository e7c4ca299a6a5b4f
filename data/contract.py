"""The tf.Example of one video: its features, how it is written and how it is read.

Everything between the extraction job and the served model speaks this form. Feature names,
types and counts stand in `data/schema.pbtxt` too, which the pipeline validates against.
"""

import dataclasses
import enum
from collections.abc import Mapping

from google.protobuf.message import DecodeError

from data.utils.example_message import example_class

SPLITS = ("train", "eval", "test")
"""Names of the splits, in the order in which they are reported."""

SCOPE = "visual face manipulation only: not voices, not wholly generated scenes"
"""What our models score; `model.json` states it."""

SCOPE_SENTENCE = f"unmask scores {SCOPE}."
"""To be shown wherever a verdict is given."""

REAL_METHOD = "real"
"""`method` of a video that nobody manipulated."""

CROP_JPEG_QUALITY = 95
CROP_MAX_SIZE = 384
"""Crops are downscaled to at most this many pixels a side and never upscaled."""

JPEG_START = b"\xff\xd8\xff"
"""First bytes of a JPEG: SOI and the first byte of a marker (ITU-T T.81, B.1.1.3)."""

PNG_START = b"\x89PNG\r\n\x1a\n"
"""First bytes of a PNG (PNG specification, 5.2)."""

SLICE_PREFIX = "slice/"

_SCALARS = (
    "video/id",
    "video/sha256",
    "video/width",
    "video/height",
    "video/frame_count",
    "video/fps",
    "video/duration_s",
    "video/bit_rate",
    "label",
    "dataset",
    "method",
    "compression",
    "source_group",
)

LANDMARK_COUNT = 5
"""Subject's right eye, left eye, nose, right and left corner of the mouth."""


class Label(enum.IntEnum):
    """Value of the `label` feature."""

    REAL = 0
    FAKE = 1


class VerdictCode(enum.IntEnum):
    """Value of the output `verdict` of a served model."""

    REAL = 0
    FAKE = 1
    UNCERTAIN = 2
    UNREADABLE = 3


@dataclasses.dataclass(frozen=True)
class FaceCrop:
    """One face in one frame.

    Attributes:
        image: JPEG of the square crop, quality `CROP_JPEG_QUALITY`, RGB, at most
            `CROP_MAX_SIZE` pixels a side.
        track: number of the face's track, from 0, longest track first.
        time_s: presentation time of the frame in seconds.
        box: x_min, y_min, x_max, y_max of the detection in the frame, pixels.
        landmarks: five points as x, y pairs in the frame, pixels (10 numbers); NaN for a point
            that the detector does not know (BlazeFace has no corners of the mouth).
        score: the detector's confidence, 0 to 1.
        sharpness: variance of the Laplacian of the grey crop.
        usable: whether it meets the thresholds of the extraction's options. Only such faces are
            trained on, scored and sliced by; the others tell how the person's track went on.
    """

    image: bytes
    track: int
    time_s: float
    box: tuple[float, float, float, float]
    landmarks: tuple[float, ...]
    score: float
    sharpness: float
    usable: bool


@dataclasses.dataclass(frozen=True)
class VideoExample:
    """One video: what it is, and the faces found in it.

    Attributes:
        video_id: dataset name and path relative to the dataset's root, joined by `/`.
        sha256: of the file, 64 hexadecimal digits.
        width: pixels, after rotation.
        height: pixels, after rotation.
        frame_count: frames decoded.
        fps: frames a second, as measured while decoding.
        duration_s: seconds, as measured while decoding.
        bit_rate: bits a second, file size over measured duration.
        label: `Label.REAL` or `Label.FAKE`.
        dataset: for example `faceforensics`.
        method: for example `Deepfakes`; `REAL_METHOD` for reals.
        compression: for example `c23`.
        slice_methods: for slicing: a fake's own method; for a real every method of its
            dataset, so that each method's slice holds both classes.
        source_group: name of the connected component that may not be split.
        faces: sorted by track, then by time; those that are not usable among them.
        slices: further columns to slice by, without the `slice/` prefix.
    """

    video_id: str
    sha256: str
    width: int
    height: int
    frame_count: int
    fps: float
    duration_s: float
    bit_rate: float
    label: int
    dataset: str
    method: str
    compression: str
    slice_methods: tuple[str, ...]
    source_group: str
    faces: tuple[FaceCrop, ...]
    slices: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def usable_faces(self) -> tuple[FaceCrop, ...]:
        """What a model may see of it, sorted by track, then by time."""
        return tuple(face for face in self.faces if face.usable)


def encode(example: VideoExample) -> bytes:
    """Serialises a video as a tf.Example, byte for byte the same for equal input.

    Args:
        example: the video; it must hold at least one usable face.

    Returns:
        The serialised `tf.train.Example`.

    Raises:
        ValueError: no face is usable, or the faces are not sorted by track and time.
    """
    faces = example.faces
    if not example.usable_faces:
        raise ValueError(f"{example.video_id}: a video without usable faces has no Example")
    if list(faces) != sorted(faces, key=lambda face: (face.track, face.time_s)):
        raise ValueError(f"{example.video_id}: faces must be sorted by track, then by time")

    message = example_class()()
    feature = message.features.feature

    def put_bytes(name: str, values: list[bytes]) -> None:
        feature[name].bytes_list.value.extend(values)

    def put_text(name: str, *values: str) -> None:
        put_bytes(name, [value.encode() for value in values])

    def put_ints(name: str, values: list[int]) -> None:
        feature[name].int64_list.value.extend(values)

    def put_floats(name: str, values: list[float]) -> None:
        feature[name].float_list.value.extend(values)

    put_text("video/id", example.video_id)
    put_text("video/sha256", example.sha256)
    put_ints("video/width", [example.width])
    put_ints("video/height", [example.height])
    put_ints("video/frame_count", [example.frame_count])
    put_floats("video/fps", [example.fps])
    put_floats("video/duration_s", [example.duration_s])
    put_floats("video/bit_rate", [example.bit_rate])
    put_ints("label", [int(example.label)])
    put_text("dataset", example.dataset)
    put_text("method", example.method)
    put_text("compression", example.compression)
    put_text("slice/method", *example.slice_methods)
    put_text("source_group", example.source_group)
    for column, value in example.slices.items():
        put_text(SLICE_PREFIX + column, value)
    put_bytes("face/image", [face.image for face in faces])
    put_ints("face/track", [face.track for face in faces])
    put_floats("face/time_s", [face.time_s for face in faces])
    put_floats("face/box", [value for face in faces for value in face.box])
    put_floats("face/landmarks", [value for face in faces for value in face.landmarks])
    put_floats("face/score", [face.score for face in faces])
    put_floats("face/sharpness", [face.sharpness for face in faces])
    put_ints("face/usable", [int(face.usable) for face in faces])
    return message.SerializeToString(deterministic=True)


def parse(serialized: bytes) -> VideoExample:
    """Reads what `encode` wrote.

    Args:
        serialized: a serialised `tf.train.Example`.

    Returns:
        The video; floats have passed through float32.

    Raises:
        ValueError: a feature is missing, or the faces' lists disagree in length.
    """
    try:
        message = example_class().FromString(serialized)
    except DecodeError as error:
        raise ValueError(f"not a tf.Example: {error}") from error
    feature = message.features.feature

    def ints(name: str) -> list[int]:
        return list(feature[name].int64_list.value)

    def floats(name: str) -> list[float]:
        return list(feature[name].float_list.value)

    def texts(name: str) -> list[str]:
        return [value.decode() for value in feature[name].bytes_list.value]

    images = list(feature["face/image"].bytes_list.value)
    count = len(images)
    boxes, landmarks = floats("face/box"), floats("face/landmarks")
    tracks, times = ints("face/track"), floats("face/time_s")
    scores, sharpness = floats("face/score"), floats("face/sharpness")
    usable = ints("face/usable")
    lengths = {
        "face/box": len(boxes) / 4,
        "face/landmarks": len(landmarks) / (2 * LANDMARK_COUNT),
        "face/track": len(tracks),
        "face/time_s": len(times),
        "face/score": len(scores),
        "face/sharpness": len(sharpness),
        "face/usable": len(usable),
    }
    for name, length in lengths.items():
        if length != count:
            raise ValueError(f"{name}: values for {length:g} faces, but face/image holds {count}")
    faces = tuple(
        FaceCrop(
            image=images[i],
            track=tracks[i],
            time_s=times[i],
            box=(boxes[4 * i], boxes[4 * i + 1], boxes[4 * i + 2], boxes[4 * i + 3]),
            landmarks=tuple(landmarks[10 * i : 10 * i + 10]),
            score=scores[i],
            sharpness=sharpness[i],
            usable=bool(usable[i]),
        )
        for i in range(count)
    )
    try:
        return VideoExample(
            video_id=texts("video/id")[0],
            sha256=texts("video/sha256")[0],
            width=ints("video/width")[0],
            height=ints("video/height")[0],
            frame_count=ints("video/frame_count")[0],
            fps=floats("video/fps")[0],
            duration_s=floats("video/duration_s")[0],
            bit_rate=floats("video/bit_rate")[0],
            label=ints("label")[0],
            dataset=texts("dataset")[0],
            method=texts("method")[0],
            compression=texts("compression")[0],
            slice_methods=tuple(texts("slice/method")),
            source_group=texts("source_group")[0],
            faces=faces,
            slices={
                name.removeprefix(SLICE_PREFIX): texts(name)[0]
                for name in sorted(feature)
                if name.startswith(SLICE_PREFIX) and name != "slice/method"
            },
        )
    except IndexError:
        missing = [name for name in _SCALARS if not feature[name].ListFields()]
        raise ValueError(f"the Example lacks {', '.join(missing)}") from None
