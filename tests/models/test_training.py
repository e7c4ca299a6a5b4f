import csv
import dataclasses
import json
import pathlib
import tempfile

import numpy as np
import pytest

from data import contract
from data.errors import UsageError


@dataclasses.dataclass(frozen=True)
class Arguments:
    train_files: list
    eval_files: list
    transform_output: str
    serving_model_dir: str
    model_run_dir: str
    custom_config: dict


@pytest.fixture(scope="module")
def arguments(videos, write_records, transform_output, tiny_backbone, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    config = {
        "name": tiny_backbone,
        "image_size": 32,
        "weights": None,
        "precision": "mixed_bfloat16",
        "track_length": 4,
        "batch_size": 4,
        "steps": 60,
        "eval_interval": 20,
        "learning_rate": 0.02,
        "augmentation": {"shift": 2, "brightness": 0.02, "contrast": 0.02},
    }
    files = write_records(videos)
    return Arguments(
        train_files=[files],
        eval_files=[files],
        transform_output=transform_output,
        serving_model_dir=str(folder / "Format-Serving"),
        model_run_dir=str(folder / "run"),
        custom_config={
            "model": json.dumps(config),
            "code_hash": "0123456789abcdef",
            "metadata": {"dataset": "tiny"},
        },
    )


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    """Where temporary folders go while a model is made."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def reloaded(arguments, scratch):
    import tensorflow as tf

    from models.training import run_fn

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(scratch))
        run_fn(arguments)
    return tf.saved_model.load(arguments.serving_model_dir)


def read_card(arguments):
    path = pathlib.Path(arguments.serving_model_dir) / "assets.extra" / "model.json"
    return json.loads(path.read_text())


def test_learns_and_answers_with_its_own_thresholds(reloaded, arguments, videos):
    import tensorflow as tf

    examples = tf.constant([contract.encode(video) for video in videos])
    outputs = reloaded.signatures["serving_examples"](examples=examples)
    probability = outputs["fake_probability"].numpy()
    labels = np.array([video.label for video in videos])
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
    }
    assert card["code_version"] == "0123456789abcdef"
    assert card["metadata"] == {"dataset": "tiny"}
    assert card["scope"] == (
        "visual face manipulation only: not voices, not wholly generated scenes"
    )
    assert card["training_precision"] == "mixed_bfloat16"
    assert card["eval_metrics"]["auc"] == 1.0
    assert card["eval_metrics"]["videos"] == 8
    assert card["eval_metrics"]["calibrated_log_loss"] > 0
    # Four reals and four fakes state no rate of 5 %.
    assert len(card["warnings"]) == 2
    assert card["thresholds"]["real_below"] < 0.0501
    assert card["thresholds"]["fake_above"] > 0.9499
    assert card["data_fingerprint"]["train"] == card["data_fingerprint"]["eval"]


def test_warmup_requests_are_answered(reloaded, arguments):
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    path = f"{arguments.serving_model_dir}/assets.extra/tf_serving_warmup_requests"
    records = list(tf.data.TFRecordDataset(path).as_numpy_iterator())
    assert len(records) == 3
    for record in records:
        request = prediction_log_pb2.PredictionLog.FromString(record).predict_log.request
        faces = tf.constant(tf.make_ndarray(request.inputs["faces"]))
        outputs = reloaded.signatures[request.model_spec.signature_name](faces=faces)
        assert not np.isnan(outputs["fake_probability"]).any()


def test_history(reloaded, arguments):
    with (pathlib.Path(arguments.model_run_dir) / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["20", "40", "60"]
    assert all(0 <= float(row["auc"]) <= 1 for row in rows)


def test_crops_are_cleaned_up(reloaded, scratch):
    assert not list(scratch.glob("unmask-crops-*"))


def test_a_wrong_config_is_named(arguments):
    from models.training import run_fn

    wrong = dataclasses.replace(
        arguments, custom_config={"model": json.dumps({"name": "tiny", "stepz": 1})}
    )
    with pytest.raises(UsageError, match=r"model\.stepz: Extra inputs are not permitted"):
        run_fn(wrong)
