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


def test_a_folder_without_a_run(loaded, tmp_path):
    with pytest.raises(UsageError, match="holds no run"):
        runner.read_outcome(tmp_path, loaded)
