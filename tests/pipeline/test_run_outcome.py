"""Outcomes of finished, cached, refused and stopped runs: `test_pipeline.py`."""

import pytest

from data.utils.errors import UsageError
from pipeline import run_outcome


def test_a_folder_without_a_run(demo_config, tmp_path):
    with pytest.raises(UsageError, match="holds no run"):
        run_outcome.read_outcome(tmp_path, demo_config)


def test_a_run_of_which_no_candidate_was_refused():
    pushed = run_outcome.ModelOutcome("a", "plots", "evaluation", [], "1767225600")
    refused = run_outcome.ModelOutcome("b", "plots", "evaluation", ["auc is 0.5"], None)
    assert run_outcome.RunOutcome([], [], [pushed]).all_pushed
    assert not run_outcome.RunOutcome([], [], [pushed, refused]).all_pushed
