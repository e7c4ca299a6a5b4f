"""A version appears whole or not at all, also when the pusher is killed half way."""

import os
import pathlib
import signal
import subprocess
import sys
import textwrap

import pytest
import tensorflow as tf

from components import served_versions
from components.atomic_pusher import INCOMING, push

pytestmark = pytest.mark.slow


@pytest.fixture
def saved_model(tmp_path):
    """A real SavedModel with side files, as our exports have them."""
    module = tf.Module()
    module.weight = tf.Variable(tf.random.normal([100]))
    path = tmp_path / "candidate"
    tf.saved_model.save(module, str(path))
    (path / "assets.extra").mkdir()
    (path / "assets.extra" / "model.json").write_text("{}")
    return path


def test_a_pushed_model_is_a_whole_copy(saved_model, tmp_path):
    root = tmp_path / "serving"
    version = push(str(saved_model), str(root), "xception")
    pushed = root / "xception" / str(version)
    assert served_versions.relative_files(str(pushed)) == served_versions.relative_files(
        str(saved_model)
    )
    assert served_versions.content_hash(str(pushed)) == served_versions.content_hash(
        str(saved_model)
    )
    assert [path.name for path in (root / "xception").iterdir()] == [str(version)]


def test_the_same_content_is_not_pushed_again(saved_model, tmp_path):
    root = str(tmp_path / "serving")
    version = push(str(saved_model), root, "xception")
    assert push(str(saved_model), root, "xception") == version
    (saved_model / "assets.extra" / "model.json").write_text("{ }")
    assert push(str(saved_model), root, "xception") > version


def test_versions_rise_whatever_the_clock_says(saved_model, tmp_path):
    future = 2**40
    served = tmp_path / "serving" / "xception" / str(future)
    served.mkdir(parents=True)
    (served / "saved_model.pb").touch()
    assert push(str(saved_model), str(tmp_path / "serving"), "xception") == future + 1


def test_an_object_store_gets_saved_model_pb_last(saved_model, monkeypatch):
    root, copied = "ram://serving", []
    original = tf.io.gfile.copy

    def record(source, target, overwrite=False):
        copied.append(target.rsplit("/", 1)[-1])
        original(source, target, overwrite)

    monkeypatch.setattr(tf.io.gfile, "copy", record)
    version = push(str(saved_model), root, "xception")
    assert copied[-1] == "saved_model.pb"
    assert served_versions.latest_version(root, "xception") == version


KILLED_PUSH = """
    import os, signal, sys
    import tensorflow as tf
    from components import atomic_pusher

    original = tf.io.gfile.copy
    def kill_at_last_file(source, target, overwrite=False):
        if source.endswith("saved_model.pb"):
            os.kill(os.getpid(), signal.SIGKILL)
        original(source, target, overwrite)
    tf.io.gfile.copy = kill_at_last_file
    atomic_pusher.push(sys.argv[1], sys.argv[2], "xception")
"""


def test_a_killed_push_leaves_no_version_and_the_next_one_completes(saved_model, tmp_path):
    root = tmp_path / "serving"
    killed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(KILLED_PUSH), str(saved_model), str(root)],
        cwd=pathlib.Path(__file__).parents[2],
        env=os.environ,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL
    (left,) = (root / "xception").iterdir()
    assert left.name.startswith(INCOMING)
    assert served_versions.latest_version(str(root), "xception") is None

    version = push(str(saved_model), str(root), "xception")
    assert [path.name for path in (root / "xception").iterdir()] == [str(version)]
    tf.saved_model.load(str(root / "xception" / str(version)))
