import pytest

from data import ledger
from data.contract import Label
from data.extraction import output_layout
from data.ledger import LedgerRow, Status
from data.utils.errors import UsageError


def test_a_folder_without_a_ledger(tmp_path):
    with pytest.raises(UsageError, match=r"ledger\.csv: there is no such ledger; .*extract"):
        output_layout.read_ledger(str(tmp_path))


def test_bytes_that_are_no_ledger(tmp_path):
    (tmp_path / ledger.FILE_NAME).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match=r"ledger\.csv: not a ledger"):
        output_layout.read_ledger(str(tmp_path))


def test_files_that_are_no_shards_are_not_ours(tmp_path):
    for name in ("interview-part-1-of-3.mp4", "train-00000-of-00001.bak"):
        (tmp_path / name).touch()
    ours = tmp_path / "train-00000-of-00001"
    ours.touch()
    assert output_layout.find_shards(str(tmp_path)) == [ours.name]


def test_used_videos_are_counted_by_split():
    rows = [
        LedgerRow("a", "a.mp4", int(Label.REAL), Status.OK, True, split="train", faces=3),
        LedgerRow("b", "b.mp4", int(Label.FAKE), Status.OK, True, split="train", faces=4),
        LedgerRow("c", "c.mp4", int(Label.FAKE), Status.NO_FACE, False, split="test"),
    ]
    nothing = {"videos": 0, "fakes": 0, "faces": 0}
    assert output_layout.count_by_split(rows) == {
        "train": {"videos": 2, "fakes": 1, "faces": 7},
        "eval": nothing,
        "test": nothing,
    }
