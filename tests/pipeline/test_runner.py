import json

import pytest

import configs
from data.utils.errors import UsageError
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


@pytest.mark.parametrize("key", ["examples", "output", "serving_root"])
def test_a_folder_that_is_taken_for_a_pattern_is_refused(loaded, tmp_path, key):
    path = str(tmp_path / "runs [2]" / "a")
    with pytest.raises(UsageError, match=rf"{key}: .*runs \[2\].*takes for a pattern; rename it"):
        runner.run(loaded.model_copy(update={key: path}))


def test_reals_suffice_where_every_model_makes_its_own_fakes(loaded, tmp_path):
    assert loaded.reals_suffice == []
    blends = [model.model_copy(update={"fakes": "self_blended"}) for model in loaded.models]
    assert loaded.model_copy(update={"models": [blends[0], loaded.models[1]]}).reals_suffice == []
    assert loaded.model_copy(update={"models": blends}).reals_suffice == ["train"]
    path = tmp_path / "examples" / "dataset.json"
    summary = json.loads(path.read_text())
    summary["splits"]["train"]["fakes"] = 0
    path.write_text(json.dumps(summary))
    read = runner.read_dataset(tmp_path / "examples", reals_suffice=["train"])
    assert read["splits"] == summary["splits"]
    with pytest.raises(
        UsageError, match=r"split train holds 16 real and 0 fake .* train needs none"
    ):
        runner.read_dataset(tmp_path / "examples")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": "absent.h5"}, r"the weights file absent\.h5 does not exist"),
        ({"warm_start": "absent"}, "absent: holds no assets.extra/model.json"),
        ({"strategy": "multi_worker"}, "strategy multi_worker: a run starts its Trainer on one"),
    ],
)
def test_what_a_model_starts_from_is_looked_for_before_anything_runs(
    loaded, tmp_path, changes, message
):
    first, *others = loaded.models
    models = [first.model_copy(update=changes), *others]
    with pytest.raises(UsageError, match=message):
        runner.run(loaded.model_copy(update={"models": models}))
    assert not (tmp_path / "run" / "metadata.db").exists()


def test_a_folder_without_a_run(loaded, tmp_path):
    with pytest.raises(UsageError, match="holds no run"):
        runner.read_outcome(tmp_path, loaded)
