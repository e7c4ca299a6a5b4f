"""Results of a job by key: whole or not there."""

import pytest

from data.contract import Label, VideoContent
from data.extraction.result_store import ResultStore, result_key
from data.ledger import LedgerRow, Status
from data.utils.errors import OutputError
from tests import tiny_dataset

KEY = "ab" * 32
ROW = LedgerRow(
    "d/a.mp4", "a.mp4", int(Label.REAL), Status.OK, True, sha256="a" * 64, split="train"
)
_EXAMPLE = tiny_dataset.make_video(0, Label.REAL, "group")
CONTENT = VideoContent(_EXAMPLE.sha256, _EXAMPLE.measurements, _EXAMPLE.faces)


@pytest.fixture
def store(tmp_path):
    return ResultStore(str(tmp_path / "work"))


def test_what_is_written_is_read(store):
    store.write(KEY, ROW, CONTENT)
    assert store.read_row(KEY) == ROW
    images = [face.image for face in store.read_content(KEY).faces]
    assert images == [face.image for face in CONTENT.faces]


def test_a_video_without_faces_has_a_row_alone(store, tmp_path):
    store.write(KEY, ROW, None)
    assert store.read_row(KEY) == ROW
    assert [path.suffix for path in tmp_path.rglob("*.*")] == [".json"]


def test_a_result_whose_row_was_not_written_is_not_there(store, tmp_path):
    store.write(KEY, ROW, CONTENT)
    next(tmp_path.rglob("*.json")).unlink()
    assert store.read_row(KEY) is None


def test_a_row_is_written_when_all_else_is(store, tmp_path):
    (tmp_path / "work" / "videos" / KEY[:2] / f"{KEY}.example").mkdir(parents=True)
    with pytest.raises(OutputError, match="cannot be written"):
        store.write(KEY, ROW, CONTENT)
    assert store.read_row(KEY) is None


def test_a_key_names_the_file_and_the_result_whose_boxes_are_used():
    keys = [result_key(*arguments) for arguments in (("a", ""), ("b", ""), ("a", "b"), ("a", "c"))]
    assert keys[0] == "a"
    assert len(set(keys)) == len(keys)
