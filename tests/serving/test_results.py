import csv
import json

import pytest

from data.ledger import Status
from serving import results
from serving.prediction import SCOPE, FramePrediction, TrackPrediction, Verdict, VideoPrediction

FRAME = FramePrediction(0.5, (1.0, 2.0, 3.0, 4.0), 0.75)
SCORED = VideoPrediction(
    path='a "b",c.mp4',
    model="tiny",
    model_version=3,
    verdict=Verdict.FAKE,
    fake_probability=0.75,
    status=Status.OK,
    reason="",
    tracks=(TrackPrediction(Verdict.FAKE, 0.75, (FRAME,)),),
)
ABSTAINED = VideoPrediction(
    path="caf\udce9.mp4",  # b"caf\xe9", not UTF-8
    model="tiny",
    model_version=None,
    verdict=Verdict.ABSTAIN,
    fake_probability=None,
    status=Status.NO_FACE,
    reason="no face",
)


def test_csv_has_one_row_a_video(tmp_path):
    results.write([SCORED, ABSTAINED], tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    common = {"model": "tiny", "scope": SCOPE}
    assert rows == [
        {
            "path": 'a "b",c.mp4',
            "model_version": "3",
            "verdict": "fake",
            "fake_probability": "0.75",
            "status": "ok",
            "reason": "",
            "tracks": "1",
            **common,
        },
        {
            "path": "caf%E9.mp4",
            "model_version": "",
            "verdict": "abstain",
            "fake_probability": "",
            "status": "no_face",
            "reason": "no face",
            "tracks": "0",
            **common,
        },
    ]


def test_json_has_every_track_and_frame(tmp_path):
    results.write([SCORED, ABSTAINED], tmp_path / "out.JSON")
    content = json.loads((tmp_path / "out.JSON").read_text())
    assert content["scope"] == SCOPE
    scored, abstained = content["videos"]
    assert scored["tracks"] == [
        {
            "verdict": "fake",
            "fake_probability": 0.75,
            "frames": [{"time_s": 0.5, "box": [1.0, 2.0, 3.0, 4.0], "fake_probability": 0.75}],
        }
    ]
    assert abstained["fake_probability"] is None
    assert (abstained["verdict"], abstained["status"]) == ("abstain", "no_face")


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "out.csv"
    target.mkdir()  # nothing can be renamed over a folder
    with pytest.raises(OSError):
        results.write([SCORED], target)
    assert list(tmp_path.iterdir()) == [target]
