import logging
import pathlib

import pytest

from serving.server.source import (
    BasePathSource,
    RootSource,
    find_versions,
    latest,
    version_number,
)


def make_version(base_path: pathlib.Path, name: str) -> pathlib.Path:
    folder = base_path / name
    folder.mkdir(parents=True)
    (folder / "saved_model.pb").touch()
    return folder


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("0", 0, id="zero"),
        pytest.param("42", 42, id="number"),
        pytest.param("0042", None, id="leading zeros"),
        pytest.param("00", None, id="zero twice"),
        pytest.param("9223372036854775807", 2**63 - 1, id="largest int64"),
        pytest.param("9223372036854775808", None, id="beyond int64"),
        pytest.param(".3", None, id="hidden"),
        pytest.param("-1", None, id="negative"),
        pytest.param("+1", None, id="sign"),
        pytest.param("1_0", None, id="underscore"),
        pytest.param(" 1", None, id="space"),
        pytest.param("v1", None, id="not a number"),
        pytest.param("1.tmp", None, id="suffix"),
        pytest.param("³", None, id="superscript digit"),
        pytest.param("٣", None, id="Arabic digit"),
    ],
)
def test_which_names_are_versions(tmp_path, name, expected):
    assert version_number(name) == expected
    make_version(tmp_path, name)
    assert set(find_versions(tmp_path)) == (set() if expected is None else {expected})


def test_half_written_version_is_not_yet_a_version(tmp_path):
    folder = tmp_path / "2"
    (folder / "variables").mkdir(parents=True)
    assert find_versions(tmp_path) == {}
    (folder / "saved_model.pb").touch()
    assert find_versions(tmp_path) == {2: folder}


def test_latest_takes_the_largest_numbers(tmp_path):
    versions = {number: tmp_path / str(number) for number in (9, 10, 2)}
    assert latest(versions) == {10: tmp_path / "10"}
    assert set(latest(versions, 2)) == {9, 10}
    assert latest({}) == {}


def test_root_source_finds_every_model(tmp_path):
    one = make_version(tmp_path / "one", "1")
    two = make_version(tmp_path / "two", "7")
    make_version(tmp_path / ".hidden", "1")
    (tmp_path / "readme.txt").touch()
    (tmp_path / "empty").mkdir()
    assert RootSource(tmp_path).poll() == {"one": {1: one}, "two": {7: two}, "empty": {}}


def test_root_source_keeps_what_it_knew_of_a_model_that_it_cannot_read(
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
        found = source.poll()
    assert found["broken"] == {1: broken}
    assert set(found["well"]) == {1}
    assert "broken: cannot look for versions" in caplog.text


def test_root_source_without_its_folder_knows_nothing(tmp_path):
    with pytest.raises(FileNotFoundError):
        RootSource(tmp_path / "gone").poll()


def test_base_path_source_watches_one_model(tmp_path):
    folder = make_version(tmp_path, "3")
    assert BasePathSource("tiny", tmp_path).poll() == {"tiny": {3: folder}}
