"""The folder that TensorFlow Serving watches: `<serving root>/<model name>/<version>/`.

Paths may be of any file system that TensorFlow reads (`gs://`, `ram://`, local).
"""

import hashlib
import os

import tensorflow as tf

from data.utils.errors import UsageError
from serving.server.version_folders import SAVED_MODEL, version_number


def latest_version(serving_root: str, model_name: str) -> int | None:
    """The version that TensorFlow Serving serves by default: the highest complete one.

    Args:
        serving_root: the watched folder; need not exist.
        model_name: folder of the model below it.

    Returns:
        The version's number, or None where nothing is served.

    Raises:
        tf.errors.OpError: the folder cannot be read.
        UsageError: a version's folder has leading zeros, which no push of ours writes.
    """
    base = os.path.join(serving_root, model_name)
    try:
        tf.io.gfile.stat(base)
    except tf.errors.NotFoundError:  # any other error must not pass for an empty folder
        return None
    names = [name.rstrip("/") for name in tf.io.gfile.listdir(base)]
    versions = []
    for name in names:
        number = version_number(name)
        if number is None or not tf.io.gfile.exists(os.path.join(base, name, SAVED_MODEL)):
            continue
        if name != str(number):
            raise UsageError(
                f"{os.path.join(base, name)}: rename this version's folder to {number}"
            )
        versions.append(number)
    return max(versions, default=None)


def version_path(serving_root: str, model_name: str, version: int) -> str:
    """Folder of one version.

    Example:
        >>> version_path("gs://bucket/serving", "xception", 1767225600)
        'gs://bucket/serving/xception/1767225600'
    """
    return os.path.join(serving_root, model_name, str(version))


def relative_files(folder: str) -> list[str]:
    """Paths of all files below a folder, relative to it, sorted."""
    names = []
    for parent, _, files in tf.io.gfile.walk(folder):
        names += [os.path.relpath(os.path.join(parent, name), folder) for name in files]
    return sorted(names)


def content_hash(folder: str) -> str:
    """SHA-256 of every file below a folder with its name; 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for name in relative_files(folder):
        digest.update(name.encode() + b"\0")
        with tf.io.gfile.GFile(os.path.join(folder, name), "rb") as file:
            digest.update(str(file.size()).encode() + b"\0")
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def copy_tree(source: str, target: str) -> None:
    """Copies a SavedModel's folder, `saved_model.pb` last.

    A server that watches `target` takes it for a version only when that file is there.
    """
    for name in sorted(relative_files(source), key=lambda name: (name == SAVED_MODEL, name)):
        path = os.path.join(target, name)
        tf.io.gfile.makedirs(os.path.dirname(path))
        tf.io.gfile.copy(os.path.join(source, name), path, overwrite=True)
