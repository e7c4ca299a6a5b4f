"""From scores of faces to scores of videos."""

from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.crop_store import CropStore
from models.input_pipeline import scoring_batches

_SCORING_BATCH = 64  # crops; as many as the served model scores at a time


def video_logits(
    logits: npt.NDArray[np.float32], video: npt.NDArray[np.int32], track: npt.NDArray[np.int32]
) -> npt.NDArray[np.float32]:
    """Pools faces to tracks (mean logit) and tracks to videos (largest).

    One manipulated person makes a video fake, however many others appear in it.

    Args:
        logits: float32 [m], one a face.
        video: int32 [m], from 0 without gaps.
        track: int32 [m], within the video.

    Returns:
        float32 [v].
    """
    keys, track_of_face = np.unique(np.stack([video, track]), axis=1, return_inverse=True)
    track_of_face = track_of_face.reshape(-1)
    means = np.bincount(track_of_face, weights=logits) / np.bincount(track_of_face)
    scores = np.full(video.max() + 1, -np.inf)
    np.maximum.at(scores, keys[0], means)
    return scores.astype(np.float32)


def inference(network: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """The network as a graph for inference; `Model.predict` might compile it with XLA.

    Args:
        network: from faces, float32 [n, size, size, 3], to logits [n].

    Returns:
        The same mapping; it follows the network's weights as they change.
    """
    faces = tf.TensorSpec(network.input_shape, tf.float32)
    return tf.function(
        lambda batch: network(batch, training=False), input_signature=[faces], jit_compile=False
    )


def score_videos(
    infer: Callable[[tf.Tensor], tf.Tensor],
    store: CropStore,
    crops: npt.NDArray[np.int64],
    image_size: int,
) -> npt.NDArray[np.float32]:
    """Scores every video of a split.

    Args:
        infer: from faces, float32 [n, image_size, image_size, 3], to logits [n].
        store: the split.
        crops: int64 [k], rows of its index to use; every video needs one.
        image_size: pixels a side.

    Returns:
        float32 [v], logits.
    """
    batches = scoring_batches(store, crops, image_size, _SCORING_BATCH)
    logits = np.concatenate([infer(faces).numpy() for faces in batches])
    return video_logits(logits, store.index.video[crops], store.index.track[crops])
