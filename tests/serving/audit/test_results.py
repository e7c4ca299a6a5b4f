import csv

import pytest

from data.contract import SCOPE_SENTENCE
from data.unjudged import Unjudged
from data.utils.errors import OutputError
from serving.audit import results
from tests.serving.answers import answer, track


def test_csv_has_one_row_a_video(tmp_path):
    counts = {Unjudged.TOO_BLURRED: 2, Unjudged.BEYOND_LIMIT: 1}
    scored = answer(
        track({0.5: 0.75}, probability=0.75),
        path='a "b",c.mp4',
        counts=counts,
        scope="knows nobody",
    )
    abstained = answer(path="caf\udce9.mp4", reason="no face")  # b"caf\xe9", not UTF-8
    results.write_csv([scored, abstained], tmp_path / "out.csv")
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    common = {"model": "tiny"}
    assert rows == [
        {
            "path": 'a "b",c.mp4',
            "model_version": "3",
            "verdict": "fake",
            "fake_probability": "0.75",
            "status": "ok",
            "reason": "",
            "tracks_judged": "1",
            "tracks_not_judged": "3",
            "too_small": "0",
            "too_blurred": "2",
            "too_brief": "0",
            "beyond_limit": "1",
            "crowded": "0",
            "scope": f"{SCOPE_SENTENCE} Scope of this model: knows nobody.",
            **common,
        },
        {
            "path": "caf%E9.mp4",
            "model_version": "",
            "verdict": "abstain",
            "fake_probability": "",
            "status": "no_face",
            "reason": "no face",
            "scope": SCOPE_SENTENCE,
            **dict.fromkeys(results.COLUMNS[7:14], "0"),
            **common,
        },
    ]


def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path):
    target = tmp_path / "out.csv"
    target.mkdir()  # nothing can be renamed over a folder
    with pytest.raises(OutputError, match=r"out\.csv: cannot be written"):
        results.write_csv([answer()], target)
    assert list(tmp_path.iterdir()) == [target]
