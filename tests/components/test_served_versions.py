import os

import pytest
import tensorflow as tf

from components import served_versions
from data.utils.errors import UsageError
from serving.server.version_folders import SAVED_MODEL


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        pytest.param([], None, id="nothing"),
        pytest.param(["3/saved_model.pb", "12/saved_model.pb"], 12, id="highest number"),
        pytest.param(["3/saved_model.pb", "12/variables"], 3, id="half written"),
        pytest.param(["latest/saved_model.pb", ".incoming-9/saved_model.pb"], None, id="no number"),
        pytest.param(["-1/saved_model.pb", "\u00b3/saved_model.pb"], None, id="odd numbers"),
    ],
)
def test_latest_version(folders, expected, tmp_path):
    for folder in folders:
        path = tmp_path / "xception" / folder
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert served_versions.latest_version(str(tmp_path), "xception") == expected


def test_a_folder_that_cannot_be_read_is_not_an_empty_one(tmp_path):
    (tmp_path / "xception").touch()
    with pytest.raises(tf.errors.OpError):
        served_versions.latest_version(str(tmp_path), "xception")


def test_a_version_that_no_push_of_ours_wrote_is_refused(tmp_path):
    (tmp_path / "xception/0042").mkdir(parents=True)
    (tmp_path / "xception/0042/saved_model.pb").touch()
    with pytest.raises(UsageError, match="0042: rename this version's folder to 42"):
        served_versions.latest_version(str(tmp_path), "xception")


@pytest.fixture
def version(tmp_path):
    folder = tmp_path / "version"
    for name in ("saved_model.pb", "variables/variables.index", "assets.extra/model.json"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def test_files_are_named_relative_to_the_version(version):
    assert served_versions.relative_files(str(version)) == [
        "assets.extra/model.json",
        "saved_model.pb",
        "variables/variables.index",
    ]


@pytest.mark.parametrize(
    ("change", "same"),
    [
        pytest.param(lambda _: None, True, id="nothing"),
        pytest.param(lambda folder: os.utime(folder / "saved_model.pb", (0, 0)), True, id="time"),
        pytest.param(
            lambda folder: (folder / "saved_model.pb").write_text("other"), False, id="content"
        ),
        pytest.param(
            lambda folder: (folder / "saved_model.pb").rename(folder / "a.pb"), False, id="name"
        ),
        pytest.param(lambda folder: (folder / "empty").touch(), False, id="another file"),
    ],
)
def test_the_hash_is_of_names_and_contents(version, change, same):
    before = served_versions.content_hash(str(version))
    change(version)
    assert (served_versions.content_hash(str(version)) == before) == same


def test_a_copy_has_the_same_content_and_is_a_version_only_at_its_end(version, monkeypatch):
    copied = []
    copy = tf.io.gfile.copy

    def record(source, target, overwrite=False):
        copied.append(os.path.relpath(target, "ram://copies/1"))
        copy(source, target, overwrite)

    monkeypatch.setattr(tf.io.gfile, "copy", record)
    served_versions.copy_tree(str(version), "ram://copies/1")
    assert copied[-1] == SAVED_MODEL
    assert sorted(copied) == served_versions.relative_files(str(version))
    assert served_versions.content_hash("ram://copies/1") == served_versions.content_hash(
        str(version)
    )
