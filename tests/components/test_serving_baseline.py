"""The baseline is the served version, or the candidate where nothing is served."""

import pytest
from tfx.types.standard_artifacts import Model

from components.serving_baseline import ServingBaseline
from serving.server.version_folders import SAVED_MODEL


@pytest.fixture
def compare(tmp_path):
    """Runs the component; returns its output and the content of the model in it."""
    candidate, baseline = Model(), Model()
    candidate.uri, baseline.uri = str(tmp_path / "candidate"), str(tmp_path / "baseline")
    saved = tmp_path / "candidate" / "Format-Serving" / SAVED_MODEL
    saved.parent.mkdir(parents=True)
    saved.write_text("candidate")

    def compare():
        ServingBaseline.EXECUTOR_SPEC.executor_class._FUNCTION(
            candidate=candidate,
            baseline=baseline,
            serving_root=str(tmp_path / "serving"),
            model_name="xception",
            served_before="",
            code_hash="",
        )
        copy = tmp_path / "baseline" / "Format-Serving" / SAVED_MODEL
        return baseline, copy.read_text()

    return compare


def test_the_candidate_where_nothing_is_served(compare):
    baseline, content = compare()
    assert content == "candidate"
    assert baseline.get_int_custom_property("is_candidate") == 1
    assert not baseline.has_custom_property("served_version")


def test_the_latest_served_version(compare, tmp_path):
    for version in ("7", "12"):
        path = tmp_path / "serving" / "xception" / version / SAVED_MODEL
        path.parent.mkdir(parents=True)
        path.write_text(f"version {version}")
    baseline, content = compare()
    assert content == "version 12"
    assert baseline.get_int_custom_property("is_candidate") == 0
    assert baseline.get_string_custom_property("served_version") == "12"
