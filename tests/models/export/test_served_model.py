"""Every signature of an exported model, loaded again as a server loads it."""

import dataclasses
import io
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from scipy.special import expit
from skimage import data

from data import example_encoding
from data.contract import VerdictCode
from data.detectors import MAX_FACES
from data.detectors.mtcnn import Mtcnn
from data.faces import cropping
from models.scoring import NetworkScorer, score_videos
from tests.models.tiny_served import (
    SCOPE,
    TEMPERATURE,
    TRACK_LENGTH,
    example,
    faces,
    logit,
    probability,
    verdicts,
)

pytestmark = pytest.mark.slow


def test_single_faces(call, network, thresholds):
    pixels, encoded = faces(40)
    outputs = call("serving_default", encoded)
    expected = probability(network, pixels)
    np.testing.assert_allclose(outputs["fake_probability"], expected, atol=1e-6)
    np.testing.assert_array_equal(outputs["verdict"], verdicts(expected, thresholds))
    assert set(outputs["verdict"]) == {0, 1, 2}
    assert outputs["fake_probability"].dtype == np.float32
    assert outputs["verdict"].dtype == np.int64


def test_unreadable_faces_are_said_to_be_and_change_no_other(call):
    _, encoded = faces(6)
    alone = call("serving_default", encoded)
    bad = [
        b"",
        b"hello",
        encoded[0][:40],
        b"\xff\xd8\xff",
        tf.io.encode_png(np.zeros((1, 4097, 3), np.uint8)).numpy(),
        encoded[1][:-30],
    ]
    mixed = call(
        "serving_default", [image for pair in zip(bad, encoded, strict=True) for image in pair]
    )
    np.testing.assert_array_equal(mixed["verdict"][::2], [VerdictCode.UNREADABLE] * 6)
    assert np.isnan(mixed["fake_probability"][::2]).all()
    np.testing.assert_array_equal(mixed["verdict"][1::2], alone["verdict"])
    np.testing.assert_allclose(
        mixed["fake_probability"][1::2], alone["fake_probability"], atol=1e-6
    )


def test_more_faces_than_a_chunk(call, network):
    pixels, encoded = faces(150)
    outputs = call("serving_default", encoded)
    np.testing.assert_allclose(outputs["fake_probability"], probability(network, pixels), atol=1e-6)


def test_tracks_are_means_of_logits_without_padding(call, network, thresholds):
    pixels, encoded = faces(7)
    rows = [
        encoded[:4],
        [*encoded[4:6], b"", b""],
        [b"", encoded[6], b"", b""],
        [b""] * 4,
    ]
    outputs = call("serving_tracks", rows)
    logits = logit(network, pixels)
    means = [logits[:4].mean(), logits[4:6].mean(), logits[6]]
    expected = expit(np.array(means) / TEMPERATURE)
    np.testing.assert_allclose(outputs["fake_probability"][:3], expected, atol=1e-6)
    np.testing.assert_array_equal(outputs["verdict"][:3], verdicts(expected, thresholds))
    assert np.isnan(outputs["fake_probability"][3])
    assert outputs["verdict"][3] == VerdictCode.UNCERTAIN
    np.testing.assert_array_equal(
        np.isnan(outputs["face_probability"]), np.array(rows, object) == b""
    )
    np.testing.assert_allclose(
        outputs["face_probability"][~np.isnan(outputs["face_probability"])],
        expit(logits / TEMPERATURE),
        atol=1e-6,
    )


def test_every_track_is_told_what_the_verdicts_are_about(call, saved):
    _, encoded = faces(1)
    rows = [[encoded[0], b"", b"", b""], [b"hello"] * 4, [b""] * 4]
    assert call("serving_tracks", rows)["scope"].tolist() == [SCOPE.encode()] * 3
    assert "scope" not in call("serving_default", encoded)
    card = pathlib.Path(saved, "assets.extra", "model.json").read_text()
    assert json.loads(card)["scope"] == SCOPE


def test_a_tracks_score_depends_on_no_other_row(call):
    _, encoded = faces(12)
    rows = [encoded[:4], [encoded[4], b"", b"", b""], [*encoded[5:8], b"hello"]]
    together = call("serving_tracks", rows)
    for number, row in enumerate(rows):
        alone = call("serving_tracks", [row])
        for name in ("fake_probability", "face_probability", "verdict"):
            np.testing.assert_allclose(together[name][number], alone[name][0], atol=1e-6)
    assert together["verdict"][2] == VerdictCode.UNREADABLE
    assert np.isnan(together["fake_probability"][2])
    assert not np.isnan(together["face_probability"][2, :3]).any()


def test_videos_are_their_largest_track(call, network, thresholds):
    pixels, encoded = faces(9)
    tracks = [0, 0, 0, 0, 1, 1, 1, 2, 2]
    logits = logit(network, pixels)
    outputs = call("serving_examples", [example(encoded, tracks), example(encoded[:4], tracks[:4])])
    means = [logits[:4].mean(), logits[4:7].mean(), logits[7:].mean()]
    expected = expit(np.array([max(means), means[0]]) / TEMPERATURE)
    np.testing.assert_allclose(outputs["fake_probability"], expected, atol=1e-6)
    np.testing.assert_array_equal(outputs["verdict"], verdicts(expected, thresholds))


def test_videos_score_as_they_do_in_calibration(call, network, make_source, videos):
    # Their later faces a second person, whom calibration must keep apart as serving does.
    two_tracks = [
        dataclasses.replace(
            video,
            faces=tuple(
                dataclasses.replace(face, track=int(number >= 1))
                for number, face in enumerate(video.faces)
            ),
        )
        for video in videos
    ]
    store = make_source(two_tracks)
    crops = np.arange(len(store.index.offset))
    logits = score_videos(NetworkScorer(network), store, crops)
    one_track = score_videos(NetworkScorer(network), make_source(videos), crops)
    assert np.abs(logits - one_track).max() > 1e-3
    outputs = call("serving_examples", [example_encoding.encode(video) for video in two_tracks])
    np.testing.assert_allclose(
        outputs["fake_probability"], expit(logits / TEMPERATURE), rtol=1e-4, atol=1e-6
    )


def test_a_video_of_more_faces_than_a_chunk(call, network):
    pixels, encoded = faces(130)
    outputs = call("serving_examples", [example(encoded, [0] * 130)])
    expected = expit(logit(network, pixels).mean() / TEMPERATURE)
    np.testing.assert_allclose(outputs["fake_probability"], [expected], atol=1e-6)


def test_a_video_scores_as_without_its_unusable_faces(call):
    _, encoded = faces(6)
    tracks = [0, 0, 0, 1, 1, 1]
    usable = [True, False, True, False, True, False]
    # One of them cannot even be read.
    encoded[3] = b"x"
    chosen = [number for number, flag in enumerate(usable) if flag]
    with_them, without, of_all = (
        call("serving_examples", [made])
        for made in (
            example(encoded, tracks, usable),
            example([encoded[i] for i in chosen], [tracks[i] for i in chosen]),
            example([*encoded[:3], encoded[0], *encoded[4:]], tracks),
        )
    )
    for name in without:
        np.testing.assert_array_equal(with_them[name], without[name])
    assert abs(with_them["fake_probability"] - of_all["fake_probability"]) > 1e-3


def test_a_video_of_unusable_faces_has_no_score(call):
    _, encoded = faces(2)
    unusable = tf.train.Example.FromString(example(encoded, [0, 0]))
    unusable.features.feature["face/usable"].int64_list.value[:] = [0, 0]
    outputs = call("serving_examples", [unusable.SerializeToString()])
    assert np.isnan(outputs["fake_probability"][0])
    assert outputs["verdict"][0] == VerdictCode.UNCERTAIN


def test_bad_videos_change_no_other(call):
    _, encoded = faces(3)
    good = example(encoded, [0, 0, 1])
    faceless = tf.train.Example().SerializeToString()
    lopsided = tf.train.Example.FromString(good)
    lopsided.features.feature["face/track"].int64_list.value.pop()
    unflagged = tf.train.Example.FromString(good)
    del unflagged.features.feature["face/usable"]
    outputs = call(
        "serving_examples",
        [
            good,
            b"no Example",
            faceless,
            example([*encoded, b"x"], [0, 0, 1, 1]),
            lopsided.SerializeToString(),
            unflagged.SerializeToString(),
            good,
        ],
    )
    np.testing.assert_array_equal(outputs["verdict"][1:6], [3, 2, 3, 3, 3])
    assert np.isnan(outputs["fake_probability"][1:6]).all()
    alone = call("serving_examples", [good])
    for number in (0, 6):
        np.testing.assert_allclose(
            outputs["fake_probability"][number], alone["fake_probability"][0], atol=1e-6
        )
        assert outputs["verdict"][number] == alone["verdict"][0]


def test_whole_frames(call):
    frame = data.astronaut()
    encoded = io.BytesIO()
    Image.fromarray(frame).save(encoded, "PNG")
    plain = tf.io.encode_png(np.zeros((80, 60, 3), np.uint8)).numpy()
    outputs = call("serving_frames", [b"hello", encoded.getvalue(), plain])
    (face,) = Mtcnn().detect(frame[np.newaxis])[0]
    np.testing.assert_allclose(outputs["box"][1, 0], face.box, atol=1e-2)
    assert outputs["detection_score"][1, 0] == pytest.approx(face.score, abs=1e-4)
    crop = cropping.encode_jpeg(cropping.crop_face(frame, face.box))
    expected = call("serving_default", [crop])["fake_probability"][0]
    assert outputs["fake_probability"][1, 0] == pytest.approx(expected, abs=0.01)
    for name, shape in (
        ("box", (3, MAX_FACES, 4)),
        ("detection_score", (3, MAX_FACES)),
        ("fake_probability", (3, MAX_FACES)),
    ):
        assert outputs[name].shape == shape
        assert np.isnan(outputs[name][[0, 2]]).all()
        assert np.isnan(outputs[name][1, 1:]).all()


def test_a_frame_one_pixel_wide_changes_no_other(call):
    good = tf.io.encode_png(data.astronaut()).numpy()
    thin = tf.io.encode_png(np.zeros((1200, 1, 3), np.uint8)).numpy()
    flat = tf.io.encode_png(np.zeros((1, 1200, 3), np.uint8)).numpy()
    alone = call("serving_frames", [good])
    mixed = call("serving_frames", [thin, good, flat])
    for name, values in mixed.items():
        np.testing.assert_allclose(values[1], alone[name][0], atol=1e-6)
        assert np.isnan(values[[0, 2]]).all()


@pytest.mark.parametrize(
    ("signature", "shape"),
    [
        ("serving_default", (0,)),
        ("serving_tracks", (0, TRACK_LENGTH)),
        ("serving_examples", (0,)),
        ("serving_frames", (0,)),
        ("transform_features", (0,)),
        ("transform_labels", (0,)),
    ],
)
def test_no_rows_in_no_rows_out(call, signature, shape):
    for name, values in call(signature, np.empty(shape, object)).items():
        assert values.shape[0] == 0, name


def test_transformed_features(call, videos):
    examples = [example_encoding.encode(video) for video in videos]
    features = call("transform_features", examples)
    assert set(features) == {"label", "slice/face_size", "slice/sharpness", "slice/bit_rate"}
    assert {values.shape for values in features.values()} == {(8,)}
    assert (features["slice/bit_rate"][0], features["slice/bit_rate"][7]) == (b"low", b"high")
    labels = call("transform_labels", examples)
    assert set(labels) == {"label"}
    np.testing.assert_array_equal(labels["label"], [0, 1] * 4)
    assert labels["label"].dtype == np.int64
