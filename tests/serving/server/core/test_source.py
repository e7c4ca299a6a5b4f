import logging
import pathlib

import pytest
from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.server.core.source import ConfigSource, RootSource


def make_version(base_path: pathlib.Path, name: str) -> pathlib.Path:
    folder = base_path / name
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    return folder


def test_root_source_finds_the_latest_version_of_every_model(tmp_path):
    one = make_version(tmp_path / "one", "1")
    make_version(tmp_path / "two", "6")
    two = make_version(tmp_path / "two", "7")
    make_version(tmp_path / ".hidden", "1")
    (tmp_path / "readme.txt").touch()
    assert RootSource(tmp_path).poll() == {"one": {1: one}, "two": {7: two}}


def test_tensorflow_servings_own_layout_is_read(tmp_path):
    """Its test models have such names."""
    folder = make_version(tmp_path / "half_plus_two", "00000123")
    make_version(tmp_path / "half_plus_two", "00000122")
    assert RootSource(tmp_path).poll() == {"half_plus_two": {123: folder}}


@pytest.mark.parametrize("readable", [True, False])
def test_a_folder_without_versions_is_no_model_and_is_named_once(
    readable, tmp_path, monkeypatch, caplog
):
    one = make_version(tmp_path / "one", "1")
    (tmp_path / "lost+found").mkdir()
    listed = pathlib.Path.iterdir

    def refuse(path):
        if path.name == "lost+found":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    if not readable:  # root may read every folder
        monkeypatch.setattr(pathlib.Path, "iterdir", refuse)
    source = RootSource(tmp_path)
    for _ in range(2):
        assert source.poll() == {"one": {1: one}}
    assert caplog.text.count("lost+found: nothing new to serve: ") == 1
    (tmp_path / "lost+found").rename(tmp_path / "two")
    monkeypatch.undo()
    two = make_version(tmp_path / "two", "2")
    assert source.poll() == {"one": {1: one}, "two": {2: two}}


def test_root_source_keeps_the_versions_of_a_model_that_it_cannot_read(
    tmp_path, monkeypatch, caplog
):
    broken = make_version(tmp_path / "broken", "1")
    source = RootSource(tmp_path)
    source.poll()
    make_version(tmp_path / "well", "1")
    listed = pathlib.Path.iterdir

    def fail_for_broken(path):
        if path.name == "broken":
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(pathlib.Path, "iterdir", fail_for_broken)
    with caplog.at_level(logging.WARNING):
        source.poll()
        versions = source.poll()
    assert versions["broken"] == {1: broken}
    assert set(versions["well"]) == {1}
    assert caplog.text.count("broken: nothing new to serve: ") == 1
    assert "Permission denied" in source.problems["broken"]
    monkeypatch.undo()
    source.poll()
    assert source.problems == {}


def test_root_source_forgets_a_model_that_is_removed_while_it_looks(tmp_path, monkeypatch, caplog):
    make_version(tmp_path / "removed", "1")
    source = RootSource(tmp_path)
    source.poll()
    listed = pathlib.Path.iterdir

    def remove_first(path):
        if path.name == "removed":
            raise FileNotFoundError(2, "No such file or directory")
        return listed(path)

    monkeypatch.setattr(pathlib.Path, "iterdir", remove_first)
    assert source.poll() == {}
    assert (source.problems, caplog.text) == ({}, "")


def test_root_source_without_its_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        RootSource(tmp_path / "gone").poll()


def model_config(text):
    return text_format.Parse(text, model_server_config_pb2.ModelConfig())


def test_config_source_watches_each_model_by_its_policy(tmp_path):
    for name in ("1", "2", "3"):
        make_version(tmp_path / "one", name)
    source = ConfigSource(
        [
            model_config(f"name: 'default' base_path: '{tmp_path}/one'"),
            model_config(
                f"name: 'both' base_path: '{tmp_path}/one' "
                "model_version_policy { specific { versions: 1 versions: 2 } }"
            ),
            model_config(f"name: 'empty' base_path: '{tmp_path}'"),
        ]
    )
    versions = source.poll()
    assert versions == source.versions
    assert versions == {
        "default": {3: tmp_path / "one" / "3"},
        "both": {number: tmp_path / "one" / str(number) for number in (1, 2)},
        "empty": {},
    }


def test_config_source_keeps_the_versions_of_a_base_path_that_is_gone(tmp_path, caplog):
    folder = make_version(tmp_path / "one", "1")
    models = [
        model_config(f"name: 'one' base_path: '{tmp_path}/one'"),
        model_config(f"name: 'never' base_path: '{tmp_path}/never'"),
    ]
    first = ConfigSource(models)
    first.poll()
    (tmp_path / "one").rename(tmp_path / "elsewhere")
    assert first.poll() == {"one": {1: folder}, "never": {}}
    later = ConfigSource(models, first.versions)
    assert later.poll() == {"one": {1: folder}, "never": {}}
    assert set(later.problems) == {"one", "never"}
    assert "one: nothing new to serve: " in caplog.text
