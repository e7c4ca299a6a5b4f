"""A network taken out of a served version: to be trained further, or to join an ensemble."""

import json
from typing import Any

import tensorflow as tf

from data.errors import UsageError
from models import classifier
from models.classifier import Classifier
from models.config import ModelConfig

_VARIABLE = "_scorer/_variables/{}/.ATTRIBUTES/VARIABLE_VALUE"
"""Where `ServedModel` keeps the variables of its `NetworkScorer`, in the order of the network's."""


def read_card(folder: str) -> dict[str, Any]:
    """What `model.json` of a served version says.

    Args:
        folder: path or URL of the version.

    Raises:
        UsageError: there is no such file.
    """
    path = f"{folder}/assets.extra/model.json"
    if not tf.io.gfile.exists(path):
        raise UsageError(
            f"{folder}: holds no assets.extra/model.json, as a version that unmask pushed does; "
            "name a folder <serving root>/<model>/<version>"
        )
    with tf.io.gfile.GFile(path) as file:
        return dict(json.loads(file.read()))


def load(folder: str) -> Classifier:
    """Builds the network of a served version again, in float32 and with its weights.

    Args:
        folder: path or URL of the version.

    Raises:
        UsageError: it is no version of one network.
    """
    card = read_card(folder)
    if "config" not in card:
        raise UsageError(
            f"{folder}: {card['name']} is not a single network; name one of its members"
        )
    config = ModelConfig.model_validate(card["config"])
    network = classifier.build(config, "float32", weights=None)
    values = tf.train.load_checkpoint(f"{folder}/variables/variables")
    for number, variable in enumerate(network.variables):
        variable.assign(values.get_tensor(_VARIABLE.format(number)))
    return network


def warm_start(network: Classifier, folder: str) -> None:
    """Gives a network the weights of a served version.

    Args:
        network: changed.
        folder: path or URL of the version.

    Raises:
        UsageError: the version is of another network or head.
    """
    source = load(folder)
    for name in ("model", "head", "lstm_units"):
        ours, theirs = getattr(network.config, name), getattr(source.config, name)
        if ours != theirs and (name != "lstm_units" or network.config.head == "lstm"):
            raise UsageError(
                f"warm_start: {folder} was trained with `{name}: {theirs}`, this model has "
                f"`{name}: {ours}`; make them the same, or leave warm_start out"
            )
    network.set_weights(source.get_weights())
