import json
import shutil

import numpy as np
import pytest

from data.utils.errors import UsageError
from models.calibration import Decision, Temperature
from models.config import ModelConfig
from models.export import ServedModel, export
from models.networks import classifier, saved_network
from models.scoring import NetworkScorer
from models.training import Checkpoints, Precision, TrainingLog, train_network
from models.transform import TransformFeatures

pytestmark = pytest.mark.slow


def make_config(name, **changes):
    values = {"image_size": 32, "weights": None, "lstm_units": 4, **changes}
    return ModelConfig(model=name, **values)


@pytest.fixture(scope="module", params=["frame", "lstm"])
def version(request, tiny_backbone, transform_output, tmp_path_factory):
    """A served version and the network in it."""
    config = make_config(tiny_backbone, head=request.param, seed=3)
    network = classifier.build(config, "float32", weights=None)
    random = np.random.default_rng(0)
    # All different, because the four vectors of batch normalisation have one shape.
    network.set_weights([random.uniform(0.1, 1.0, w.shape) for w in network.get_weights()])
    served = ServedModel(
        NetworkScorer(network),
        Decision(Temperature(temperature=1.0), 0.4, 0.6),
        track_length=2,
        transform=TransformFeatures(transform_output),
    )
    folder = str(tmp_path_factory.mktemp("version"))
    card = {
        "config": config.model_dump(mode="json"),
        "variables_sha256": saved_network.variables_sha256(network),
    }
    export(served, folder, name="tiny", card=card)
    return folder, network


def test_the_network_comes_back(version):
    folder, network = version
    loaded = saved_network.load(folder)
    assert loaded.config == network.config
    for one, other in zip(loaded.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_warm_start_takes_the_weights_under_another_precision(version, tiny_backbone):
    folder, network = version
    config = make_config(tiny_backbone, head=network.config.head)
    other = classifier.build(config, "mixed_bfloat16", weights=None)
    saved_network.warm_start(other, folder)
    for one, expected in zip(other.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, expected)


def test_a_training_starts_with_them(version, tiny_backbone, videos, make_source, tmp_path):
    folder, source = version
    config = make_config(
        tiny_backbone,
        head=source.config.head,
        warm_start=folder,
        batch_size=4,
        steps=1,
        sequence_length=2,
        learning_rate=1e-9,
    )
    crop_source = make_source(videos)
    network, _ = train_network(
        config,
        Precision("float32", "test"),
        crop_source,
        crop_source,
        Checkpoints(str(tmp_path)),
        TrainingLog("tiny", 1, None),
    )
    for one, expected in zip(network.trainable_variables, source.trainable_variables, strict=True):
        np.testing.assert_allclose(one, expected, atol=1e-6)


def test_a_warm_start_from_another_head_is_refused(version, tiny_backbone):
    folder, network = version
    head = {"frame": "lstm", "lstm": "frame"}[network.config.head]
    other = classifier.build(make_config(tiny_backbone, head=head), "float32", weights=None)
    with pytest.raises(UsageError, match=f"`head: {network.config.head}`.*`head: {head}`"):
        saved_network.warm_start(other, folder)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(UsageError, match=rf"{tmp_path}: holds no assets.extra/model.json"):
        saved_network.load(str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"variables_sha256": "0"}, "this version of unmask builds tiny otherwise than the one"),
        ({"config": {"model": "tiny", "colour": 1}}, "is of another version of unmask"),
        ({"config": {"model": "gone"}}, "is of another version of unmask"),
    ],
)
def test_versions_of_different_code_are_refused(version, tmp_path, changes, message):
    folder, _ = version
    shutil.copytree(folder, tmp_path / "1")
    path = tmp_path / "1" / "assets.extra" / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    with pytest.raises(UsageError, match=message):
        saved_network.load(str(tmp_path / "1"))


def test_names_do_not_count_what_was_built_before(tiny_backbone):
    config = make_config(tiny_backbone)
    first, second = (classifier.build(config, "float32", weights=None) for _ in range(2))
    assert first.variables[0].path != second.variables[0].path
    assert saved_network.variables_sha256(first) == saved_network.variables_sha256(second)
    other = classifier.build(make_config(tiny_backbone, head="lstm"), "float32", weights=None)
    assert saved_network.variables_sha256(first) != saved_network.variables_sha256(other)
