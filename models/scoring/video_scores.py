"""Scores the tracks and videos of a split."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.inputs import CropSource, scoring_batches
from models.scoring.scorer import CHUNK, NetworkScorer


def score_videos(
    scorer: NetworkScorer, source: CropSource, crops: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Scores every video of a split by the largest of its tracks' logits, as serving does.

    One manipulated person makes a video fake, no matter how many others appear in it.

    Args:
        scorer: the network.
        source: the split.
        crops: int64 [k], rows of its index to use, rising; every video needs one.

    Returns:
        float32 [v], logits.
    """
    return max_over_tracks(*score_tracks(scorer, source, crops))


def score_tracks(
    scorer: NetworkScorer, source: CropSource, crops: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]:
    """Scores every track of a split, with the features of one track in memory at a time.

    Args:
        scorer: the network.
        source: the split.
        crops: int64 [k], rows of its index to use, rising.

    Returns:
        logits: float32 [t], sorted by video, then by track.
        video_of_track: int32 [t], rows of the source's videos.
    """
    index = source.index
    keys = np.stack([index.video[crops], index.track[crops]])
    first = np.any(np.diff(keys, axis=1, prepend=-1) != 0, axis=0)
    segments = np.cumsum(first) - 1
    video_of_track = keys[0][first]
    logits = np.empty(len(video_of_track), np.float32)

    pending: list[npt.NDArray[np.float32]] = []
    done = scored = 0  # crops with features, scored tracks
    for faces in scoring_batches(source, crops, scorer.image_size, CHUNK):
        pending.append(scorer.features(faces).numpy())
        done += len(pending[-1])
        # The last track may go on in the next batch.
        whole = len(logits) if done == len(crops) else int(segments[done])
        if whole > scored:
            features = np.concatenate(pending)
            start = done - len(features)
            stop = int(np.searchsorted(segments, whole)) - start
            logits[scored:whole] = scorer.track_logits(
                tf.constant(features[:stop]),
                tf.constant(segments[start : start + stop] - scored, tf.int32),
                tf.constant(whole - scored),
            ).numpy()
            pending, scored = [features[stop:]], whole
    return logits, video_of_track


def max_over_tracks(
    track_logits: npt.NDArray[np.floating], video_of_track: npt.NDArray[np.integer]
) -> npt.NDArray[np.float32]:
    """Takes the largest of its tracks' logits as the score of a video.

    Args:
        track_logits: float [t].
        video_of_track: int [t], 0 to v - 1, each at least once.

    Returns:
        float32 [v].

    Example:
        >>> max_over_tracks(np.array([1.0, -3.0, 2.0]), np.array([0, 1, 0]))
        array([ 2., -3.], dtype=float32)
    """
    scores = np.full(int(video_of_track.max()) + 1, -np.inf, np.float32)
    np.maximum.at(scores, video_of_track, track_logits.astype(np.float32))
    return scores
