import numpy as np
import pytest

from data.errors import UsageError
from models import classifier, saved_network
from models.config import ModelConfig
from models.decision import Decision
from models.export import export
from models.probability_mapping import Temperature
from models.scorer import NetworkScorer
from models.served_model import ServedModel
from models.transform_features import TransformFeatures


def make_config(name, **changes):
    values = {"image_size": 32, "weights": None, "lstm_units": 4, **changes}
    return ModelConfig(model=name, **values)


@pytest.fixture(scope="module", params=["frame", "lstm"])
def version(request, tiny_backbone, transform_output, tmp_path_factory):
    """A served version and the network in it."""
    config = make_config(tiny_backbone, head=request.param, seed=3)
    network = classifier.build(config, "float32", weights=None)
    network.set_weights([weight + 0.1 for weight in network.get_weights()])
    served = ServedModel(
        NetworkScorer(network),
        Decision(Temperature(temperature=1.0), 0.4, 0.6),
        track_length=2,
        transform=TransformFeatures(transform_output),
    )
    folder = str(tmp_path_factory.mktemp("version"))
    export(served, folder, name="tiny", card={"config": config.model_dump(mode="json")})
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


def test_a_warm_start_from_another_head_is_refused(version, tiny_backbone):
    folder, network = version
    head = {"frame": "lstm", "lstm": "frame"}[network.config.head]
    other = classifier.build(make_config(tiny_backbone, head=head), "float32", weights=None)
    with pytest.raises(UsageError, match=f"`head: {network.config.head}`.*`head: {head}`"):
        saved_network.warm_start(other, folder)


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(UsageError, match=rf"{tmp_path}: holds no assets.extra/model.json"):
        saved_network.load(str(tmp_path))
