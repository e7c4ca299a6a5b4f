import dataclasses
import json
import math
import sys
import types

import numpy as np
import pytest

from data.utils.errors import UsageError
from models.training.search_result import SearchResult

pytestmark = pytest.mark.slow


@dataclasses.dataclass(frozen=True)
class Arguments:
    train_files: list
    eval_files: list
    transform_graph_path: str
    working_dir: str
    custom_config: dict


@pytest.fixture(scope="module")
def records(videos, write_records):
    return write_records(videos)


@pytest.fixture
def arguments(records, transform_output, tiny_backbone, tmp_path):
    """Makes the arguments of a search; all that one test makes share checkpoints."""

    def make(search, eval_files=records, **changes):
        config = {
            "model": tiny_backbone,
            "image_size": 32,
            "weights": None,
            "precision": "float32",
            "batch_size": 4,
            "eval_interval": 5,
            "learning_rate": 0.02,
            "augmentation": {
                "warp_probability": 0,
                "colour_probability": 0,
                "scaling_probability": 0,
                "cutout_probability": 0,
            },
            "search": search,
            **changes,
        }
        return Arguments(
            train_files=[records],
            eval_files=[eval_files],
            transform_graph_path=transform_output,
            working_dir=str(tmp_path / "working"),
            custom_config={
                "model": json.dumps(config),
                "code_hash": "0123456789abcdef",
                "checkpoints": str(tmp_path / "checkpoints"),
            },
        )

    return make


@pytest.fixture
def steps(monkeypatch):
    """The steps that trials train, as `trial 1/3` and the step's number."""
    from models.training.log import TrainingLog

    seen = []
    original = TrainingLog.step

    def step(self, number, *arguments):
        seen.append((self._name.rpartition(", ")[2], number))
        original(self, number, *arguments)

    monkeypatch.setattr(TrainingLog, "step", step)
    return seen


def run(arguments):
    """Does what TFX's executor does; returns the tuner and the result as its Trainer reads it."""
    from models.training.tuner_fn import tuner_fn

    tuner, fit_kwargs = tuner_fn(arguments)
    tuner.search_space_summary()
    tuner.search(**fit_kwargs)
    tuner.results_summary()
    (best,) = tuner.get_best_hyperparameters()
    return tuner, SearchResult.from_hyperparameters(json.loads(json.dumps(best.get_config())))


THREE_RATES = {
    "trials": 3,
    "steps": 10,
    "space": {"learning_rate": {"choices": [1e-9, 2e-9, 0.02]}},
}


def test_killed_and_started_again_with_more_trials_finds_the_rate_that_learns(
    arguments, steps, monkeypatch
):
    from models.inputs import CropSource
    from models.training.log import TrainingLog

    counting = TrainingLog.step

    def kill(self, number, *rest):
        counting(self, number, *rest)
        if steps[-1] == ("trial 2/2", 7):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrainingLog, "step", kill)
        with pytest.raises(KeyboardInterrupt):
            run(arguments({**THREE_RATES, "trials": 2}))
    assert steps[:10] == [("trial 1/2", step) for step in range(1, 11)]
    steps.clear()
    reads = []
    original = CropSource.write
    monkeypatch.setattr(CropSource, "write", lambda *a: reads.append(a[0]) or original(*a))
    tuner, result = run(arguments(THREE_RATES))
    # The checkpoint is of the evaluation at step 5.
    assert steps == [
        *(("trial 2/3", step) for step in range(6, 11)),
        *(("trial 3/3", step) for step in range(1, 11)),
    ]
    assert result == SearchResult(
        chosen={"learning_rate": 0.02}, auc=1.0, trials=3, failed=0, evaluations=6
    )
    tried = [trial.hyperparameters.values for trial in tuner.oracle.trials.values()]
    assert sorted(float(values["learning_rate"]) for values in tried) == [1e-9, 2e-9, 0.02]
    assert len(reads) == 2, "train and eval are read once, not once a trial"


@pytest.fixture
def overflowing_backbone(tiny_backbone, monkeypatch):
    """Registers a network whose features overflow, for images of 64 pixels or more."""
    import keras

    from models.backbones import registry

    def build(image_size, weights):
        faces = keras.Input((image_size, image_size, 3))
        huge = keras.layers.Rescaling(1e30)(keras.layers.GlobalAveragePooling2D()(faces))
        return keras.Model(faces, keras.layers.Rescaling(1e30)(huge))

    module = types.ModuleType("overflowing_backbone")
    module.overflowing = build
    monkeypatch.setitem(sys.modules, "overflowing_backbone", module)
    entry = dataclasses.replace(
        registry.BACKBONES[tiny_backbone], module="overflowing_backbone", minimum_image_size=64
    )
    monkeypatch.setitem(registry.BACKBONES, "overflowing", entry)
    return "overflowing"


def test_failed_trials_are_passed_over(arguments, tiny_backbone, overflowing_backbone, steps):
    search = {
        "trials": 10,  # of which only four differ
        "steps": 5,
        "space": {
            "model": {"choices": [tiny_backbone, overflowing_backbone]},
            "image_size": {"choices": [32, 64]},
        },
    }
    tuner, result = run(arguments(search, image_size=64))
    assert result.chosen["model"] == tiny_backbone
    assert (result.trials, result.failed, result.evaluations) == (4, 2, 2)
    messages = [trial.message or "" for trial in tuner.oracle.trials.values()]
    assert sum("the loss became nan at step 1" in message for message in messages) == 1
    assert sum("image_size 32 is too small" in message for message in messages) == 1
    steps.clear()
    _, again = run(arguments(search, image_size=64))
    assert again == result
    assert steps == [], "a trial that failed is not tried again"


def test_no_trial_that_succeeds_is_an_error(arguments, overflowing_backbone):
    search = {"trials": 4, "steps": 1, "space": {"dropout": {"low": 0.0, "high": 0.5}}}
    with pytest.raises(
        UsageError,
        match=r"none of 4 trials succeeded; .*The last: overflowing: the loss became nan",
    ):
        run(arguments(search, model=overflowing_backbone, image_size=64))


def test_what_is_no_trial_s_fault_ends_the_search(arguments, videos, write_records):
    only_reals = write_records(videos[::2])
    with pytest.raises(UsageError, match=r"^the eval split holds no fake video"):
        run(arguments(THREE_RATES, eval_files=only_reals))


def test_a_tie_in_auc_is_broken_by_loss(arguments):
    from keras_tuner.engine.trial import TrialStatus

    from models.training.tuner_fn import tuner_fn

    oracle = tuner_fn(arguments(THREE_RATES)).tuner.oracle
    for auc, loss in ((0.9, 0.1), (1.0, 0.5), (1.0, 0.2)):
        trial = oracle.create_trial("tuner0")
        oracle.update_trial(trial.trial_id, {"eval_auc": auc, "eval_log_loss": loss})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert [trial.trial_id for trial in oracle.get_best_trials(3)] == ["2", "1", "0"]


def test_draws_what_the_space_says(arguments):
    from models.training.search_result import from_values
    from models.training.tuner_fn import tuner_fn

    space = {
        "learning_rate": {"low": 1e-5, "high": 1e-1, "log": True},
        "dropout": {"low": 0, "high": 0.5},
        "frames_per_video": {"low": 1, "high": 4},
        "optimizer.clip_norm": {"choices": [None, 1, 0.5]},
        "schedule": {"choices": [{"decay": "constant"}, {"warmup_fraction": 0}]},
    }
    search = {"trials": 3, "steps": 5, "space": space}
    oracle = tuner_fn(arguments(search)).tuner.oracle
    drawn = [from_values(oracle.populate_space(str(n))["values"]) for n in range(400)]
    rates = np.log10([values["learning_rate"] for values in drawn])
    assert (-5 <= rates.min() < -4.8, -1.2 < rates.max() <= -1) == (True, True)
    assert np.median(rates) == pytest.approx(-3, abs=0.3)
    dropouts = [values["dropout"] for values in drawn]
    assert (0 <= min(dropouts) < 0.02, 0.48 < max(dropouts) <= 0.5) == (True, True)
    assert {values["frames_per_video"] for values in drawn} == {1, 2, 3, 4}
    assert {values["optimizer.clip_norm"] for values in drawn} == {None, 1, 0.5}
    assert {"decay": "constant"} in [values["schedule"] for values in drawn]
    again = tuner_fn(arguments(search)).tuner.oracle
    assert from_values(again.populate_space("0")["values"]) == drawn[0]
    other = tuner_fn(arguments({**search, "seed": 1})).tuner.oracle
    assert not math.isclose(
        from_values(other.populate_space("0")["values"])["learning_rate"],
        drawn[0]["learning_rate"],
    )


def test_a_model_without_a_search_is_refused(arguments):
    from models.training.tuner_fn import tuner_fn

    with pytest.raises(UsageError, match="tiny: has no `search`"):
        tuner_fn(arguments(None))
