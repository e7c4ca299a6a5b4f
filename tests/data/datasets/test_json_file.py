import pytest

from data.datasets.json_file import read_json
from data.utils.errors import UsageError
from tests.data.mapped_file_system import ObjectStore


@pytest.mark.parametrize("address", [str, ObjectStore.url], ids=["path", "url"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_value(encoding, address, tmp_path):
    path = tmp_path / "value.json"
    path.write_bytes('{"ü": [1, null]}'.encode(encoding))
    assert read_json(address(path), "cure") == {"ü": [1, None]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "there is no such file; cure"),
        (b"", "not JSON .*; cure"),
        (b'{"a":', "not JSON .*; cure"),
        (b'"\xff"', "not JSON .*; cure"),
        (b'"\\udcff"', "not JSON .*; cure"),
        (b"[" * 100_000, "not JSON .*; cure"),
    ],
)
def test_files_that_are_no_json(content, message, tmp_path):
    path = tmp_path / "value.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message) as caught:
        read_json(str(path), "cure")
    assert str(path) in str(caught.value)


def test_folder(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read \(Is a directory\); cure"):
        read_json(str(tmp_path), "cure")
