import pytest

from serving.server.version_folders import find_versions, version_number


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        pytest.param("0", 0, id="zero"),
        pytest.param("42", 42, id="number"),
        pytest.param("0042", 42, id="leading zeros"),
        pytest.param("00", 0, id="zero twice"),
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
    (tmp_path / name).mkdir()
    (tmp_path / name / "saved_model.pb").touch()
    assert set(find_versions(tmp_path)) == (set() if expected is None else {expected})


def test_of_folders_that_are_one_version_the_last_counts_and_it_is_said_once(tmp_path, caplog):
    for name in ("007", "7"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "saved_model.pb").touch()
    for _ in range(2):
        assert find_versions(tmp_path) == {7: tmp_path / "7"}
    assert caplog.text.count("are the same version; the first is served") == 1


def test_half_written_version_is_not_yet_a_version(tmp_path):
    folder = tmp_path / "2"
    (folder / "variables").mkdir(parents=True)
    assert find_versions(tmp_path) == {}
    (folder / "saved_model.pb").touch()
    assert find_versions(tmp_path) == {2: folder}
