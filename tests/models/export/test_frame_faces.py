import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from skimage import data

from data.detectors.mtcnn import Mtcnn
from data.faces import cropping
from models.export.frame_faces import FrameFaces, crop_in_graph

FRAME = data.astronaut()


def decode(jpeg):
    return np.asarray(Image.open(io.BytesIO(jpeg)), np.float32)


@pytest.mark.parametrize(
    "box",
    [
        pytest.param((170.3, 60.2, 270.9, 190.4), id="inside"),
        pytest.param((-5.0, 2.0, 80.5, 91.5), id="beyond left and top"),
        pytest.param((430.0, 440.0, 511.0, 511.0), id="beyond right and bottom"),
        pytest.param((20.0, 10.0, 490.0, 500.0), id="shrunk to 384"),
    ],
)
def test_crops_as_the_extraction_job_does(box):
    expected = cropping.crop_face(FRAME, box)
    ours = decode(tf.function(crop_in_graph)(tf.constant(FRAME), tf.constant(box)).numpy())
    theirs = decode(cropping.encode_jpeg(expected))
    assert ours.shape == theirs.shape
    # Two builds of one JPEG encoder, and two area filters.
    assert np.abs(ours - theirs).mean() < 1.0


def test_finds_the_detectors_faces():
    encoded = io.BytesIO()
    Image.fromarray(FRAME).save(encoded, "PNG")
    boxes, scores, crops = tf.function(FrameFaces())(tf.constant(encoded.getvalue()))
    (face,) = Mtcnn().detect(FRAME[np.newaxis])[0]
    np.testing.assert_allclose(boxes[0], face.box, atol=1e-2)
    assert scores[0].numpy() == pytest.approx(face.score, abs=1e-4)
    assert np.isnan(boxes[1:]).all()
    assert np.isnan(scores[1:]).all()
    assert set(crops.numpy()[1:]) == {b""}
    expected = decode(cropping.encode_jpeg(cropping.crop_face(FRAME, face.box)))
    assert np.abs(decode(crops[0].numpy()) - expected).mean() < 1.0


def test_an_unreadable_frame_has_no_faces():
    boxes, scores, crops = tf.function(FrameFaces())(tf.constant(b"no picture"))
    assert np.isnan(boxes).all()
    assert np.isnan(scores).all()
    assert set(crops.numpy()) == {b""}
