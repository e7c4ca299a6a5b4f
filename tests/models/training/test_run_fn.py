import csv
import dataclasses
import json
import pathlib
import tempfile

import keras_tuner
import numpy as np
import pytest
from PIL import Image
from scipy.special import logit

from data import example_encoding
from data.utils.errors import UsageError
from models.training.search_result import SearchResult
from tests.tiny_dataset import make_video

pytestmark = pytest.mark.slow

SEARCH = {
    "trials": 9,
    "steps": 5,
    "space": {"learning_rate": {"low": 1e-9, "high": 0.1, "log": True}},
}
RESULT = SearchResult(chosen={"learning_rate": 0.02}, auc=0.97, trials=8, failed=1, evaluations=14)


@dataclasses.dataclass(frozen=True)
class Arguments:
    train_files: list
    eval_files: list
    transform_output: str
    serving_model_dir: str
    model_run_dir: str
    custom_config: dict
    hyperparameters: dict


@pytest.fixture(scope="module")
def eval_videos():
    """Six others, of which the fakes are harder than those of training."""
    return [
        make_video(20 + number, number % 2, f"group{10 + number // 2}", redder=20.0 * (number % 2))
        for number in range(6)
    ]


@pytest.fixture(scope="module")
def arguments(
    videos, eval_videos, write_records, transform_output, tiny_backbone, tmp_path_factory
):
    folder = tmp_path_factory.mktemp("trained")
    best = keras_tuner.HyperParameters()
    best.Float("learning_rate", 1e-9, 0.1, default=0.02)
    config = {
        "model": tiny_backbone,
        "image_size": 32,
        "weights": None,
        "precision": "mixed_bfloat16",
        "track_length": 4,
        "batch_size": 8,
        "steps": 60,
        "eval_interval": 20,
        # This rate learns nothing; the search chose a better one.
        "learning_rate": 1e-9,
        "search": SEARCH,
        # The highest that three reals and three fakes can state.
        "false_positive_rate": 0.25,
        "false_negative_rate": 0.25,
        "calibration": "platt",
        "augmentation": {
            "warp_probability": 0,
            "colour_probability": 0,
            "scaling_probability": 0,
            "cutout_probability": 0,
        },
    }
    return Arguments(
        train_files=[write_records(videos)],
        eval_files=[write_records(eval_videos)],
        transform_output=transform_output,
        serving_model_dir=str(folder / "Format-Serving"),
        model_run_dir=str(folder / "run"),
        custom_config={
            "model": json.dumps(config),
            "code_hash": "0123456789abcdef",
            "checkpoints": str(folder / "checkpoints"),
            "metadata": {"dataset": "tiny"},
        },
        hyperparameters=RESULT.to_hyperparameters(best).get_config(),
    )


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Where temporary folders go while a model is made."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def reloaded(arguments, scratch):
    import tensorflow as tf

    from models.training.run_fn import run_fn

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(scratch))
        run_fn(arguments)
    return tf.saved_model.load(arguments.serving_model_dir)


def read_history(arguments):
    with (pathlib.Path(arguments.model_run_dir) / "history.csv").open() as file:
        return list(csv.DictReader(file))


def read_card(arguments):
    path = pathlib.Path(arguments.serving_model_dir) / "assets.extra" / "model.json"
    return json.loads(path.read_text())


def test_learns_and_answers_with_its_own_thresholds(reloaded, arguments, videos):
    import tensorflow as tf

    examples = tf.constant([example_encoding.encode(video) for video in videos])
    outputs = reloaded.signatures["serving_examples"](examples=examples)
    probability = outputs["fake_probability"].numpy()
    labels = np.array([video.annotation.label for video in videos])
    assert probability[labels == 1].min() > probability[labels == 0].max()
    thresholds = read_card(arguments)["thresholds"]
    expected = np.where(
        probability < thresholds["real_below"],
        0,
        np.where(probability > thresholds["fake_above"], 1, 2),
    )
    np.testing.assert_array_equal(outputs["verdict"], expected)


def test_model_card(reloaded, arguments):
    card = read_card(arguments)
    assert card["name"] == "tiny"
    assert card["track_length"] == 4
    assert card["config"] == {
        **card["config"],
        **json.loads(arguments.custom_config["model"]),
        "augmentation": card["config"]["augmentation"],
        "learning_rate": 0.02,
        "search": None,
    }
    assert card["code_version"] == "0123456789abcdef"
    assert card["metadata"] == {"dataset": "tiny"}
    assert card["scope"] == (
        "visual face manipulation only: not voices, not wholly generated scenes"
    )
    assert card["training_precision"] == "mixed_bfloat16"
    assert card["eval_metrics"]["auc"] == 1.0
    assert card["eval_metrics"]["videos"] == 6
    low, high = card["eval_metrics"]["auc_interval"]
    assert (0.2 < low < 0.7, high) == (True, 1.0)
    assert card["eval_metrics"]["calibrated_log_loss"] > 0
    rates, search = card["warnings"]
    # 3 of the training, and those of the trials.
    assert "the best of 17 evaluations" in rates
    assert "learning_rate chosen of 8 trials by their AUC on the eval videos" in search
    assert card["evaluations"] == 17
    assert card["data_fingerprint"]["train"] != card["data_fingerprint"]["eval"]


def test_model_card_says_what_was_searched_and_chosen(reloaded, arguments):
    search = read_card(arguments)["search"]
    (dimension,) = search.pop("space").items()
    assert dimension == (
        "learning_rate",
        {"low": 1e-9, "high": 0.1, "log": True, "choices": None},
    )
    assert search == {
        "chosen": {"learning_rate": 0.02},
        "auc": 0.97,
        "trials": 8,
        "failed": 1,
        "evaluations": 14,
        "steps": 5,
        "seed": 0,
    }


def test_calibration_is_of_the_eval_videos(reloaded, arguments, eval_videos):
    import tensorflow as tf

    from models.calibration import calibrate
    from models.config import ServedConfig

    card = read_card(arguments)
    examples = tf.constant([example_encoding.encode(video) for video in eval_videos])
    outputs = reloaded.signatures["serving_examples"](examples=examples)
    probability = outputs["fake_probability"].numpy().astype(float)
    slope, intercept = card["calibration"]["slope"], card["calibration"]["intercept"]
    expected = calibrate(
        ((logit(probability) - intercept) / slope).astype(np.float32),
        np.array([video.annotation.label for video in eval_videos], np.int8),
        np.repeat(np.arange(3, dtype=np.int32), 2),
        ServedConfig(
            name="tiny",
            calibration="platt",
            false_positive_rate=0.25,
            false_negative_rate=0.25,
        ),
        evaluations=3,
    )
    assert card["calibration"] == {
        "method": "platt",
        "slope": pytest.approx(expected.decision.calibrator.slope, rel=1e-2),
        "intercept": pytest.approx(expected.decision.calibrator.intercept, rel=1e-2, abs=1e-2),
    }
    assert card["thresholds"] == {
        "real_below": pytest.approx(expected.decision.real_below, abs=1e-3),
        "fake_above": pytest.approx(expected.decision.fake_above, abs=1e-3),
    }
    metrics = card["eval_metrics"]
    assert metrics["log_loss"] == pytest.approx(expected.log_loss, rel=1e-2)
    for name, reliability in (
        ("expected_calibration_error", expected.reliability),
        ("calibrated_expected_calibration_error", expected.calibrated_reliability),
    ):
        assert metrics[name] == pytest.approx(reliability.expected_calibration_error, abs=1e-2)


def test_early_stopping_looks_at_the_eval_videos(reloaded, arguments):
    best = max(
        read_history(arguments), key=lambda row: (float(row["auc"]), -float(row["eval_loss"]))
    )
    # The same weights in bfloat16, and in float32.
    log_loss = read_card(arguments)["eval_metrics"]["log_loss"]
    assert float(best["eval_loss"]) == pytest.approx(log_loss, rel=0.1)


def test_computes_in_float32_whatever_the_training_precision(reloaded, arguments):
    from tensorflow.core.framework import types_pb2
    from tensorflow.core.protobuf import saved_model_pb2

    content = (pathlib.Path(arguments.serving_model_dir) / "saved_model.pb").read_bytes()
    (meta_graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    graph = meta_graph.graph_def
    nodes = [*graph.node, *(node for f in graph.library.function for node in f.node_def)]
    types = {
        (node.op, types_pb2.DataType.Name(node.attr["T"].type))
        for node in nodes
        if node.op in ("Conv2D", "DepthwiseConv2dNative", "MatMul")
    }
    assert types == {("Conv2D", "DT_FLOAT"), ("MatMul", "DT_FLOAT")}


def test_warmup_requests_are_answered(reloaded, arguments):
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    path = f"{arguments.serving_model_dir}/assets.extra/tf_serving_warmup_requests"
    records = list(tf.data.TFRecordDataset(path).as_numpy_iterator())
    assert len(records) == 4
    for record in records:
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        inputs = {name: tf.make_ndarray(value) for name, value in request.inputs.items()}
        signature = reloaded.signatures[request.model_spec.signature_name]
        outputs = signature(**{name: tf.constant(rows) for name, rows in inputs.items()})
        # Noise shows no face.
        assert np.isnan(outputs["fake_probability"]).all() == ("frames" in inputs)


def test_history(reloaded, arguments):
    rows = read_history(arguments)
    assert [row["step"] for row in rows] == ["20", "40", "60"]
    assert all(0 <= float(row["auc"]) <= 1 for row in rows)


def test_reliability_picture_lies_beside_the_history(reloaded, arguments):
    with Image.open(pathlib.Path(arguments.model_run_dir) / "reliability.png") as image:
        assert image.format == "PNG"
        assert image.width > image.height > 500


def test_crops_are_cleaned_up(reloaded, scratch):
    assert not list(scratch.glob("unmask-crops-*"))


def test_a_wrong_config_is_named(arguments):
    from models.training.run_fn import run_fn

    wrong = dataclasses.replace(
        arguments, custom_config={"model": json.dumps({"model": "tiny", "stepz": 1})}
    )
    with pytest.raises(UsageError, match=r"model\.stepz: Extra inputs are not permitted"):
        run_fn(wrong)
