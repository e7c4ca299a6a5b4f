import hashlib
import os

import pytest

from data.utils import files
from data.utils.errors import UsageError
from tests.data.mapped_file_system import FoldersStore, ObjectStore


def as_path(path):
    return str(path)


ADDRESSES = pytest.mark.parametrize(
    "address", [as_path, ObjectStore.url, FoldersStore.url], ids=["path", "store", "folders"]
)


def put(root, *names, content=b"."):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("path", "local"),
    [
        ("/data/a.mp4", True),
        ("data/a.mp4", True),
        ("a:b.mp4", True),
        ("gs://bucket/a.mp4", False),
        ("test:///data/a.mp4", False),
    ],
)
def test_what_is_local(path, local):
    assert files.is_local(path) is local


@ADDRESSES
def test_join_and_parent(address):
    root = address("/data")
    assert files.join(root) == root
    assert files.join(root, "a/b", "c.mp4") == root + "/a/b/c.mp4"
    assert files.parent(root + "/a/b.csv") == root + "/a"


def test_parent_of_a_bare_name_is_where_it_lies():
    assert files.join(files.parent("b.csv"), "a.mp4") == "./a.mp4"


@ADDRESSES
def test_files_and_folders_exist(address, tmp_path):
    put(tmp_path, "folder/inner/a.mp4", "folder.mp4")
    root = address(tmp_path)
    for name in ("folder", "folder/", "folder/inner", "folder/inner/a.mp4", "folder.mp4"):
        assert files.exists(files.join(root, name)), name
    for name in ("fold", "folder/inner/a", "elsewhere"):
        assert not files.exists(files.join(root, name)), name


@ADDRESSES
@pytest.mark.parametrize(
    ("depth", "names"),
    [
        (1, ["a.mp4", "b.txt", "clip.mp4"]),
        (2, ["a.mp4", "b.txt", "clip.mp4", "x/a.mp4", "x/empty.txt"]),
        (8, ["a.mp4", "b.txt", "clip.mp4", "x/a.mp4", "x/empty.txt", "x/y/a.mp4"]),
    ],
)
def test_find(depth, names, address, tmp_path):
    put(tmp_path / "root", "x/y/a.mp4", "x/a.mp4", "b.txt", "a.mp4")
    put(tmp_path, "root2/a.mp4", "roo/a.mp4")
    put(tmp_path / "root", "x/empty.txt", "clip.mp4", content=b"")
    assert files.find(address(tmp_path / "root"), depth) == names
    assert files.find(address(tmp_path / "root") + "/", depth) == names


@ADDRESSES
def test_folder_that_is_not_there_holds_nothing(address, tmp_path):
    assert files.find(address(tmp_path / "nowhere")) == []


@ADDRESSES
def test_names_with_characters_of_patterns(address, tmp_path):
    put(tmp_path, "set [1]*?/a [x].mp4", "set 1/b.mp4")
    assert files.find(address(tmp_path / "set [1]*?")) == ["a [x].mp4"]
    assert files.exists(address(tmp_path / "set [1]*?"))
    assert not files.exists(address(tmp_path / "set [12]"))


def test_folder_markers_of_object_stores_are_no_files(tmp_path, monkeypatch):
    put(tmp_path, "a/b.mp4")
    listed = ObjectStore._list

    def list_with_markers(self, prefix):
        files_and_markers = list(listed(self, prefix))
        for name in ("", "a/"):
            marker = f"{ObjectStore.url(tmp_path)}/{name}"
            files_and_markers.append(type(files_and_markers[0])(marker, 0, 0.0))
        return files_and_markers

    monkeypatch.setattr(ObjectStore, "_list", list_with_markers)
    assert files.find(ObjectStore.url(tmp_path)) == ["a/b.mp4"]


def test_links_are_followed_and_what_cannot_be_is_listed(tmp_path):
    put(tmp_path, "elsewhere/a.mp4")
    root = tmp_path / "root"
    put(root, "folder.mp4/inside")
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "dangling.mp4").symlink_to(tmp_path / "nowhere")
    (root / "itself").symlink_to(root / "itself")
    (root / "round").symlink_to(root)
    names = files.find(as_path(root), depth=2, closed=lambda name: name.endswith(".mp4"))
    assert names == ["dangling.mp4", "folder.mp4", "itself", "linked/a.mp4"]


def test_name_that_is_not_utf8(tmp_path):
    put(tmp_path, "\udcff.mp4")
    assert files.find(as_path(tmp_path)) == ["\udcff.mp4"]


@ADDRESSES
def test_what_is_written_is_read_and_described(address, tmp_path):
    path = files.join(address(tmp_path), "a.gz")  # which must not be unpacked
    assert files.metadata(path) is None
    files.write(path, b"first")
    files.write(path, b"content")
    assert files.read_bytes(path) == b"content"
    assert os.listdir(tmp_path) == ["a.gz"]
    metadata = files.metadata(path)
    assert (metadata.path, metadata.size_in_bytes) == (path, 7)
    assert metadata.last_updated_in_seconds == pytest.approx(os.path.getmtime(tmp_path / "a.gz"))


@ADDRESSES
def test_file_appears_when_it_is_whole(address, tmp_path):
    path = files.join(address(tmp_path), "new/folder/a.txt")
    with files.create(path) as file:
        file.write(b"con")
        file.write(b"tent")
    assert files.read_bytes(path) == b"content"
    assert os.listdir(tmp_path / "new" / "folder") == ["a.txt"]


def test_file_that_fails_while_it_is_written_is_as_before(tmp_path):
    put(tmp_path, "a.txt", content=b"before")
    with pytest.raises(TypeError), files.create(as_path(tmp_path / "a.txt")) as file:
        file.writelines([b"after", "not bytes"])
    assert (tmp_path / "a.txt").read_bytes() == b"before"


@ADDRESSES
def test_move_replaces(address, tmp_path):
    put(tmp_path, "a.txt", content=b"new")
    put(tmp_path, "b.txt", content=b"old")
    root = address(tmp_path)
    files.move(files.join(root, "a.txt"), files.join(root, "b.txt"))
    assert files.find(root) == ["b.txt"]
    assert (tmp_path / "b.txt").read_bytes() == b"new"


@ADDRESSES
def test_delete(address, tmp_path):
    put(tmp_path, "out [1]/.work/x/a.txt", "out [1]/.work/b.txt", "out [1]/.worked", "a [1].txt")
    put(tmp_path, "a 1.txt")
    root = address(tmp_path)
    files.delete(files.join(root, "out [1]/.work"), files.join(root, "nowhere"))
    assert files.find(root) == ["a 1.txt", "a [1].txt", "out [1]/.worked"]
    files.delete(files.join(root, "a 1.txt"), files.join(root, "out [1]/"))
    assert files.find(root) == ["a [1].txt"]
    assert files.exists(files.join(root, "a [1].txt"))


def test_file_that_cannot_be_written_whole_is_not_there(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        files.write(as_path(tmp_path / "a.json"), b"content")


@ADDRESSES
def test_local_copy(address, tmp_path):
    put(tmp_path, "a.mp4", content=b"clip" * 700_000)
    with files.local_copy(address(tmp_path / "a.mp4")) as (path, sha256):
        with open(path, "rb") as file:
            assert file.read() == b"clip" * 700_000
        assert sha256 == hashlib.sha256(b"clip" * 700_000).hexdigest()
        assert path.endswith(".mp4")
    assert os.path.exists(path) is (address is as_path)
    assert os.listdir(tmp_path) == ["a.mp4"]


@ADDRESSES
def test_local_copy_of_what_is_no_file(address, tmp_path):
    put(tmp_path, "folder.mp4/a.mp4")
    with pytest.raises(FileNotFoundError), files.local_copy(address(tmp_path / "nowhere.mp4")):
        pass
    with pytest.raises(OSError), files.local_copy(address(tmp_path / "folder.mp4")):
        pass
    with pytest.raises(OSError):
        files.read_bytes(address(tmp_path / "folder.mp4"))


def test_local_copy_of_a_pipe_does_not_wait(tmp_path):
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(OSError, match="not a file"), files.local_copy(as_path(tmp_path / "a.mp4")):
        pass


@pytest.mark.parametrize("call", [files.exists, files.find, lambda url: files.join(url, "a")])
def test_url_of_a_scheme_that_nobody_mounts(call):
    with pytest.raises(UsageError, match="ftp://host/x: no file system for ftp:// is installed"):
        call("ftp://host/x")
