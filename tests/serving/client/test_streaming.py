"""Opening sources and measuring frames; `test_client_streaming.py` asks about them."""

import numpy as np
import pytest

from data.video import UnreadableVideoError
from serving.client.streaming import StreamMeter, open_source
from tests.serving.clips import write_video

RATE = 10


@pytest.fixture
def clip(tmp_path):
    """Two seconds."""
    write_video(tmp_path / "clip.mp4", 200, frames=2 * RATE, rate=RATE)
    return tmp_path / "clip.mp4"


@pytest.mark.parametrize(
    ("options", "times"),
    [
        ({"frames_per_second": RATE}, [number / RATE for number in range(20)]),
        ({}, [number / 5 for number in range(10)]),
        ({"frames_per_second": 3}, [0, 0.4, 0.7, 1.0, 1.4, 1.7]),
        ({"max_seconds": 0.5}, [0, 0.2, 0.4]),
    ],
)
def test_a_file_is_read_at_the_wanted_rate(clip, options, times):
    frames = list(open_source(clip, **options))
    assert [time_s for time_s, _ in frames] == pytest.approx(times)
    assert frames[0][1].shape == (160, 160, 3)
    assert frames[0][1].mean() == pytest.approx(200, abs=5)


def test_what_cannot_be_opened_is_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_source(tmp_path / "missing.mp4")
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(UnreadableVideoError, match="Invalid data found"):
        open_source(tmp_path / "text.mp4")
    with pytest.raises(UnreadableVideoError, match=r"tcp://127[.]0[.]0[.]1:9 cannot be opened"):
        open_source("tcp://127.0.0.1:9", timeout_s=1.0)
    with pytest.raises(UnreadableVideoError, match="no-such-camera cannot be opened"):
        open_source("/dev/no-such-camera", format="v4l2")


def test_a_stream_is_measured_by_its_frames():
    meter = StreamMeter()
    for number in range(6):
        meter.add((2.0 + number / 10, np.zeros((48, 64, 3), np.uint8)))
    measured = meter.measurements()
    assert (measured.width, measured.height, measured.frames_decoded) == (64, 48, 6)
    assert measured.fps == pytest.approx(10)
    assert measured.duration_s == pytest.approx(0.6)


@pytest.mark.parametrize("frames", [0, 1])
def test_a_rate_needs_two_frames(frames):
    meter = StreamMeter()
    for _ in range(frames):
        meter.add((1.0, np.zeros((48, 64, 3), np.uint8)))
    measured = meter.measurements()
    assert (measured.fps, measured.duration_s, measured.frames_decoded) == (0, 0, frames)
