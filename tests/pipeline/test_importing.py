"""Weights files become served models; the real ones are in ../shared/data/mesonet."""

import collections
import json
import pathlib

import h5py
import numpy as np
import pytest
import tensorflow as tf
import typer
from typer.testing import CliRunner

from data import example_encoding
from data.contract import VerdictCode
from data.utils.errors import UsageError
from models.backbones import mesonet
from models.calibration import calibrate
from models.config import ModelConfig
from models.inputs import image_ops
from models.networks import classifier
from pipeline import commands, importing
from tests import tiny_dataset

pytestmark = pytest.mark.slow

SIGNATURES = {
    *("serving_default", "serving_tracks", "serving_examples", "serving_frames"),
    *("transform_features", "transform_labels"),
}
CONFIG = ModelConfig(
    model="meso4",
    name="ours",
    weights=None,
    # Rates that four videos of each class are enough to state.
    calibration="platt",
    false_positive_rate=0.2,
    false_negative_rate=0.3,
)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    tiny_dataset.write(folder)
    description = {"fingerprint": "tiny", "crops": "tiny", "options": {}, "slice_columns": []}
    (folder / "dataset.json").write_text(json.dumps({**description, "splits": {}}))
    return str(folder)


@pytest.fixture(scope="module")
def network():
    """A whole classifier of ours, whose scores lie on both sides."""
    network = classifier.build(CONFIG, "float32", weights=None)
    videos = tiny_dataset.make_split("eval", 8)
    kernel = np.random.default_rng(0).normal(0, 4, (16, 1))
    network.head.get_layer("logit").set_weights([kernel, np.zeros(1)])
    middle = np.median([score(network, video) for video in videos])
    network.head.get_layer("logit").set_weights([kernel, np.array([-middle])])
    return network


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    """A file as Keras 2 writes it: a group a layer, numbered by kind, its weights named."""
    path = str(tmp_path_factory.mktemp("weights") / "our_meso4.h5")
    numbers = collections.Counter()
    with h5py.File(path, "w") as file:
        names = []
        for layer in [*mesonet.weighted_layers(network.backbone), network.head.get_layer("logit")]:
            kind = {"Conv2D": "conv2d", "Dense": "dense"}.get(
                type(layer).__name__, "batch_normalization"
            )
            numbers[kind] += 1
            names.append(f"{kind}_{numbers[kind]}")
            group = file.create_group(names[-1])
            # The authors' last unit speaks for real.
            sign = -1.0 if layer.name == "logit" else 1.0
            for number, weight in enumerate(layer.get_weights()):
                group[str(number)] = sign * weight
            group.attrs["weight_names"] = [str(n) for n in range(len(layer.get_weights()))]
        file.attrs["layer_names"] = np.array(names, "S")
    return path


@pytest.fixture(scope="module")
def calibrated(weights, examples, tmp_path_factory):
    root = str(tmp_path_factory.mktemp("serving"))
    result = run(
        *(weights, "--model", "meso4", "--name", "ours", "--output", root),
        *("--calibrate-on", examples, "--calibration", "platt"),
        *("--false-positive-rate", "0.2", "--false-negative-rate", "0.3"),
    )
    assert result.exit_code == 0, result.output
    (folder,) = (pathlib.Path(root) / "ours").iterdir()
    assert str(folder) in "".join(result.output.split())
    return folder


def run(*arguments):
    """The command line of `unmask import-weights`."""
    app = typer.Typer()
    app.command()(commands.import_weights)
    return CliRunner().invoke(app, arguments)


def score(network, video):
    """Mean logit of a video of one track."""
    faces = [
        image_ops.resize(image_ops.decode(face.image, image_ops.MAX_FACE_SIDE), CONFIG.image_size)
        for face in video.faces
    ]
    return float(tf.reduce_mean(network.face_logits(network.features(tf.stack(faces)))))


def card_of(folder):
    return json.loads((pathlib.Path(folder) / "assets.extra" / "model.json").read_text())


def test_calibrated_on_the_eval_split(calibrated, network):
    videos = tiny_dataset.make_split("eval", 8)
    logits = np.array([score(network, video) for video in videos], np.float32)
    expected = calibrate(
        logits,
        np.array([video.annotation.label for video in videos], np.int8),
        np.repeat(np.arange(4, dtype=np.int32), 2),
        CONFIG,
        evaluations=1,
    )
    card = card_of(calibrated)
    assert card["config"] == CONFIG.model_dump(mode="json")
    calibrator = expected.decision.calibrator
    fitted = {"slope": calibrator.slope, "intercept": calibrator.intercept}
    assert card["calibration"] == pytest.approx({"method": "platt", **fitted}, rel=1e-3)
    thresholds = expected.decision.to_json()["thresholds"]
    assert card["thresholds"] == pytest.approx(thresholds, rel=1e-3)
    assert card["warnings"] == list(expected.warnings) == []
    assert card["eval_metrics"]["videos"] == 8
    assert card["name"] == "ours"
    assert card["imported"]["file"] == "our_meso4.h5"
    assert (calibrated / "assets.extra" / "reliability.png").is_file()

    signatures = tf.saved_model.load(str(calibrated)).signatures
    assert set(signatures) == SIGNATURES
    serialized = tf.constant([example_encoding.encode(video) for video in videos])
    outputs = signatures["serving_examples"](examples=serialized)
    np.testing.assert_allclose(
        outputs["fake_probability"], calibrator.probability(logits), atol=1e-4
    )
    features = signatures["transform_features"](examples=serialized)
    np.testing.assert_array_equal(features["label"], [video.annotation.label for video in videos])
    # Thirds of the eval videos: bit rate and sharpness rise with their numbers.
    for name in ("slice/bit_rate", "slice/sharpness"):
        buckets = [[b"low", b"medium", b"high"].index(value) for value in features[name].numpy()]
        assert buckets == sorted(buckets)
        assert set(buckets) == {0, 1, 2}


def test_the_authors_weights_uncalibrated(shared_data, tmp_path, capsys):
    config = ModelConfig(model="meso4", weights=None)
    path = shared_data / "mesonet" / "Meso4_DF.h5"
    folder = importing.import_weights(str(path), config, serving_root=str(tmp_path), examples=None)
    assert pathlib.Path(folder).parent == tmp_path / "meso4"
    card = card_of(folder)
    assert card["warnings"][0].startswith("uncalibrated")
    assert "uncalibrated" in capsys.readouterr().out
    assert card["calibration"] == {"method": "temperature", "temperature": 1.0}
    assert card["thresholds"] == {"real_below": 0.05, "fake_above": 0.95}

    signatures = tf.saved_model.load(folder).signatures
    assert set(signatures) == SIGNATURES
    # Natively of 256 pixels, so that nothing is resized.
    face = (shared_data / "mesonet" / "real00240.jpg").read_bytes()
    golden = json.loads((shared_data / "mesonet" / "golden.json").read_text())
    outputs = signatures["serving_default"](faces=tf.constant([face]))
    real_probability = golden["Meso4_DF.h5"]["real00240.jpg"]
    # Two decoders of JPEG.
    probability = 1 - outputs["fake_probability"].numpy()[0]
    assert probability == pytest.approx(real_probability, abs=1e-3)
    assert outputs["verdict"][0] == VerdictCode.REAL
    video = example_encoding.encode(tiny_dataset.make_video(1, 1, "a"))
    for name in ("transform_features", "transform_labels"):
        answer = signatures[name](examples=tf.constant([video]))
        assert {key: value.numpy().tolist() for key, value in answer.items()} == {"label": [1]}


def test_files_and_folders_that_do_not_fit(weights, examples, tmp_path):
    def refuse(path, config, message, examples=None):
        with pytest.raises(UsageError, match=message):
            importing.import_weights(
                str(path), config, serving_root=str(tmp_path), examples=examples
            )
        assert not (tmp_path / config.name).exists()

    other = ModelConfig(model="mesoinception4", weights=None)
    refuse(weights, other, r"holds 10 layers .* so it does not hold mesoinception4")
    refuse(weights, CONFIG.model_copy(update={"image_size": 96}), r"its layer 9 holds weights")
    xception = ModelConfig(model="xception", image_size=71, weights=None)
    refuse(weights, xception, "xception: weights can be imported of meso4, mesoinception4 alone")
    refuse(weights, CONFIG, "holds no extraction", examples=str(tmp_path))
    (tmp_path / "dataset.json").write_text((pathlib.Path(examples) / "dataset.json").read_text())
    refuse(weights, CONFIG, "its eval split, which calibrates, holds no video", str(tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--calibration", "platt"], "--calibration: there is nothing to calibrate on"),
        (["--false-negative-rate", "0.1"], "--false-negative-rate: there is nothing to"),
        (["--calibrate-on", "a", "--calibration", "plat"], "--calibration 'plat': Input should be"),
        (
            ["--calibrate-on", "a", "--false-positive-rate", "0.5"],
            "--false-positive-rate 0.5: Input should be less than 0.5",
        ),
    ],
)
def test_options_that_do_not_fit(options, message):
    result = run("a.h5", "--model", "meso4", "--output", "out", *options)
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith(message)
