import pytest
import tensorflow as tf

from data import contract, example_encoding
from models.transform.example_spec import example_spec
from tests import tiny_dataset


def test_every_feature_of_the_contract_is_parsed():
    video = tiny_dataset.make_video(3, 1, "group")
    parsed = tf.io.parse_single_example(
        example_encoding.encode(video), example_spec(*contract.FEATURES)
    )
    assert parsed["video/id"].numpy() == video.annotation.video_id.encode()
    assert parsed["video/width"].numpy() == video.measurements.width
    assert parsed["video/fps"].numpy() == video.measurements.fps
    assert parsed["slice/method"].values.numpy().tolist() == [b"Redder"]
    assert parsed["face/image"].values.numpy().tolist() == [face.image for face in video.faces]
    assert parsed["face/box"].values.shape == 4 * len(video.faces)


def test_an_unknown_feature_is_an_error():
    with pytest.raises(KeyError, match="face/absent"):
        example_spec("face/absent")
