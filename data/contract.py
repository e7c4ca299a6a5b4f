"""The tf.Example of one video: its features, how it is written and how it is read.

Everything between the extraction job and the served model speaks this form. `FEATURES` is its
table; `data/schema.pbtxt`, which the pipeline validates against, says the same.
"""

import dataclasses
import enum
import itertools
import operator
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from google.protobuf.message import DecodeError

from data.utils import example_pb2

if TYPE_CHECKING:
    from data.video import Video

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
class Measurements:
    """What was measured of a video while it was decoded; an Example keeps the first six.

    Attributes:
        width: pixels, after rotation; 0 if nothing was decoded.
        height: pixels, after rotation; 0 if nothing was decoded.
        frames_decoded: frames that were decoded.
        fps: frames a second; 0 if not known.
        duration_s: seconds.
        bit_rate: bits a second, file size over measured duration; 0 if not known.
        packets: packets that are to be shown; 0 if not known.
        frames_declared: frames that the container claims; 0 if it claims nothing.
        frames_damaged: packets or frames that could not be decoded whole.
        truncated: whether the file ends well before its index or duration says.
    """

    width: int = 0
    height: int = 0
    frames_decoded: int = 0
    fps: float = 0.0
    duration_s: float = 0.0
    bit_rate: float = 0.0
    packets: int = 0
    frames_declared: int = 0
    frames_damaged: int = 0
    truncated: bool = False

    @classmethod
    def of(cls, video: "Video") -> "Measurements":
        """Of a video whose frames were read."""
        return cls(**{field.name: getattr(video, field.name) for field in dataclasses.fields(cls)})


@dataclasses.dataclass(frozen=True)
class Annotation:
    """What its dataset and the splits say of a video.

    Attributes:
        video_id: dataset name and path relative to the dataset's root, joined by `/`.
        label: `Label.REAL` or `Label.FAKE`.
        dataset: for example `faceforensics`.
        method: for example `Deepfakes`; `REAL_METHOD` for reals.
        compression: for example `c23`.
        slice_methods: for slicing: a fake's own method; for a real every method of its
            dataset, so that each method's slice holds both classes.
        source_group: name of the connected component that may not be split.
        slices: further columns to slice by, without the `slice/` prefix.
    """

    video_id: str
    label: int
    dataset: str
    method: str
    compression: str
    slice_methods: tuple[str, ...]
    source_group: str
    slices: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class VideoContent:
    """What was found in a video file, whatever a dataset says of it.

    Attributes:
        sha256: of the file, 64 hexadecimal digits.
        measurements: of the video.
        faces: sorted by track, then by time; those that are not usable among them.
    """

    sha256: str
    measurements: Measurements
    faces: tuple[FaceCrop, ...]

    @property
    def usable_faces(self) -> tuple[FaceCrop, ...]:
        """What a model may see of it, sorted by track, then by time."""
        return tuple(face for face in self.faces if face.usable)

    def annotated(self, annotation: Annotation) -> "VideoExample":
        """The Example of this content with what the dataset says of it."""
        return VideoExample(self.sha256, self.measurements, self.faces, annotation)


@dataclasses.dataclass(frozen=True)
class VideoExample(VideoContent):
    """One video: what was found in it, and what its dataset says of it."""

    annotation: Annotation


@dataclasses.dataclass(frozen=True)
class Feature:
    """One feature of an Example.

    Attributes:
        name: for example `face/box`.
        kind: of a single value: `bytes`, `str`, `int`, `bool` or `float`.
        attribute: of `FaceCrop` if the name begins with `face/`, else of `VideoExample`; may be
            an attribute of an attribute, `annotation.label`.
        count: values of a face or of a video; None for one or more.
    """

    name: str
    kind: type
    attribute: str
    count: int | None = 1

    @property
    def dtype(self) -> str:
        """`string`, `int64` or `float32`, as TensorFlow calls them."""
        return _ENCODINGS[self.kind][0]

    @property
    def is_annotation(self) -> bool:
        """Whether the dataset says it: `VideoContent` does not hold it."""
        return self.attribute.startswith("annotation.")

    @property
    def is_of_faces(self) -> bool:
        """Whether there are values for each face, those of the first face first."""
        return self.name.startswith("face/")


_ENCODINGS = {
    bytes: ("string", "bytes_list"),
    str: ("string", "bytes_list"),
    int: ("int64", "int64_list"),
    bool: ("int64", "int64_list"),
    float: ("float32", "float_list"),
}
"""For each kind of value, TensorFlow's name of the type, and the field of a `Feature` message."""

FEATURES: Mapping[str, Feature] = {
    feature.name: feature
    for feature in (
        Feature("video/id", str, "annotation.video_id"),
        Feature("video/sha256", str, "sha256"),
        Feature("video/width", int, "measurements.width"),
        Feature("video/height", int, "measurements.height"),
        Feature("video/frame_count", int, "measurements.frames_decoded"),
        Feature("video/fps", float, "measurements.fps"),
        Feature("video/duration_s", float, "measurements.duration_s"),
        Feature("video/bit_rate", float, "measurements.bit_rate"),
        Feature("label", int, "annotation.label"),
        Feature("dataset", str, "annotation.dataset"),
        Feature("method", str, "annotation.method"),
        Feature("compression", str, "annotation.compression"),
        Feature("slice/method", str, "annotation.slice_methods", None),
        Feature("source_group", str, "annotation.source_group"),
        Feature("face/image", bytes, "image"),
        Feature("face/track", int, "track"),
        Feature("face/time_s", float, "time_s"),
        Feature("face/box", float, "box", 4),
        Feature("face/landmarks", float, "landmarks", 2 * LANDMARK_COUNT),
        Feature("face/score", float, "score"),
        Feature("face/sharpness", float, "sharpness"),
        Feature("face/usable", bool, "usable"),
    )
}
"""All features of an Example by name, besides one `slice/<column>` for each further column."""


def encode(video: VideoContent) -> bytes:
    """Serialises a video as a tf.Example, byte for byte the same for equal input.

    Args:
        video: it must hold at least one usable face; a `VideoExample`, or a `VideoContent`, whose
            bytes lack the annotation.

    Returns:
        The serialised `tf.train.Example`.

    Raises:
        ValueError: no face is usable, or the faces are not sorted by track and time.
    """
    annotation = video.annotation if isinstance(video, VideoExample) else None
    name = annotation.video_id if annotation else video.sha256
    if not video.usable_faces:
        raise ValueError(f"{name}: a video without usable faces has no Example")
    if list(video.faces) != sorted(video.faces, key=lambda face: (face.track, face.time_s)):
        raise ValueError(f"{name}: faces must be sorted by track, then by time")

    message = example_pb2.Example()
    for feature in FEATURES.values():
        if feature.is_annotation and annotation is None:
            continue
        owners: Iterable[Any] = video.faces if feature.is_of_faces else (video,)
        values = list(map(operator.attrgetter(feature.attribute), owners))
        if feature.count != 1:
            values = list(itertools.chain.from_iterable(values))
        _put(message, feature.name, feature.kind, values)
    for column, value in annotation.slices.items() if annotation else ():
        _put(message, SLICE_PREFIX + column, str, [value])
    return message.SerializeToString(deterministic=True)


def parse(serialized: bytes) -> VideoExample:
    """Reads what `encode` wrote of a `VideoExample`.

    Args:
        serialized: a serialised `tf.train.Example`.

    Returns:
        The video; floats have passed through float32, and measurements that an Example does not
        hold are 0.

    Raises:
        ValueError: a feature is missing, or the faces' lists disagree in length.
    """
    message = _message(serialized)
    content, said = _read(message, FEATURES.values())
    slices = {}
    for name in sorted(set(message.features.feature) - set(FEATURES)):
        if name.startswith(SLICE_PREFIX):
            values = _get(message, name, str)
            if not values:
                raise ValueError(f"the Example lacks {name}")
            slices[name.removeprefix(SLICE_PREFIX)] = values[0]
    return content.annotated(Annotation(**said, slices=slices))


def parse_content(serialized: bytes) -> VideoContent:
    """Reads what `encode` wrote, except what a dataset says of the video; see `parse`."""
    features = (feature for feature in FEATURES.values() if not feature.is_annotation)
    return _read(_message(serialized), features)[0]


def _message(serialized: bytes) -> example_pb2.Example:
    try:
        return example_pb2.Example.FromString(serialized)
    except DecodeError as error:
        raise ValueError(f"not a tf.Example: {error}") from error


def _read(
    message: example_pb2.Example, features: Iterable[Feature]
) -> tuple[VideoContent, dict[str, Any]]:
    """The content of a video, and attributes of its annotation if these are among the features."""
    of_video: dict[str, dict[str, Any]] = {"": {}, "measurements": {}, "annotation": {}}
    of_faces: dict[str, list[Any]] = {}
    missing = []
    for feature in features:
        values = _get(message, feature.name, feature.kind)
        owner, _, attribute = feature.attribute.rpartition(".")
        if feature.is_of_faces:
            of_faces[attribute] = _by_face(feature, values, len(of_faces.get("image", ())))
        elif feature.count is None:
            of_video[owner][attribute] = tuple(values)
        elif values:
            of_video[owner][attribute] = values[0]
        else:
            missing.append(feature.name)
    if missing:
        raise ValueError(f"the Example lacks {', '.join(missing)}")
    faces = (
        FaceCrop(**dict(zip(of_faces, values, strict=True)))
        for values in zip(*of_faces.values(), strict=True)
    )
    measurements = Measurements(**of_video["measurements"])
    content = VideoContent(**of_video[""], measurements=measurements, faces=tuple(faces))
    return content, of_video["annotation"]


def _by_face(feature: Feature, values: list[Any], faces: int) -> list[Any]:
    """Divides the values of a feature among the faces, of which `face/image` holds one each."""
    assert feature.count is not None
    length = len(values) / feature.count
    if feature.name != "face/image" and length != faces:
        raise ValueError(
            f"{feature.name}: values for {length:g} faces, but face/image holds {faces}"
        )
    if feature.count == 1:
        return values
    return [tuple(values[i : i + feature.count]) for i in range(0, len(values), feature.count)]


def _put(message: example_pb2.Example, name: str, kind: type, values: Iterable[Any]) -> None:
    field = getattr(message.features.feature[name], _ENCODINGS[kind][1])
    field.value.extend(value.encode() if kind is str else kind(value) for value in values)


def _get(message: example_pb2.Example, name: str, kind: type) -> list[Any]:
    values = getattr(message.features.feature[name], _ENCODINGS[kind][1]).value
    return [value.decode() if kind is str else kind(value) for value in values]
