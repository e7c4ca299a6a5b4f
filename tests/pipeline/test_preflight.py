import pytest

from data.utils.errors import UsageError
from pipeline import preflight


def test_examples_too_large_for_the_machine_are_refused(demo_config, monkeypatch):
    monkeypatch.setattr(preflight, "MEMORY_FACTOR", 1e12)
    with pytest.raises(UsageError, match=r"too large .*--runner=FlinkRunner"):
        preflight.check_memory(demo_config)


def test_another_runner_is_not_held_to_this_machine(demo_config, monkeypatch):
    monkeypatch.setattr(preflight, "MEMORY_FACTOR", 1e12)
    preflight.check_memory(demo_config.model_copy(update={"beam": ["--runner=FlinkRunner"]}))


@pytest.mark.parametrize("key", ["examples", "output", "serving_root"])
def test_a_folder_that_is_taken_for_a_pattern_is_refused(demo_config, tmp_path, key):
    path = str(tmp_path / "runs [2]" / "a")
    with pytest.raises(UsageError, match=rf"{key}: .*runs \[2\].*takes for a pattern; rename it"):
        preflight.check_folder_names(demo_config.model_copy(update={key: path}))


def test_imagenet_weights_that_cannot_be_fetched_are_refused_first(demo_config, monkeypatch):
    def fetch(*arguments, **keywords):
        raise OSError("no route to host")

    monkeypatch.setattr("keras.utils.get_file", fetch)
    monkeypatch.setattr("keras.src.utils.file_utils.get_file", fetch)
    first, *others = demo_config.models
    model = first.model_copy(update={"model": "xception", "weights": "imagenet", "image_size": 96})
    config = demo_config.model_copy(update={"models": [model, *others]})
    with pytest.raises(UsageError, match="the ImageNet weights could not be fetched"):
        preflight.check_initial_weights(config)
