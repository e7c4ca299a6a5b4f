"""How a video becomes a tf.Example, and an Example a video."""

import itertools
import operator
from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError

from data.contract import (
    FEATURES,
    SLICE_PREFIX,
    Annotation,
    FaceCrop,
    Feature,
    Measurements,
    VideoContent,
    VideoExample,
)
from data.utils import example_pb2

_LISTS = {
    bytes: "bytes_list",
    str: "bytes_list",
    int: "int64_list",
    bool: "int64_list",
    float: "float_list",
}
"""For each kind of value, the field of a `Feature` message."""


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
    field = getattr(message.features.feature[name], _LISTS[kind])
    field.value.extend(value.encode() if kind is str else kind(value) for value in values)


def _get(message: example_pb2.Example, name: str, kind: type) -> list[Any]:
    values = getattr(message.features.feature[name], _LISTS[kind]).value
    return [value.decode() if kind is str else kind(value) for value in values]
