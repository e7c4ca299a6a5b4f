"""What is previous in an output that an earlier job wrote, or began to write."""

import dataclasses

import pytest

from data import ledger
from data.extraction import output_layout, resume
from data.extraction.options import ExtractionOptions
from data.extraction.output_layout import Description
from data.ledger import LedgerRow, Status
from data.utils.errors import UsageError

OPTIONS = ExtractionOptions().model_dump()
SHARD = "train-00000-of-00001"
USED = LedgerRow(
    "d/a.mp4", "a.mp4", 0, Status.OK, True, sha256="a" * 64, split="train", shard=SHARD
)
FACELESS = LedgerRow("d/b.mp4", "b.mp4", 0, Status.NO_FACE, sha256="b" * 64, split="test")
IDS = {USED.video_id, FACELESS.video_id}


def write(folder, rows=(USED, FACELESS)):
    (folder / ledger.FILE_NAME).write_text(ledger.to_csv(rows))
    (folder / SHARD).touch()
    description = Description("the inputs", "the crops", OPTIONS, [], {})
    (folder / output_layout.DESCRIPTION_FILE).write_bytes(description.to_json())


def read_previous(folder, video_ids=IDS, crop_fingerprint="the crops", **changed):
    return resume.read_previous(str(folder), video_ids, OPTIONS | changed, crop_fingerprint)


def test_a_whole_result_is_all_there_and_keeps_its_splits(tmp_path):
    write(tmp_path)
    previous = read_previous(tmp_path)
    assert (previous.fingerprint, previous.crop_fingerprint) == ("the inputs", "the crops")
    assert previous.rows == (USED, FACELESS)
    assert previous.kept == {"d/a.mp4": "train", "d/b.mp4": "test"}
    assert (previous.is_whole, previous.is_final, previous.notice) == (True, True, "")


@pytest.mark.parametrize("folder", ["", "absent"])
def test_an_empty_folder_holds_no_result(tmp_path, folder):
    previous = read_previous(tmp_path / folder)
    assert (previous.rows, previous.kept, previous.notice) == ((), {}, "")
    assert (previous.is_whole, previous.is_final) == (False, False)


@pytest.mark.parametrize(
    ("status", "sha256", "final"),
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
def test_a_result_is_final_unless_a_video_should_be_tried_again(tmp_path, status, sha256, final):
    write(tmp_path, [USED, dataclasses.replace(FACELESS, status=status, sha256=sha256)])
    assert read_previous(tmp_path).is_final == final


@pytest.mark.parametrize(
    ("changed", "notice", "keeps"),
    [
        ({"salt": "other"}, "fractions or salt changed: splits are drawn anew", False),
        (
            {"crop_fingerprint": "others"},
            "what makes crops of the code or its libraries changed: ",
            True,
        ),
        (
            {"crop_fingerprint": "others", "boxes_from": "original"},
            "boxes_from (own -> original) changed: every video is extracted afresh",
            True,
        ),
        ({"video_ids": {"d/a.mp4"}}, "1 earlier videos are no longer in the input", True),
    ],
    ids=["salt", "code", "option", "fewer videos"],
)
def test_a_notice_says_what_changed(tmp_path, changed, notice, keeps):
    write(tmp_path)
    previous = read_previous(tmp_path, **changed)
    assert previous.notice.startswith(notice)
    assert bool(previous.kept) == keeps


@pytest.mark.parametrize("lost", [SHARD, output_layout.DESCRIPTION_FILE])
def test_a_result_that_a_killed_job_was_replacing_keeps_its_splits(tmp_path, lost):
    write(tmp_path)
    work = tmp_path / output_layout.WORK_FOLDER / "the crops"
    work.mkdir(parents=True)
    (tmp_path / lost).rename(work / lost)
    previous = read_previous(tmp_path)
    assert (previous.is_whole, previous.is_final) == (False, False)
    assert previous.kept == {"d/a.mp4": "train", "d/b.mp4": "test"}
    assert previous.notice.startswith("the earlier result is not whole")


def test_a_notice_says_that_unfinished_work_with_other_options_is_dropped(tmp_path):
    (tmp_path / output_layout.WORK_FOLDER / "others").mkdir(parents=True)
    (tmp_path / output_layout.WORK_FOLDER / "others" / "job.json").touch()
    assert "unfinished extraction with other options" in read_previous(tmp_path).notice
    assert read_previous(tmp_path, crop_fingerprint="others").notice == ""


def test_records_of_unknown_origin_are_not_replaced(tmp_path):
    (tmp_path / SHARD).touch()
    with pytest.raises(UsageError, match="TFRecords that no extraction wrote"):
        read_previous(tmp_path)
