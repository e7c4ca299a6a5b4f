"""Joins trained networks to one ensemble: fitted on `eval`, exported as one SavedModel."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.calibration import Calibrator, fit_calibrator, fold_of_groups
from models.config import EnsembleConfig
from models.ensembles.combination import Combination, fit_stack, fit_weights, fixed_weights
from models.ensembles.ensemble_scorer import EnsembleScorer
from models.export import EvalScores, export_calibrated
from models.inputs import CropSource
from models.networks import saved_network
from models.scoring import NetworkScorer, max_over_tracks, score_tracks
from models.transform import TransformFeatures


def build_ensemble(
    config: EnsembleConfig,
    members: Sequence[str],
    eval_files: Sequence[str],
    transform_output: str,
    *,
    folder: str,
    run_folder: str,
    card: Mapping[str, Any],
) -> None:
    """Joins trained models to one, fits their combination on `eval`, and exports it.

    The combination is fitted, and so are the members' calibrators. The ensemble's calibration
    therefore uses cross-fitted scores: those of each video by a combination that was fitted without
    its source group.

    Args:
        config: the ensemble.
        members: folders of the members' SavedModels, in the order of the config.
        eval_files: patterns of the eval split's gzipped TFRecords.
        transform_output: folder that Transform wrote.
        folder: receives the SavedModel.
        run_folder: receives `reliability.png`.
        card: further content of `model.json`.

    Raises:
        UsageError: a member is no single network, or `eval` lacks a class.
    """
    cards = [saved_network.read_card(member) for member in members]
    scorers = [NetworkScorer(saved_network.load(member)) for member in members]
    calibrators = [Calibrator.from_json(member["calibration"]) for member in cards]
    transform = TransformFeatures(transform_output)
    with (
        tempfile.TemporaryDirectory(prefix="unmask-crops-") as scratch,
        CropSource.write(eval_files, f"{scratch}/eval", transform) as source,
    ):
        every_crop = np.arange(len(source.index.offset))
        scores = [score_tracks(scorer, source, every_crop) for scorer in scorers]
    track_logits = np.stack([logits for logits, _ in scores])
    video_of_track = scores[0][1]
    labels, groups = source.index.label, source.index.group

    def fit(tracks: npt.NDArray[np.bool_]) -> Combination:
        logits, videos = track_logits[:, tracks], video_of_track[tracks]
        if config.method == "stacked":
            return fit_stack(logits, videos, labels)
        # The members' own calibrators were fitted to all of `eval`.
        refitted = calibrators if tracks.all() else _refit(calibrators, logits, videos, labels)
        if config.weights is not None:
            return fixed_weights(config.weights, refitted)
        return fit_weights(logits, videos, labels, refitted)

    combination = fit(np.full(len(video_of_track), True))
    video_logits, warnings = _cross_fitted(fit, track_logits, video_of_track, labels, groups)
    evaluations = max(member.get("evaluations", 1) for member in cards)
    print(
        f"[{config.name}] {', '.join(config.members)}: {combination.to_json()}",
        flush=True,
    )
    tf.io.gfile.makedirs(run_folder)
    messages = export_calibrated(
        EnsembleScorer(scorers, combination),
        EvalScores(video_logits, source.index, evaluations, warnings),
        config,
        transform,
        folder=folder,
        run_folder=run_folder,
        card={
            "ensemble": {"config": config.model_dump(mode="json"), **combination.to_json()},
            "members": cards,
            "data_fingerprint": {**cards[0]["data_fingerprint"], "eval": source.fingerprint},
            **card,
        },
    )
    for message in messages:
        print(f"[{config.name}] {message}", flush=True)


def _refit(
    calibrators: Sequence[Calibrator],
    track_logits: npt.NDArray[np.float32],
    video_of_track: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int8],
) -> list[Calibrator]:
    """The members' calibrators, fitted to the videos [v] that have a track in [k, t]."""
    videos, place = np.unique(video_of_track, return_inverse=True)
    return [
        fit_calibrator(calibrator.method, max_over_tracks(logits, place), labels[videos])
        for calibrator, logits in zip(calibrators, track_logits, strict=True)
    ]


def _cross_fitted(
    fit: Callable[[npt.NDArray[np.bool_]], Combination],
    track_logits: npt.NDArray[np.float32],
    video_of_track: npt.NDArray[np.int32],
    labels: npt.NDArray[np.int8],
    groups: npt.NDArray[np.int32],
) -> tuple[npt.NDArray[np.float32], list[str]]:
    """Video logits [v], each by a combination fitted to other source groups, and warnings."""
    fold = fold_of_groups(groups)
    fold_of_track = fold[video_of_track]
    combined = np.empty(len(video_of_track), np.float32)
    warnings: list[str] = []
    for number in np.unique(fold):
        held_out = fold_of_track == number
        others = ~held_out
        if len(np.unique(labels[fold != number])) < 2:
            # Nothing can be fitted where a class is missing.
            others = np.full_like(held_out, True)
            warnings = [
                "eval has too few source groups to fit the ensemble without those that it is "
                "judged on: its eval figures are optimistic"
            ]
        combined[held_out] = fit(others).logits(tf.constant(track_logits[:, held_out])).numpy()
    return max_over_tracks(combined, video_of_track), warnings
