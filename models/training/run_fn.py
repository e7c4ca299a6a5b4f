"""`run_fn`, the TFX Trainer's entry: crops, training, calibration, export."""

import tempfile

import numpy as np

import data.utils.environment  # noqa: F401 - decides which Keras trains
from models.export import EvalScores, export_calibrated
from models.inputs import CropSource
from models.networks import classifier, saved_network
from models.scoring import NetworkScorer, score_videos
from models.training import distribution
from models.training.arguments import TrainerArguments, checkpoint_name, parse_config
from models.training.checkpoints import Checkpoints
from models.training.log import TrainingLog
from models.training.precision import choose_precision
from models.training.search_result import SearchResult
from models.training.trainer import train_network
from models.transform import TransformFeatures


def run_fn(fn_args: TrainerArguments) -> None:
    """Trains, calibrates and exports one model.

    Args:
        fn_args: from TFX, or anything with the same attributes.

    Raises:
        UsageError: the configuration is wrong, weights cannot be had, or a split lacks a class.
        models.training.trainer.TrainingError: the loss, a gradient or a score on `eval` is no
            longer a number.
    """
    config = parse_config(fn_args.custom_config["model"])
    search, search_card = None, None
    if config.search is not None:
        search = SearchResult.from_hyperparameters(fn_args.hyperparameters)
        search_card = {**config.search.model_dump(mode="json"), **search.to_json()}
        # Without the search: other values of its space may not be valid beside the chosen ones.
        config = config.with_values({**search.chosen, "search": None})
    strategy = distribution.build_strategy(config.strategy)
    is_chief = distribution.is_chief(strategy)
    transform = TransformFeatures(fn_args.transform_output)
    run_folder = fn_args.model_run_dir if is_chief else None
    with (
        tempfile.TemporaryDirectory(prefix="unmask-crops-") as folder,
        CropSource.write(fn_args.train_files, f"{folder}/train", transform) as train_source,
        CropSource.write(fn_args.eval_files, f"{folder}/eval", transform) as eval_source,
        TrainingLog(config.name, config.steps, run_folder) as log,
    ):
        for split, source in (("train", train_source), ("eval", eval_source)):
            videos, crops = len(source.index.label), len(source.index.offset)
            log.say(f"{split}: {videos} videos, {crops} crops")
        fingerprint = {"train": train_source.fingerprint, "eval": eval_source.fingerprint}
        name = checkpoint_name(config, fn_args.custom_config, fingerprint)
        root = fn_args.custom_config["checkpoints"] or folder
        checkpoints = Checkpoints(f"{root}/{name}", writes=is_chief)
        precision = choose_precision(config.precision)
        with strategy.scope():
            network, history = train_network(
                config, precision, train_source, eval_source, checkpoints, log
            )
        if not is_chief:
            return
        log.finish(history)
        # It is served in float32.
        network = classifier.in_float32(network)
        scorer = NetworkScorer(network)
        scores = EvalScores(
            score_videos(scorer, eval_source, np.arange(len(eval_source.index.offset))),
            eval_source.index,
            evaluations=len(history) + (search.evaluations if search else 0),
            warnings=[search.warning] if search else [],
        )
        messages = export_calibrated(
            scorer,
            scores,
            config,
            transform,
            folder=fn_args.serving_model_dir,
            run_folder=fn_args.model_run_dir,
            card={
                "config": config.model_dump(mode="json"),
                "variables_sha256": saved_network.variables_sha256(network),
                "data_fingerprint": fingerprint,
                "code_version": fn_args.custom_config["code_hash"],
                "training_precision": precision.policy,
                "search": search_card,
                "metadata": dict(fn_args.custom_config.get("metadata", {})),
            },
        )
        for message in messages:
            log.say(message)
        checkpoints.delete()
