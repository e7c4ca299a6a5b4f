"""Loads a network from a served version, to train it further or to join it to an ensemble."""

import hashlib
import json
import re
from typing import Any

import pydantic
import tensorflow as tf

from data.utils.errors import UsageError
from models.config import ModelConfig
from models.networks import classifier
from models.networks.classifier import Classifier

_VARIABLE = "_scorer/_variables/{}/.ATTRIBUTES/VARIABLE_VALUE"
"""Where `ServedModel` keeps the variables of its `NetworkScorer`, in the order of the network's."""

_NUMBER = re.compile(r"_\d+(?=/|$)")


def read_card(folder: str) -> dict[str, Any]:
    """Reads `model.json` of a served version.

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


def variables_sha256(network: Classifier) -> str:
    """SHA-256 of the names and shapes of a network's variables, in their order.

    The numbers that Keras appends to names are left out: they depend on what was built before.
    """
    lines = [f"{_NUMBER.sub('', v.path)} {tuple(v.shape)}" for v in network.variables]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def load(folder: str) -> Classifier:
    """Builds the network of a served version in float32 and loads its weights.

    Args:
        folder: path or URL of the version.

    Raises:
        UsageError: the version is not a single network, or this version of unmask builds the
            network differently.
    """
    card = read_card(folder)
    if "config" not in card:
        raise UsageError(
            f"{folder}: {card['name']} is not a single network; name one of its members"
        )
    try:
        network = classifier.build(
            ModelConfig.model_validate(card["config"]), "float32", weights=None
        )
    except pydantic.ValidationError as error:
        raise UsageError(
            f"{folder}: its model.json is of another version of unmask ({error.errors()[0]['msg']})"
        ) from error
    if card.get("variables_sha256") != variables_sha256(network):
        raise UsageError(
            f"{folder}: this version of unmask builds {network.config.model} otherwise than the "
            "one that trained it; train it again"
        )
    values = tf.train.load_checkpoint(f"{folder}/variables/variables")
    for number, variable in enumerate(network.variables):
        variable.assign(values.get_tensor(_VARIABLE.format(number)))
    return network


def warm_start(network: Classifier, folder: str) -> None:
    """Loads the weights of a served version into a network.

    Args:
        network: changed.
        folder: path or URL of the version.

    Raises:
        UsageError: the version is of another network or head, or of another image size where
            weights depend on it.
    """
    source = load(folder)
    ours, theirs = ([weight.shape for weight in each.get_weights()] for each in (network, source))
    for key in ("model", "head", "lstm_units", "image_size"):
        value, trained = getattr(network.config, key), getattr(source.config, key)
        if value != trained and (key in ("model", "head") or ours != theirs):
            raise UsageError(
                f"warm_start: {folder} was trained with `{key}: {trained}`, this model has "
                f"`{key}: {value}`; make them the same, or leave warm_start out"
            )
    network.set_weights(source.get_weights())
