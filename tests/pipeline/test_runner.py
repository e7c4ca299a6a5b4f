"""What stops a run before it starts; runs that start are in `test_pipeline.py`."""

import pytest

from data.utils.errors import UsageError
from data.utils.folder_lock import lock_folder
from pipeline import preflight, runner


@pytest.mark.parametrize(
    ("model", "message"),
    [
        pytest.param(
            {"weights": "absent.h5"}, r"the weights file absent\.h5 does not exist", id="weights"
        ),
        pytest.param(
            {"warm_start": "absent"}, "absent: holds no assets.extra/model.json", id="warm start"
        ),
        pytest.param(
            {"strategy": "multi_worker"},
            "strategy multi_worker: a run starts its Trainer on one",
            id="several workers",
        ),
    ],
)
def test_a_model_that_cannot_be_trained(demo_config, tmp_path, model, message):
    first, *others = demo_config.models
    models = [first.model_copy(update=model), *others]
    with pytest.raises(UsageError, match=message):
        runner.run(demo_config.model_copy(update={"models": models}))
    assert not (tmp_path / "run" / "metadata.db").exists()


@pytest.mark.parametrize(
    ("config", "message"),
    [
        pytest.param({"examples": "absent"}, "absent: holds no dataset.json", id="no Examples"),
        pytest.param({"output": "runs [2]"}, "takes for a pattern", id="a pattern"),
    ],
)
def test_folders_that_a_run_cannot_use(demo_config, tmp_path, config, message):
    with pytest.raises(UsageError, match=message):
        runner.run(demo_config.model_copy(update=config))
    assert not (tmp_path / "run").exists()


def test_an_output_that_another_run_writes_to(demo_config):
    held = lock_folder(demo_config.output, "")
    with held, pytest.raises(UsageError, match="another run writes to it; wait, or set another"):
        runner.run(demo_config)


def test_examples_that_need_more_memory_than_there_is(demo_config, monkeypatch, tmp_path):
    monkeypatch.setattr(preflight, "MEMORY_FACTOR", 1e12)
    with pytest.raises(UsageError, match="too large"):
        runner.run(demo_config)
    assert not (tmp_path / "run").exists()
