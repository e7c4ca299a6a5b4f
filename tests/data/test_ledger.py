import csv
import dataclasses
import io
import os

import pytest

from data import ledger
from data.contract import Label
from data.ledger import LedgerRow, Status
from data.utils.errors import UsageError

FULL = LedgerRow(
    video_id="demo/a.mp4",
    path="/clips/a.mp4",
    label=Label.FAKE,
    status=Status.DAMAGED,
    sha256="0" * 64,
    split="train",
    used=True,
    reason="31 of 300 frames could not be decoded",
    frames_declared=300,
    frames_decoded=269,
    frames_damaged=31,
    faces=32,
    tracks_kept=1,
    tracks_left_out=2,
    shard="train-00000-of-00001",
    seconds=1.0 / 3.0,
)
REFUSED = LedgerRow("demo/b.mp4", "/clips/b.mp4", 0, Status.REFUSED_CROSS_SPLIT, reason="why")


def test_text_is_what_the_design_says():
    text = ledger.to_csv([FULL, REFUSED])
    header, full, refused = csv.reader(io.StringIO(text, newline=""))
    assert ",".join(header) == (
        "video_id,path,sha256,split,label,status,used,reason,frames_declared,frames_decoded,"
        "frames_damaged,faces,tracks_kept,tracks_left_out,original,boxes_from,shard,seconds"
    )
    assert full[:8] == [
        "demo/a.mp4",
        "/clips/a.mp4",
        "0" * 64,
        "train",
        "1",
        "damaged",
        "yes",
        "31 of 300 frames could not be decoded",
    ]
    assert refused[4:8] == ["0", "refused_cross_split", "no", "why"]


def test_every_field_is_a_column():
    assert sorted(ledger.COLUMNS) == sorted(field.name for field in dataclasses.fields(LedgerRow))


def test_statuses_are_those_of_the_design():
    assert " ".join(status.value for status in Status) == (
        "ok truncated damaged no_face faces_too_small too_blurred unreadable missing duplicate "
        "refused_cross_split refused_balance refused_input timeout crashed"
    )


@pytest.mark.parametrize("status", Status)
def test_round_trip(status):
    rows = [dataclasses.replace(FULL, status=status), REFUSED]
    assert ledger.from_csv(ledger.to_csv(iter(rows)), "ledger.csv") == rows
    assert [ledger.from_json(ledger.to_json(row)) for row in rows] == rows


@pytest.mark.parametrize(
    "name",
    ['quo"te', "com,ma", "new\nline", "return\r", "win\r\ndows", " space ", "'", "ünï 日本", ""],
)
def test_awkward_text_survives(name):
    row = dataclasses.replace(FULL, path=name, reason=name)
    assert ledger.from_csv(ledger.to_csv([row, REFUSED]), "ledger.csv") == [row, REFUSED]
    assert ledger.from_json(ledger.to_json(row)) == row


def test_names_that_are_not_utf8_are_percent_encoded():
    name = os.fsdecode(b"clips/caf\xe9 \xc3\xa9 100%.mp4")
    assert ledger.percent_encode(name) == "clips/caf%E9 é 100%.mp4"
    row = dataclasses.replace(FULL, video_id=name, path=name, reason=f"cannot open {name}")
    encoded = dataclasses.replace(
        FULL,
        video_id="clips/caf%E9 é 100%.mp4",
        path="clips/caf%E9 é 100%.mp4",
        reason="cannot open clips/caf%E9 é 100%.mp4",
    )
    assert ledger.from_csv(ledger.to_csv([row]), "ledger.csv") == [encoded]
    assert ledger.from_json(ledger.to_json(row)) == encoded


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("video_id,", "video,", "not a ledger; its columns must be video_id,path"),
        ("damaged,yes", "broken,yes", "line 2: .*'broken' is not a valid Status"),
        ("damaged,yes", "damaged,maybe", "line 2: .*'maybe'"),
        (",300,269", ",300", "line 2: not a row"),
        (",300,269", ",300,269,1", "line 2: not a row"),
        (",300,", ",many,", "line 2: .*'many'"),
        ('"', "", "line 2: not a row"),
    ],
)
def test_text_that_is_no_ledger(old, new, message):
    text = ledger.to_csv([dataclasses.replace(FULL, reason="a, b")])
    assert old in text
    with pytest.raises(UsageError, match=f"^ledger.csv.*{message}"):
        ledger.from_csv(text.replace(old, new), "ledger.csv")


@pytest.mark.parametrize("text", ["{}", "[]", "nothing", '{"video_id": "a"}'])
def test_json_that_is_no_row(text):
    with pytest.raises(ValueError):
        ledger.from_json(text)
