import keras
import numpy as np
import pytest

from data.utils.errors import UsageError
from models.backbones import weights


def tiny_network(units=2):
    return keras.Sequential([keras.Input((3,)), keras.layers.Dense(units)])


def test_weights_that_cannot_be_fetched():
    def fetch():
        raise OSError("Name or service not known")

    with pytest.raises(
        UsageError, match=r"xception: the ImageNet weights could not be fetched.*"
    ) as error:
        weights.load(tiny_network(), "imagenet", "xception", fetch)
    assert "Name or service not known" in str(error.value)
    assert "null" in str(error.value)


def test_fetched_weights_are_copied():
    source, target = tiny_network(), tiny_network()
    weights.load(target, "imagenet", "tiny", lambda: source)
    np.testing.assert_array_equal(target.get_weights()[0], source.get_weights()[0])


@pytest.mark.parametrize("name", ["tiny.weights.h5", "whole.h5"])
def test_weights_file(tmp_path, name):
    source, target = tiny_network(), tiny_network()
    path = str(tmp_path / name)
    # Keras' own files, and a whole model in the form that Keras 2 used.
    (source.save_weights if name.endswith(".weights.h5") else source.save)(path)
    weights.load(target, path, "tiny", pytest.fail)
    np.testing.assert_array_equal(target.get_weights()[0], source.get_weights()[0])
    with pytest.raises(UsageError, match="does not hold this network's weights"):
        weights.load(tiny_network(units=5), path, "tiny", pytest.fail)
    with pytest.raises(UsageError, match=r"missing\.weights\.h5 does not exist"):
        weights.load(target, str(tmp_path / "missing.weights.h5"), "tiny", pytest.fail)
