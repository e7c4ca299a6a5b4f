"""RetinaFace's errors, and what surrounds its network, with a network made here.

The published weights are on no package index, so what they find is not shown here.
"""

import hashlib
import importlib.util
import sys

import numpy as np
import pytest

from data.detectors import registry, retinaface
from data.utils.errors import UsageError

needs_library = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("uniface", "onnxruntime")),
    reason=f"needs {retinaface.REQUIREMENTS}",
)


@pytest.fixture
def store(tmp_path, monkeypatch):
    """An empty folder in place of UniFace's own."""
    monkeypatch.setenv("UNIFACE_CACHE_DIR", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("ask", [registry.create_detector, registry.detector_fingerprint])
@pytest.mark.parametrize("missing", ["uniface", "onnxruntime"])
def test_without_the_library_it_says_how_to_install_it(ask, missing, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] in ("uniface", missing)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(
        UsageError,
        match=r"retinaface needs the packages uniface and onnxruntime: install them with "
        r"`uv pip install --python \S+ --no-deps --require-hashes -r requirements-retinaface\.txt`",
    ):
        ask("retinaface")


@needs_library
@pytest.mark.parametrize("ask", [registry.create_detector, registry.detector_fingerprint])
@pytest.mark.parametrize(
    ("name", "file"),
    [("retinaface", "retinaface_mnet_v2.onnx"), ("retinaface:r50", "retinaface_r50.onnx")],
)
def test_without_weights_it_says_where_they_go_and_how_to_fetch_them(ask, name, file, store):
    with pytest.raises(UsageError) as error:
        ask(name)
    message = str(error.value)
    assert message.startswith(f"{store / file}: no such file, which retinaface needs; fetch it")
    assert f'verify_model_weights(RetinaFaceWeights("{file.removesuffix(".onnx")}"))' in message
    assert "UNIFACE_CACHE_DIR" in message


@needs_library
def test_unknown_weights_are_answered_with_the_known_ones(store):
    with pytest.raises(
        UsageError,
        match="unknown weights 'retinaface:vgg': choose one of mnet025, mnet050, mnet_v1, mnet_v2",
    ):
        registry.create_detector("retinaface:vgg")


@needs_library
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"], ids=["empty", "a web page"])
def test_a_file_that_is_no_such_model_is_named(content, store):
    path = store / "retinaface_mnet_v2.onnx"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="is not what UniFace publishes") as error:
        registry.create_detector("retinaface")
    assert str(path) in str(error.value)
    assert hashlib.sha256(content).hexdigest() in str(error.value)
    assert path.read_bytes() == content


@pytest.fixture
def red_finder(store, monkeypatch):
    """A network of RetinaFace's inputs and outputs that takes a red cell of 32 pixels for a face.

    Its file stands in the store in place of the published one, under its own hash.
    """
    from uniface.constants import MODEL_REGISTRY, RetinaFaceWeights

    network = red_finder_network()
    (store / "retinaface_mnet_v2.onnx").write_bytes(network)
    name = RetinaFaceWeights.MNET_V2
    published = MODEL_REGISTRY[name]
    digest = hashlib.sha256(network).hexdigest()
    monkeypatch.setitem(MODEL_REGISTRY, name, type(published)(url=published.url, sha256=digest))
    return digest


@needs_library
@pytest.mark.parametrize(
    ("size", "scale"),
    [
        pytest.param((640, 640), 1, id="as it is"),
        pytest.param((640, 1280), 2, id="wide, shrunk"),
        pytest.param((1280, 960), 2, id="high, shrunk"),
        pytest.param((160, 320), 0.5, id="enlarged"),
    ],
)
def test_boxes_and_points_lie_in_the_frame(red_finder, size, scale):
    frame = np.zeros((*size, 3), np.uint8)
    row, column = 3, 8  # of cells of 32 pixels in 640 x 640
    cell = round(32 * scale)
    frame[row * cell : (row + 1) * cell, column * cell : (column + 1) * cell] = (255, 0, 0)
    blue = frame[..., ::-1]
    faces, nothing = registry.create_detector("retinaface").detect(np.stack([frame, blue]))
    assert nothing == []
    (face,) = faces
    # The network moves no anchor: that of stride 32 is 256 pixels wide, about the cell's centre.
    centre = np.array([column + 0.5, row + 0.5]) * 32
    box = np.concatenate([centre - 128, centre + 128]) * scale
    limits = [size[1] - 1, size[0] - 1] * 2
    np.testing.assert_allclose(face.box, np.clip(box, 0, limits), atol=0.01)
    np.testing.assert_allclose(face.landmarks.reshape(5, 2), [centre * scale] * 5, atol=0.01)
    assert (face.box.dtype, face.landmarks.dtype) == (np.float32, np.float32)
    assert face.score == pytest.approx(1 / (1 + np.exp(-5)), abs=0.005)


@needs_library
@pytest.mark.parametrize("size", [(1, 1), (8, 300), (1, 1200), (1200, 1)])
def test_tiny_and_odd_frames_hold_no_face(red_finder, size):
    frames = np.full((2, *size, 3), 127, np.uint8)
    assert registry.create_detector("retinaface").detect(frames) == [[], []]


@needs_library
def test_the_fingerprint_is_the_weights_hash(red_finder):
    assert registry.detector_fingerprint("retinaface") == f"retinaface {red_finder}"
    assert registry.detector_fingerprint("retinaface:mnet_v2") == f"retinaface {red_finder}"


def red_finder_network():
    """A serialised ONNX model: pixels [1, 3, 640, 640] in, boxes, scores and points out.

    One convolution over each cell of stride 32 gives the score of the first of its two anchors;
    all else is zero. Cells of the strides 8 and 16 make up the first 16,000 of 16,800 anchors.
    """
    kernel = np.zeros((4, 3, 32, 32), np.float32)
    kernel[1] = np.array([-1, -1, 1], np.float32)[:, None, None] / 32**2 / 25  # BGR
    # With the network's means (104, 117, 123) taken off, pure red gives a logit of 5.
    bias = np.array([0, 5 - (104 + 117 + 132) / 25, 0, -20], np.float32)
    graph = b"".join(
        [
            node("ConstantOfShape", ["box_shape"], ["boxes"]),
            node("ConstantOfShape", ["point_shape"], ["points"]),
            node("ConstantOfShape", ["small_shape"], ["small"]),
            node("Conv", ["pixels", "kernel", "bias"], ["cells"], strides=[32, 32]),
            node("Transpose", ["cells"], ["last"], perm=[0, 2, 3, 1]),
            node("Reshape", ["last", "large_shape"], ["large"]),
            node("Concat", ["small", "large"], ["logits"], axis=1),
            node("Softmax", ["logits"], ["even"], axis=2),
            node("Mul", ["even", "of_large"], ["scores"]),
            field(2, b"red_finder"),
            tensor("box_shape", np.array([1, 16800, 4])),
            tensor("point_shape", np.array([1, 16800, 10])),
            tensor("small_shape", np.array([1, 16000, 2])),
            tensor("large_shape", np.array([1, 800, 2])),
            tensor("kernel", kernel),
            tensor("bias", bias),
            tensor("of_large", np.repeat([0, 1], [16000, 800]).astype(np.float32)[None, :, None]),
            field(11, value_info("pixels", [1, 3, 640, 640])),
            field(12, value_info("boxes", [1, 16800, 4])),
            field(12, value_info("scores", [1, 16800, 2])),
            field(12, value_info("points", [1, 16800, 10])),
        ]
    )
    return field(1, 8) + field(8, field(2, 13)) + field(7, graph)


# What of the format of onnx.proto (github.com/onnx/onnx) the network needs.


def varint(number):
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + varint(rest) if rest else bytes([low])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def node(kind, inputs, outputs, **attributes):
    parts = [field(1, name.encode()) for name in inputs]
    parts += [field(2, name.encode()) for name in outputs]
    parts.append(field(4, kind.encode()))
    for name, value in attributes.items():
        if isinstance(value, int):
            content = field(3, value) + field(20, 2)
        else:
            content = b"".join(field(8, number) for number in value) + field(20, 7)
        parts.append(field(5, field(1, name.encode()) + content))
    return field(1, b"".join(parts))


def tensor(name, values):
    kind = 1 if values.dtype == np.float32 else 7
    dimensions = b"".join(field(1, size) for size in values.shape)
    return field(
        5, dimensions + field(2, kind) + field(8, name.encode()) + field(9, values.tobytes())
    )


def value_info(name, shape):
    dimensions = b"".join(field(1, field(1, size)) for size in shape)
    return field(1, name.encode()) + field(2, field(1, field(1, 1) + field(2, dimensions)))
