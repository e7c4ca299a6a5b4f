"""Several networks that answer as one: fitted on `eval`, exported as one SavedModel."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.calibration import Calibrator, fit_calibrator, fold_of_groups
from models.config import EnsembleConfig
from models.ensembles.combination import Combination, fit_stack, fit_weights, fixed_weights
from models.export import export_calibrated
from models.inputs import CropSource
from models.networks import saved_network
from models.scoring import NetworkScorer, max_over_tracks, score_tracks
from models.transform import TransformFeatures


class EnsembleScorer(tf.Module):
    """Scores with several networks, which may differ in input size and head.

    A face's features are those of all members, side by side. See `models.scoring.scorer.Scorer`.

    Args:
        members: the networks.
        combination: of their scores.

    Attributes:
        width: features of a face.
    """

    def __init__(self, members: Sequence[NetworkScorer], combination: Combination) -> None:
        super().__init__(name="ensemble")
        self._members = list(members)
        self._combination = combination
        self.width = sum(member.width for member in members)

    def embed(self, faces: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Scorer.embed`."""
        features, readable = zip(*(member.embed(faces) for member in self._members), strict=True)
        return tf.concat(features, axis=1), readable[0]

    def face_logits(self, features: tf.Tensor) -> tf.Tensor:
        """See `Scorer.face_logits`."""
        members = zip(self._members, self._split(features), strict=True)
        return self._combination.logits(tf.stack([m.face_logits(part) for m, part in members]))

    def track_logits(self, features: tf.Tensor, segments: tf.Tensor, count: tf.Tensor) -> tf.Tensor:
        """See `Scorer.track_logits`."""
        members = zip(self._members, self._split(features), strict=True)
        return self._combination.logits(
            tf.stack([member.track_logits(part, segments, count) for member, part in members])
        )

    def _split(self, features: tf.Tensor) -> list[tf.Tensor]:
        return tf.split(features, [member.width for member in self._members], axis=1)


def make(
    config: EnsembleConfig,
    members: Sequence[str],
    eval_files: Sequence[str],
    transform_output: str,
    *,
    folder: str,
    run_folder: str,
    card: Mapping[str, Any],
) -> None:
    """Joins trained models to one, fits what is to be fitted on `eval`, and exports it.

    What is fitted, the members' own calibration included, feeds the ensemble's calibration: so this
    one uses scores of videos by a combination that was fitted without their source group.

    Args:
        config: the ensemble.
        members: folders of the members' SavedModels, in the order of the config.
        eval_files: patterns of the eval split's gzipped TFRecords.
        transform_output: folder that Transform wrote.
        folder: receives the SavedModel.
        run_folder: receives `reliability.png`.
        card: what `model.json` says besides what is found here.

    Raises:
        UsageError: a member is no single network, or `eval` lacks a class.
    """

    def say(message: str) -> None:
        print(f"[{config.name}] {message}", flush=True)

    cards = [saved_network.read_card(member) for member in members]
    scorers = [NetworkScorer(saved_network.load(member)) for member in members]
    own = [Calibrator.from_json(member["calibration"]) for member in cards]
    transform = TransformFeatures(transform_output)
    with (
        tempfile.TemporaryDirectory(prefix="unmask-crops-") as scratch,
        CropSource.write(eval_files, f"{scratch}/eval", transform) as store,
    ):
        every_crop = np.arange(len(store.index.offset))
        found = [score_tracks(scorer, store, every_crop) for scorer in scorers]
        track_logits = np.stack([logits for logits, _ in found])
        video_of_track = found[0][1]
        labels, groups = store.index.label, store.index.group
        fingerprint = store.fingerprint
        index = store.index

    def fit(tracks: npt.NDArray[np.bool_]) -> Combination:
        logits, videos = track_logits[:, tracks], video_of_track[tracks]
        if config.method == "stacked":
            return fit_stack(logits, videos, labels)
        numbers, place = np.unique(videos, return_inverse=True)
        # The members' own calibration was fitted to all of `eval`.
        calibrators = (
            own
            if tracks.all()
            else [
                fit_calibrator(calibrator.method, max_over_tracks(row, place), labels[numbers])
                for calibrator, row in zip(own, logits, strict=True)
            ]
        )
        if config.weights is not None:
            return fixed_weights(config.weights, calibrators)
        return fit_weights(logits, videos, labels, calibrators)

    combination = fit(np.full(len(video_of_track), True))
    scores, warnings = _cross_fitted(fit, track_logits, video_of_track, labels, groups)
    say(f"{', '.join(config.members)}: {combination.to_json()}")
    tf.io.gfile.makedirs(run_folder)
    export_calibrated(
        EnsembleScorer(scorers, combination),
        scores,
        index,
        config,
        transform=transform,
        folder=folder,
        run_folder=run_folder,
        evaluations=max(member.get("evaluations", 1) for member in cards),
        card={
            "ensemble": {"config": config.model_dump(mode="json"), **combination.to_json()},
            "members": cards,
            "data_fingerprint": {**cards[0]["data_fingerprint"], "eval": fingerprint},
            **card,
        },
        say=say,
        warnings=warnings,
    )


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
            # With a class missing there is nothing to fit.
            others = np.full_like(held_out, True)
            warnings = [
                "eval has too few source groups to fit the ensemble without those that it is "
                "judged on: its eval figures are optimistic"
            ]
        combined[held_out] = fit(others).logits(tf.constant(track_logits[:, held_out])).numpy()
    return max_over_tracks(combined, video_of_track), warnings
