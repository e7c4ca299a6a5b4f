"""What is found in an output that an earlier job wrote, or began to write."""

import dataclasses
import json

import pytest

from data import ledger
from data.extraction import output_layout, resume
from data.extraction.options import ExtractionOptions
from data.extraction.output_layout import Description
from data.ledger import LedgerRow, Status
from data.utils.errors import UsageError

OPTIONS = ExtractionOptions().model_dump()
SHARD = "train-00000-of-00001"
USED = LedgerRow("d/a.mp4", "a.mp4", 0, Status.OK, "a" * 64, "train", True, shard=SHARD)
FACELESS = LedgerRow("d/b.mp4", "b.mp4", 0, Status.NO_FACE, "b" * 64, "test")
IDS = {USED.video_id, FACELESS.video_id}


def write(folder, rows=(USED, FACELESS)):
    (folder / ledger.FILE_NAME).write_text(ledger.to_csv(rows))
    (folder / SHARD).touch()
    description = Description("the inputs", "the crops", OPTIONS, [], {})
    (folder / output_layout.DESCRIPTION_FILE).write_text(
        json.dumps(dataclasses.asdict(description))
    )


def find(folder, video_ids=IDS, crops="the crops", **changed):
    return resume.read_previous(str(folder), video_ids, OPTIONS | changed, crops)


def test_a_whole_result_is_all_there_and_keeps_its_splits(tmp_path):
    write(tmp_path)
    found = find(tmp_path)
    assert (found.fingerprint, found.crop_fingerprint) == ("the inputs", "the crops")
    assert found.rows == (USED, FACELESS)
    assert found.kept == {"d/a.mp4": "train", "d/b.mp4": "test"}
    assert (found.is_whole, found.is_settled, found.notice) == (True, True, "")


@pytest.mark.parametrize("folder", ["", "absent"])
def test_where_nothing_is_there_is_nothing(tmp_path, folder):
    found = find(tmp_path / folder)
    assert (found.rows, found.kept, found.notice) == ((), {}, "")
    assert (found.is_whole, found.is_settled) == (False, False)


@pytest.mark.parametrize(
    ("status", "sha256", "settled"),
    [
        pytest.param(Status.NO_FACE, "c" * 64, True, id="of its content"),
        pytest.param(Status.MISSING, "", True, id="no file"),
        pytest.param(Status.UNREADABLE, "c" * 64, True, id="no video"),
        pytest.param(Status.UNREADABLE, "", False, id="could not be opened"),
        pytest.param(Status.TIMEOUT, "c" * 64, False, id="timeout"),
        pytest.param(Status.CRASHED, "c" * 64, False, id="crashed"),
        pytest.param(Status.REFUSED_INPUT, "", True, id="refused"),
    ],
)
def test_what_another_attempt_may_serve_is_not_settled(tmp_path, status, sha256, settled):
    write(tmp_path, [USED, dataclasses.replace(FACELESS, status=status, sha256=sha256)])
    assert find(tmp_path).is_settled == settled


@pytest.mark.parametrize(
    ("changed", "notice", "keeps"),
    [
        ({"salt": "other"}, "fractions or salt changed: splits are drawn anew", False),
        ({"crops": "others"}, "what makes crops of the code or its libraries changed: ", True),
        (
            {"crops": "others", "boxes_from": "original"},
            "boxes_from (own -> original) changed: every video is extracted afresh",
            True,
        ),
        ({"video_ids": {"d/a.mp4"}}, "1 earlier videos are no longer in the input", True),
    ],
    ids=["salt", "code", "option", "fewer videos"],
)
def test_what_no_longer_holds_is_told(tmp_path, changed, notice, keeps):
    write(tmp_path)
    found = find(tmp_path, **changed)
    assert found.notice.startswith(notice)
    assert bool(found.kept) == keeps


@pytest.mark.parametrize("lost", [SHARD, output_layout.DESCRIPTION_FILE])
def test_a_result_that_a_killed_job_was_replacing_keeps_its_splits(tmp_path, lost):
    write(tmp_path)
    work = tmp_path / output_layout.WORK_FOLDER / "the crops"
    work.mkdir(parents=True)
    (tmp_path / lost).rename(work / lost)
    found = find(tmp_path)
    assert (found.is_whole, found.is_settled) == (False, False)
    assert found.kept == {"d/a.mp4": "train", "d/b.mp4": "test"}
    assert found.notice.startswith("the earlier result is not whole")


def test_work_with_other_options_is_dropped_with_a_word(tmp_path):
    (tmp_path / output_layout.WORK_FOLDER / "others").mkdir(parents=True)
    (tmp_path / output_layout.WORK_FOLDER / "others" / "job.json").touch()
    assert "unfinished extraction with other options" in find(tmp_path).notice
    assert find(tmp_path, crops="others").notice == ""


def test_records_that_nobody_knows_are_not_replaced(tmp_path):
    (tmp_path / SHARD).touch()
    with pytest.raises(UsageError, match="TFRecords that no extraction wrote"):
        find(tmp_path)
