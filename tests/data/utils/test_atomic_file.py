import pytest

from data.utils import atomic_file


@pytest.mark.parametrize(
    "name",
    ["a.txt", "a [1]*?.txt", "ä.tar.gz", pytest.param("a" * 251 + ".txt", id="of 255 bytes")],
)
def test_a_file_is_replaced_when_it_is_complete(name, tmp_path):
    path = tmp_path / name
    atomic_file.write(path, b"first")
    with atomic_file.create(str(path)) as file:
        file.write(b"second")
        file.flush()
        assert path.read_bytes() == b"first"
    assert path.read_bytes() == b"second"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [ValueError, OSError, KeyboardInterrupt])
def test_a_block_that_fails_changes_nothing(error, tmp_path):
    path = tmp_path / "a.txt"
    atomic_file.write(path, b"first")

    def fail():
        with atomic_file.create(path) as file:
            file.write(b"second")
            raise error

    with pytest.raises(error):
        fail()
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_is_not_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="directory"):
        atomic_file.write(tmp_path / "a", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
