"""From crops of a split to scores of its videos."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.crop_store import CropStore
from models.input_pipeline import scoring_batches
from models.scorer import CHUNK, NetworkScorer


def score_videos(
    scorer: NetworkScorer, store: CropStore, crops: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Scores every video of a split by the largest of its tracks' logits, as serving does.

    One manipulated person makes a video fake, however many others appear in it. Of one track at a
    time all features are held.

    Args:
        scorer: the network.
        store: the split.
        crops: int64 [k], rows of its index to use, rising; every video needs one.

    Returns:
        float32 [v], logits.
    """
    index = store.index
    video, track = index.video[crops], index.track[crops]
    keys = np.stack([video, track])
    first = np.any(np.diff(keys, axis=1, prepend=-1) != 0, axis=0)
    segments = np.cumsum(first) - 1
    video_of_track = video[first]
    logits = np.empty(len(video_of_track), np.float32)

    pending: list[npt.NDArray[np.float32]] = []
    done = scored = 0  # crops described, tracks scored
    for faces in scoring_batches(store, crops, scorer.image_size, CHUNK):
        pending.append(scorer.features(faces).numpy())
        done += len(pending[-1])
        # Of the last track more may come.
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
    scores = np.full(video.max() + 1, -np.inf, np.float32)
    np.maximum.at(scores, video_of_track, logits)
    return scores
