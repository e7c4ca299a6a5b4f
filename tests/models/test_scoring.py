import numpy as np

from models.scoring import video_logits


def test_mean_over_a_track_and_largest_track():
    logits = np.array([1.0, 3.0, -1.0, -4.0, -2.0, 5.0, 1.0], np.float32)
    video = np.array([0, 0, 0, 1, 1, 2, 2], np.int32)
    track = np.array([0, 0, 1, 0, 0, 0, 1], np.int32)
    np.testing.assert_allclose(video_logits(logits, video, track), [2.0, -3.0, 5.0])


def test_order_of_faces_does_not_matter():
    logits = np.array([3.0, -4.0, 1.0, -2.0], np.float32)
    video, track = np.array([0, 1, 0, 1], np.int32), np.zeros(4, np.int32)
    np.testing.assert_allclose(video_logits(logits, video, track), [2.0, -3.0])
