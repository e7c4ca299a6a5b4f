"""AtomicPusher: a blessed model appears under the serving root complete, or not at all.

TFX's own Pusher copies files into the version's folder one by one, and a server that polls it can
load half a version.
"""

import os
import time

import tensorflow as tf
from absl import logging
from tfx.components.util.model_utils import is_infra_validated, is_model_blessed
from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import InfraBlessing, Model, ModelBlessing, PushedModel
from tfx.utils import path_utils

from components import served_versions
from serving.server.version_folders import SAVED_MODEL, version_number

INCOMING = ".incoming-"
"""Prefix of folders being written; servers ignore them, since a version is a number."""


@component
def AtomicPusher(
    model: InputArtifact[Model],
    model_blessing: InputArtifact[ModelBlessing],
    infra_blessing: InputArtifact[InfraBlessing],
    pushed_model: OutputArtifact[PushedModel],
    serving_root: Parameter[str],
    model_name: Parameter[str],
    code_hash: Parameter[str],
) -> None:
    """Pushes the model if both the Evaluator and ServingCheck blessed it."""
    blessed = is_model_blessed(model_blessing) and is_infra_validated(infra_blessing)
    pushed_model.set_int_custom_property("pushed", int(blessed))
    if not blessed:
        logging.info("%s is not blessed and not pushed", model_name)
        return
    version = push(path_utils.serving_model_path(model.uri), serving_root, model_name)
    pushed_model.set_string_custom_property("pushed_version", str(version))
    pushed_model.set_string_custom_property(
        "pushed_destination", served_versions.version_path(serving_root, model_name, version)
    )


def push(source: str, serving_root: str, model_name: str) -> int:
    """Makes a SavedModel the latest version of a model.

    On a local file system it is written beside the versions and renamed; object stores have no
    rename, and there `saved_model.pb`, without which no server takes a folder for a version, is
    written last. If the latest version has the same content already, nothing is written. The
    leftovers of an interrupted push are removed.

    Args:
        source: folder of the SavedModel.
        serving_root: folder that the server watches.
        model_name: folder of the model below it.

    Returns:
        The version that now holds the content: the time in seconds, or one more than the last.
    """
    base = os.path.join(serving_root, model_name)
    tf.io.gfile.makedirs(base)
    _remove_leftovers(base)
    latest = served_versions.latest_version(serving_root, model_name)
    if latest is not None:
        serving = served_versions.version_path(serving_root, model_name, latest)
        if served_versions.content_hash(serving) == served_versions.content_hash(source):
            return latest
    version = max(int(time.time()), (latest or 0) + 1)
    target = served_versions.version_path(serving_root, model_name, version)
    if "://" in serving_root:
        served_versions.copy_tree(source, target)
    else:
        aside = os.path.join(base, f"{INCOMING}{version}")
        served_versions.copy_tree(source, aside)
        os.rename(aside, target)
    return version


def _remove_leftovers(base: str) -> None:
    for name in tf.io.gfile.listdir(base):
        name = name.rstrip("/")
        path = os.path.join(base, name)
        half_written = version_number(name) is not None and not tf.io.gfile.exists(
            os.path.join(path, SAVED_MODEL)
        )
        if name.startswith(INCOMING) or half_written:
            tf.io.gfile.rmtree(path)
