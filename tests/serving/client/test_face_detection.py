"""Finding faces in frames; `test_client_payloads.py` asks a server where they are."""

import threading

import cv2
import numpy as np
import pytest

from data.video import Frame, UnreadableVideoError
from serving.client.face_detection import (
    LocalDetector,
    batch_is_full,
    detected_faces,
    frames_call,
)
from tests.serving.clips import WholeFrameDetector, noise


def frame(height=48, width=64):
    return Frame(0.0, np.zeros((height, width, 3), np.uint8))


@pytest.mark.parametrize(
    ("frames", "full"),
    [
        pytest.param([frame()] * 7, False, id="seven"),
        pytest.param([frame()] * 8, True, id="eight"),
        pytest.param([frame(2160, 3840)], False, id="one large"),
        pytest.param([frame(2160, 3840)] * 2, True, id="two large"),
    ],
)
def test_a_request_holds_few_frames_or_pixels(frames, full):
    assert batch_is_full(frames) is full


def test_frames_are_sent_without_loss():
    image = noise(120, 64)
    (sent,) = frames_call([Frame(0.0, image)]).values
    decoded = cv2.imdecode(np.frombuffer(sent, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(decoded[:, :, ::-1], image)


def test_frames_larger_than_a_model_takes_are_not_sent():
    with pytest.raises(UnreadableVideoError, match="its frames have 8193 x 1 pixels"):
        frames_call([frame(1, 8193)])


def test_faces_are_read_up_to_the_padding():
    box = np.arange(4, dtype=np.float32)
    outputs = {
        "box": np.stack([[box, box + 1], [box, box]]),
        "detection_score": np.array([[0.9, 0.8], [np.nan, np.nan]], np.float32),
    }
    first, second = detected_faces(outputs)
    assert [face.score for face in first] == pytest.approx([0.9, 0.8])
    assert np.isnan(first[0].landmarks).all()
    assert second == []


def test_the_detector_is_used_by_one_thread_at_a_time():
    class Checking(WholeFrameDetector):
        inside = 0

        def detect(self, frames):
            self.inside += 1
            alone = self.inside == 1
            threading.Event().wait(0.01)
            self.inside -= 1
            return super().detect(frames) if alone else []

    detector = LocalDetector(Checking(), rotated=False)
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(detector.detect(frame()))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [len(faces) for faces in results] == [1, 1, 1, 1]
