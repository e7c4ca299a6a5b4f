"""The tf.Example of one video: what it holds, and the features that hold it.

Everything between the extraction job and the served model speaks this form. `FEATURES` is its
table; `data/schema.pbtxt`, which the pipeline validates against, says the same.
`data/example_encoding.py` writes and reads it.
"""

import dataclasses
import enum
from collections.abc import Mapping

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
            that the detector does not know (BlazeFace has no corners of the mouth), and for a face
            that was set upright.
        score: the detector's confidence, 0 to 1.
        sharpness: variance of the Laplacian of the grey crop at one size for all, 128 pixels.
        raw_sharpness: the same of the crop as it is, which falls as a face grows.
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
    raw_sharpness: float
    usable: bool


@dataclasses.dataclass(frozen=True)
class Measurements:
    """What was measured of a video while it was decoded; an Example keeps the first six.

    Attributes:
        width: of the first frame as it is shown, square pixels; 0 if nothing was decoded.
        height: of the first frame as it is shown, square pixels; 0 if nothing was decoded.
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
        return _DTYPES[self.kind]

    @property
    def is_annotation(self) -> bool:
        """Whether the dataset says it: `VideoContent` does not hold it."""
        return self.attribute.startswith("annotation.")

    @property
    def is_of_faces(self) -> bool:
        """Whether there are values for each face, those of the first face first."""
        return self.name.startswith("face/")


_DTYPES = {bytes: "string", str: "string", int: "int64", bool: "int64", float: "float32"}

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
        Feature("face/raw_sharpness", float, "raw_sharpness"),
        Feature("face/usable", bool, "usable"),
    )
}
"""All features of an Example by name, besides one `slice/<column>` for each further column."""
