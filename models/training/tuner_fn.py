"""`tuner_fn`, the TFX Tuner's entry: a random search whose trials are short trainings."""

import dataclasses
import json
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import keras_tuner
import pydantic
import tensorflow as tf
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial, TrialStatus

import data.utils.environment  # noqa: F401 - decides which Keras trains
from data.utils.errors import UsageError
from models.config import ModelConfig, SearchConfig, takes_whole_numbers
from models.inputs import CropSource
from models.training import distribution, search_result
from models.training.arguments import TunerArguments, checkpoint_name, parse_config
from models.training.checkpoints import Checkpoints, best_of, write_whole
from models.training.log import TrainingLog
from models.training.precision import choose_precision
from models.training.search_result import SearchResult
from models.training.trainer import TrainingError, train_network
from models.transform import TransformFeatures

_AUC, _LOSS, _EVALUATIONS = "eval_auc", "eval_log_loss", "evaluations"


class TunerFnResult(NamedTuple):
    """What TFX expects from `tuner_fn`; TFX's own class takes 20 seconds to import.

    Attributes:
        tuner: TFX calls its `search`, then its `get_best_hyperparameters`.
        fit_kwargs: arguments of `search`.
    """

    tuner: "Tuner"
    fit_kwargs: dict[str, Any]


def tuner_fn(fn_args: TunerArguments) -> TunerFnResult:
    """Prepares the search of one model.

    Args:
        fn_args: from TFX, or anything with the same attributes; `custom_config` as the model's
            Trainer gets it.

    Raises:
        UsageError: the configuration is wrong.
    """
    config = parse_config(fn_args.custom_config["model"])
    tuner = Tuner(config, fn_args.custom_config, folder=fn_args.working_dir)
    return TunerFnResult(
        tuner,
        {
            "train_files": fn_args.train_files,
            "eval_files": fn_args.eval_files,
            "transform_output": fn_args.transform_graph_path,
        },
    )


@dataclasses.dataclass(frozen=True)
class _Outcome:
    """How a trial ended: with the metrics of its best evaluation, or by a failure."""

    metrics: Mapping[str, float] | None = None
    failure: str | None = None


class _RandomSearch(keras_tuner.oracles.RandomSearchOracle):
    """Draws each trial's values from the seed and the trial's number alone."""

    def __init__(self, search: SearchConfig) -> None:
        super().__init__(
            objective=keras_tuner.Objective(_AUC, "max"),
            max_trials=search.trials,
            # keras-tuner takes a seed of 0 to mean no seed.
            seed=search.seed + 1,
            hyperparameters=_hyperparameters(search),
            # The search goes on, however many trials fail.
            max_consecutive_failed_trials=search.trials + 1,
        )

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """Trials that did not fail, the best first; ranked as `Evaluation.rank`."""
        trials = [t for t in self.trials.values() if t.status == TrialStatus.COMPLETED]
        trials.sort(key=lambda trial: (-trial.score, trial.metrics.get_last_value(_LOSS)))
        return trials[:num_trials]


class Tuner(BaseTuner):
    """Searches for better values of some keys of a model's configuration.

    A search that was killed goes on when it is started again: it draws the same values, and the
    outcome of each trial is kept beside the trainings' checkpoints, under a hash of everything that
    decides it. So a search with more trials repeats none of the earlier ones.

    TensorFlow keeps the functions of each trial's network until the process ends: 0.2 GB for
    EfficientNetV2-B0 as measured, though no Python object refers to them.

    Args:
        config: of the model, with its `search`.
        custom_config: see `models.training.arguments.TrainingArguments`.
        folder: for keras-tuner's own state; emptied, since a killed process leaves that state
            half written.

    Raises:
        UsageError: the model has no `search`.
    """

    def __init__(
        self, config: ModelConfig, custom_config: Mapping[str, Any], *, folder: str
    ) -> None:
        if config.search is None:
            raise UsageError(f"{config.name}: has no `search`; say what is to be searched")
        super().__init__(
            _RandomSearch(config.search),
            directory=folder,
            project_name=config.name,
            overwrite=True,
        )
        self._config = config
        self._search = config.search
        self._custom_config = custom_config

    def search(
        self, train_files: Sequence[str], eval_files: Sequence[str], transform_output: str
    ) -> None:
        """Runs all trials; crops are read once for all of them.

        Args:
            train_files: see `models.training.arguments.TrainingArguments`.
            eval_files: see there.
            transform_output: folder that Transform wrote.

        Raises:
            UsageError: no trial succeeded, weights cannot be had, or a split lacks a class.
        """
        transform = TransformFeatures(transform_output)
        self.oracle.verbose = 0
        with (
            tempfile.TemporaryDirectory(prefix="unmask-crops-") as folder,
            CropSource.write(train_files, f"{folder}/train", transform) as train_source,
            CropSource.write(eval_files, f"{folder}/eval", transform) as eval_source,
        ):
            root = self._custom_config["checkpoints"] or folder
            try:
                super().search(train_source, eval_source, f"{root}/trials")
            except _UnexpectedError as error:
                raise error.__cause__ from None
        if not self.oracle.get_best_trials():
            *_, last = self.oracle.trials.values()
            problem = last.message.rpartition("FailedTrialError: ")[2].strip()
            raise UsageError(
                f"{self._config.name}: none of {len(self.oracle.trials)} trials succeeded; change "
                f"search.space. The last: {problem}"
            )

    def run_trial(
        self, trial: Trial, train_source: CropSource, eval_source: CropSource, root: str
    ) -> dict[str, float]:
        """Trains with a trial's values, unless an earlier search has done so.

        Args:
            trial: of keras-tuner.
            train_source: crops to learn from.
            eval_source: crops that the trial is evaluated on.
            root: folder that receives each trial's checkpoints and outcome.

        Returns:
            `eval_auc` and `eval_log_loss` (nats) of the best evaluation, and `evaluations`, their
            number.

        Raises:
            keras_tuner.errors.FailedTrialError: training diverged, or the values exclude each
                other.
        """
        try:
            outcome = self._outcome(trial, train_source, eval_source, root)
        except Exception as error:
            # keras-tuner counts any error but its fatal ones as a failed trial.
            raise _UnexpectedError from error
        if outcome.metrics is None:
            raise keras_tuner.errors.FailedTrialError(outcome.failure)
        return dict(outcome.metrics)

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[keras_tuner.HyperParameters]:
        """Values of the best trials, the best first, each with a `SearchResult` of the search."""
        trials = list(self.oracle.trials.values())
        finished = self.oracle.get_best_trials(len(trials))
        evaluations = sum(int(trial.metrics.get_last_value(_EVALUATIONS)) for trial in finished)
        return [
            SearchResult(
                chosen=search_result.from_values(best.hyperparameters.values),
                auc=best.score,
                trials=len(trials),
                failed=len(trials) - len(finished),
                evaluations=evaluations,
            ).to_hyperparameters(best.hyperparameters)
            for best in finished[:num_trials]
        ]

    def _outcome(
        self, trial: Trial, train_source: CropSource, eval_source: CropSource, root: str
    ) -> _Outcome:
        values = search_result.from_values(trial.hyperparameters.values)
        number = f"trial {len(self.oracle.trials)}/{self._search.trials}"
        with TrainingLog(f"{self._config.name}, {number}", self._search.steps, None) as log:
            log.say(", ".join(f"{key} {value}" for key, value in values.items()))
            try:
                config = self._config.with_values(self._search.trial_values(values))
            except pydantic.ValidationError as error:
                problem = error.errors()[0]["msg"].removeprefix("Value error, ")
                log.say(f"failed: {problem}")
                return _Outcome(failure=problem)
            fingerprint = {"train": train_source.fingerprint, "eval": eval_source.fingerprint}
            folder = f"{root}/{checkpoint_name(config, self._custom_config, fingerprint)}"
            outcome = _read(folder)
            if outcome is None:
                outcome = _train(config, train_source, eval_source, f"{folder}/checkpoints", log)
                _write(folder, outcome)
            if outcome.metrics is None:
                log.say(f"failed: {outcome.failure}")
            else:
                log.say(f"eval AUC {outcome.metrics[_AUC]:.3f}")
        return outcome


class _UnexpectedError(keras_tuner.errors.FatalError):
    """Carries an error that no trial caused through keras-tuner, as its cause."""


def _hyperparameters(search: SearchConfig) -> keras_tuner.HyperParameters:
    parameters = keras_tuner.HyperParameters()
    for key, dimension in search.space.items():
        if dimension.choices is not None:
            parameters.Choice(key, [search_result.to_value(choice) for choice in dimension.choices])
        else:
            add = parameters.Int if takes_whole_numbers(key) else parameters.Float
            sampling = "log" if dimension.log else "linear"
            add(key, dimension.low, dimension.high, sampling=sampling)
    return parameters


def _train(
    config: ModelConfig,
    train_source: CropSource,
    eval_source: CropSource,
    folder: str,
    log: TrainingLog,
) -> _Outcome:
    checkpoints = Checkpoints(folder)
    try:
        with distribution.build_strategy(config.strategy).scope():
            precision = choose_precision(config.precision)
            _, history = train_network(
                config, precision, train_source, eval_source, checkpoints, log
            )
    except TrainingError as error:
        return _Outcome(failure=str(error))
    best = best_of(history)
    assert best is not None
    return _Outcome({_AUC: best.auc, _LOSS: best.eval_loss, _EVALUATIONS: float(len(history))})


def _read(folder: str) -> _Outcome | None:
    """How a trial ended; None if it has not ended."""
    path = f"{folder}/outcome.json"
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path) as file:
        return _Outcome(**json.loads(file.read()))


def _write(folder: str, outcome: _Outcome) -> None:
    """Keeps how a trial ended; its checkpoints are of no use any more."""
    write_whole(folder, "outcome.json", json.dumps(dataclasses.asdict(outcome)))
    Checkpoints(f"{folder}/checkpoints").delete()
