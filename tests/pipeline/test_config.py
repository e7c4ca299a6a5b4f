import pytest
import yaml

import configs
from data.utils.errors import UsageError
from pipeline import config

WHOLE = {
    "name": "tiny",
    "examples": "examples",
    "output": "run",
    "serving_root": "serving",
    "models": [{"model": "xception", "weights": None}],
    "evaluation": {"gate": [{"metric": "auc", "lower": 0.9}]},
}


def write(tmp_path, **changes):
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump(WHOLE | changes))
    return path


RUNS = sorted(set(configs.FOLDER.glob("*.yaml")) - set(configs.FOLDER.glob("extraction*.yaml")))


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem)
def test_the_configurations_that_come_with_unmask_are_valid(path):
    config.load(path)


@pytest.mark.parametrize("name", ["demo", "learning"])
def test_models_of_the_sample_dataset_say_that_they_know_one_face(name):
    loaded = config.load(configs.FOLDER / f"{name}.yaml")
    for candidate in (*loaded.models, *loaded.ensembles):
        assert "one generated face" in candidate.scope


def test_the_resolved_configuration_reads_back_as_itself(tmp_path):
    loaded = config.load(write(tmp_path))
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(config.dump(loaded))
    assert config.load(resolved) == loaded
    assert "learning_rate" in resolved.read_text(), "defaults are written out"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"modles": []}, "modles: unknown key", id="unknown key"),
        pytest.param(
            {"models": [{"model": "xception", "batchsize": 8}]},
            "models.0.batchsize: unknown key",
            id="unknown nested key",
        ),
        pytest.param(
            {"models": [{"model": "xception", "learning_rate": -1}]},
            "models.0.learning_rate: Input should be greater than 0 (found -1)",
            id="out of range",
        ),
        pytest.param(
            {"models": [{"model": "exception"}]},
            "models.0.model: there is no model 'exception'; choose one of",
            id="unknown model",
        ),
        pytest.param(
            {"models": [WHOLE["models"][0]] * 2},
            "xception stands twice; a served name must be unique",
            id="same model twice",
        ),
        pytest.param({"evaluation": {"gate": []}}, "evaluation.gate: ", id="no gate"),
        pytest.param(
            {"evaluation": {"gate": [{"metric": "auc", "largest_drop": 0.1}]}},
            "evaluation.gate.0: give lower or upper, also beside largest_drop",
            id="change threshold alone",
        ),
        pytest.param({"name": "Has Blanks"}, "name: ", id="name"),
        pytest.param(
            {"ensembles": [{"name": "both", "members": ["xception", "meso"]}]},
            "ensemble both names meso, which no model of this run is called; there are xception",
            id="unknown member",
        ),
        pytest.param(
            {"ensembles": [{"name": "xception", "members": ["xception", "xception_2"]}]},
            "xception stands twice; a served name must be unique",
            id="an ensemble called like a model",
        ),
        pytest.param(
            {"ensembles": [{"name": "both", "members": ["xception"] * 2}]},
            "ensembles.0: a member stands twice",
            id="member twice",
        ),
        pytest.param(
            {
                "models": [WHOLE["models"][0] | {"scope": "knows one face"}, {"model": "meso4"}],
                "ensembles": [{"name": "both", "members": ["xception", "meso4"]}],
            },
            "ensemble both needs a scope: that of xception is not the default",
            id="an ensemble that claims more than its members",
        ),
        pytest.param(
            {"models": [WHOLE["models"][0] | {"scope": "two\nlines"}]},
            "models.0.scope: ",
            id="scope of two lines",
        ),
        pytest.param(
            {"ensembles": [{"name": "both", "members": ["a", "b"], "weights": [1]}]},
            "ensembles.0: 1 weights for 2 members",
            id="a weight missing",
        ),
    ],
)
def test_mistakes_are_named_by_their_path(changes, message, tmp_path):
    path = write(tmp_path, **changes)
    with pytest.raises(UsageError) as raised:
        config.load(path)
    assert str(raised.value).startswith(f"{path}: {message}")


def test_a_missing_key_is_named(tmp_path):
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump({key: WHOLE[key] for key in WHOLE if key != "examples"}))
    with pytest.raises(UsageError, match="examples: is missing"):
        config.load(path)


def test_overrides(tmp_path):
    loaded = config.load(
        write(tmp_path), ["models.0.steps=7", "name=other", "beam=[--runner=FlinkRunner]"]
    )
    assert (loaded.models[0].steps, loaded.name) == (7, "other")
    assert loaded.beam == ["--runner=FlinkRunner"]


def test_a_wrong_override_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"models\.0\.stepz: unknown key"):
        config.load(write(tmp_path), ["models.0.stepz=1"])


def test_reals_suffice_where_every_model_makes_its_own_fakes():
    loaded = config.load(configs.FOLDER / "demo.yaml")
    assert loaded.reals_suffice == []
    blends = [model.model_copy(update={"fakes": "self_blended"}) for model in loaded.models]
    assert loaded.model_copy(update={"models": [blends[0], loaded.models[1]]}).reals_suffice == []
    assert loaded.model_copy(update={"models": blends}).reals_suffice == ["train"]
