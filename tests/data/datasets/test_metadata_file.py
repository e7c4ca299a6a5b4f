import pytest

from data.datasets import metadata_file
from data.datasets.metadata_file import Row, read_csv, read_json
from data.utils.errors import UsageError
from tests.data.mapped_file_system import ObjectStore


@pytest.mark.parametrize("address", [str, ObjectStore.url], ids=["path", "url"])
def test_rows_have_the_number_of_their_first_line(address, tmp_path):
    path = tmp_path / "table.csv"
    path.write_bytes('\ufefff, label \r\n\r\n"a\r\nb",x\r\n\r\n y ,"1, 2",z\r\n'.encode() + b"\xff")
    columns, rows = read_csv(address(path), "cure")
    assert columns == ("f", "label")
    assert rows == [Row(3, ("a\r\nb", "x")), Row(6, ("y", "1, 2", "z")), Row(7, ("\udcff",))]


def test_cells_by_column():
    assert Row(2, ("1",)).by_column(("a", "b")) == {"a": "1", "b": ""}
    assert Row(2, ("1", "2", "3")).by_column(("a", "b")) == {"a": "1", "b": "2"}


def test_empty_file(tmp_path):
    (tmp_path / "table.csv").touch()
    assert read_csv(str(tmp_path / "table.csv"), "cure") == ((), [])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"table\.csv: there is no such file; cure"),
        (b'a,b\n"1,2\n', r"table\.csv, line 2: not CSV in UTF-8: unexpected end of data"),
        (b"a,b\n1,\x002\n", r"table\.csv, line 2: not CSV in UTF-8: line contains NUL"),
        (b'a,b\n1,"2"3\n', r"table\.csv, line 2: not CSV in UTF-8"),
        (b"a,b\n1," + b"x" * 140_000, r"table\.csv, line 2: not CSV in UTF-8: field larger"),
    ],
)
def test_files_that_are_no_table(content, message, tmp_path):
    path = tmp_path / "table.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=message):
        read_csv(str(path), "cure")


@pytest.mark.parametrize("address", [str, ObjectStore.url], ids=["path", "url"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_value_of_json(encoding, address, tmp_path):
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


@pytest.mark.parametrize("read", [metadata_file.read, read_csv, read_json])
def test_folder(read, tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read \(Is a directory\); cure"):
        read(str(tmp_path), "cure")
