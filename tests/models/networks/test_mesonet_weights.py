"""The authors' weights, scores and test images: ../shared/data/mesonet."""

import json
import shutil

import h5py
import numpy as np
import pytest
from PIL import Image

from data.utils.errors import UsageError
from models.config import ModelConfig
from models.networks import classifier, mesonet_weights

FILES = {"meso4": "Meso4_DF.h5", "mesoinception4": "MesoInception_DF.h5"}
SIZE = 256


def build(name, size=SIZE):
    config = ModelConfig(model=name, image_size=size, weights=None, dropout=0.5)
    return classifier.build(config, "float32", weights=None)


@pytest.fixture(scope="module")
def published(shared_data):
    return shared_data / "mesonet"


@pytest.mark.parametrize("name", FILES)
def test_scores_are_those_of_the_authors_network(name, published):
    network = build(name)
    mesonet_weights.load(network, str(published / FILES[name]))
    golden = json.loads((published / "golden.json").read_text())[FILES[name]]
    for file, real_probability in golden.items():
        image = Image.open(published / file).resize((SIZE, SIZE), Image.Resampling.NEAREST)
        features = network.features(np.asarray(image, np.float32)[np.newaxis])
        logit = network.face_logits(features)[0]
        fake_probability = 1 / (1 + np.exp(-logit))
        assert 1 - fake_probability == pytest.approx(real_probability, abs=1e-4)


def test_a_file_of_the_other_network(published):
    with pytest.raises(UsageError, match=r"DF\.h5: holds 22 layers .* instead of 10, .* meso4$"):
        mesonet_weights.load(build("meso4"), str(published / FILES["mesoinception4"]))


def test_another_image_size(published):
    message = r"its layer 9 holds .*\(1024, 16\).* instead of .*\(64, 16\)"
    with pytest.raises(UsageError, match=message):
        mesonet_weights.load(build("meso4", 64), str(published / FILES["meso4"]))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.99])
def test_a_truncated_file(share, published, tmp_path):
    content = (published / FILES["meso4"]).read_bytes()
    path = tmp_path / "half.h5"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UsageError, match=r"half\.h5: not a whole HDF5 file"):
        mesonet_weights.load(build("meso4", 64), str(path))


def test_a_layer_is_missing(published, tmp_path):
    path = tmp_path / "holey.h5"
    shutil.copyfile(published / FILES["meso4"], path)
    with h5py.File(path, "r+") as file:
        del file["conv2d_6"]
    with pytest.raises(UsageError, match=r"holey\.h5: damaged \(.*conv2d_6"):
        mesonet_weights.load(build("meso4", 64), str(path))


def test_files_of_others(tmp_path):
    network = build("meso4", 32)
    network.backbone.save_weights(tmp_path / "ours.weights.h5")
    with pytest.raises(UsageError, match=r"ours\.weights\.h5: holds no list of layers as Keras 2"):
        mesonet_weights.load(network, str(tmp_path / "ours.weights.h5"))
    (tmp_path / "text.h5").write_text("hello")
    with pytest.raises(UsageError, match=r"text\.h5: not a whole HDF5 file"):
        mesonet_weights.load(network, str(tmp_path / "text.h5"))
    with pytest.raises(UsageError, match=r"absent\.h5: there is no such file"):
        mesonet_weights.load(network, str(tmp_path / "absent.h5"))
