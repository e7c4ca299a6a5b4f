import json

import pytest

import configs
from data.errors import UsageError
from pipeline import config, runner
from tests import tiny_dataset


@pytest.fixture
def loaded(tmp_path):
    tiny_dataset.write(tmp_path / "examples")
    overrides = [f"examples={tmp_path / 'examples'}", f"output={tmp_path / 'run'}"]
    return config.load(configs.FOLDER / "demo.yaml", overrides)


def test_examples_too_large_for_the_machine_stop_the_run_before_it_starts(loaded, monkeypatch):
    monkeypatch.setattr(runner, "MEMORY_FACTOR", 1e12)
    with pytest.raises(UsageError, match=r"too large .*--runner=FlinkRunner"):
        runner.run(loaded)


def test_another_runner_is_not_held_to_this_machine(loaded, monkeypatch, tmp_path):
    monkeypatch.setattr(runner, "MEMORY_FACTOR", 1e12)
    runner._check_memory(
        loaded.model_copy(update={"beam": ["--runner=FlinkRunner"]}), tmp_path / "examples"
    )


def test_a_folder_without_examples(loaded, tmp_path):
    with pytest.raises(
        UsageError, match=r"holds no dataset.json, which a finished `unmask extract`"
    ):
        runner.run(loaded.model_copy(update={"examples": str(tmp_path)}))


def test_a_split_of_one_class_is_named_before_anything_runs(loaded, tmp_path):
    path = tmp_path / "examples" / "dataset.json"
    summary = json.loads(path.read_text())
    summary["splits"]["eval"]["fakes"] = 0
    path.write_text(json.dumps(summary))
    with pytest.raises(UsageError, match="split eval holds 8 real and 0 fake videos"):
        runner.run(loaded)


def test_a_folder_without_a_run(loaded, tmp_path):
    with pytest.raises(UsageError, match="holds no run"):
        runner.read_outcome(tmp_path, loaded)
