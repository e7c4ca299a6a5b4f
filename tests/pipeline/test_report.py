"""The tables of a finished run are tested by `test_pipeline.py` and `test_ensembles.py`."""

import pytest

from pipeline import report
from pipeline.evaluation import SliceMetrics
from pipeline.run_outcome import ModelOutcome, RunOutcome


@pytest.fixture
def printed(monkeypatch, capsys, tmp_path):
    rows = [
        SliceMetrics("all videos", 8, 0.9375, 0.4, 0.75),
        SliceMetrics("slice/method = [redder]", 4, None, 0.3, 1.0),
    ]
    monkeypatch.setattr(report, "read_metrics", lambda path: rows)
    pushed = ModelOutcome("a", str(tmp_path / "a"), "evaluation", [], "1767225600")
    refused = ModelOutcome("b", str(tmp_path / "b"), "evaluation", ["[x]: auc is 0.5"], None)
    outcome = RunOutcome(
        ran=["Trainer.b"],
        cached=["Trainer.a", "Transform"],
        models=[pushed, refused],
        notes=("40 of [all] fakes name no source",),
    )
    report.report(outcome, tmp_path, "serving")
    return capsys.readouterr().out


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a: serving as version 1767225600", id="pushed"),
        pytest.param("b: refused, not pushed", id="refused"),
        pytest.param("  [x]: auc is 0.5", id="refusals, brackets and all"),
        pytest.param("2 components unchanged, 1 ran", id="cache"),
        pytest.param("slice/method = [redder]", id="slices, brackets and all"),
        pytest.param("0.938", id="AUC"),
        pytest.param("n/a", id="AUC of one class"),
        pytest.param("Pushed models: serving", id="serving root"),
        pytest.param("Unknown of the data: 40 of [all] fakes name no source", id="unknown sources"),
    ],
)
def test_a_run_is_reported(printed, text):
    assert text in printed
