"""Frames as they come: from an iterator, a file, or a file sent in real time."""

import asyncio
import gc
import math
import socket
import threading
import time

import av
import numpy as np
import pytest

from data.contract import FaceCrop
from data.faces import FaceOptions
from data.faces.collector import THINNING
from data.ledger import Status
from data.video.reader import Frame
from serving.client.async_client import AsyncClient
from serving.client.client import Client
from serving.client.streaming import open_source
from serving.prediction import Verdict
from tests.serving.clips import WholeFrameDetector, noise, write_video

pytestmark = pytest.mark.slow

RATE = 10


def ask_blocking(target, frames, **options):
    with Client(target, "tiny", detector=WholeFrameDetector()) as client:
        return client.predict_stream(frames, **options)


def ask_async(target, frames, **options):
    async def ask():
        async with AsyncClient(target, "tiny", detector=WholeFrameDetector()) as client:
            return await client.predict_stream(frames, **options)

    return asyncio.run(ask())


def ask_async_iterator(target, frames, **options):
    async def each():
        for frame in frames:
            await asyncio.sleep(0)
            yield frame

    return ask_async(target, each(), **options)


any_client = pytest.mark.parametrize("ask", [ask_blocking, ask_async, ask_async_iterator])


@any_client
def test_frames_of_an_iterator_are_judged(server, ask):
    done = []
    frames = ((number / 10, noise(220)) for number in range(6))
    prediction = ask(
        server.target, frames, name="camera", on_progress=lambda *now: done.append(now)
    )
    assert (prediction.path, prediction.verdict) == ("camera", Verdict.FAKE)
    assert prediction.model_version == 1
    # The model takes four of a track, evenly spread.
    assert [f.time_s for f in prediction.tracks[0].frames] == [0.0, 0.2, 0.3, 0.5]
    assert done == [(number, None) for number in range(1, 7)]


@any_client
def test_no_frames_are_no_verdict(server, ask):
    prediction = ask(server.target, iter(()))
    assert (prediction.verdict, prediction.status) == (Verdict.ABSTAIN, Status.UNREADABLE)


@any_client
@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([(0.0, np.zeros((8, 8, 3), np.float32))], r"float32 \[8, 8, 3\]; give RGB"),
        ([(0.0, np.zeros((8, 8), np.uint8))], r"uint8 \[8, 8\]; give RGB"),
        ([(0.0, np.zeros((0, 8, 3), np.uint8))], r"uint8 \[0, 8, 3\]; give RGB"),
        ([(1.0, noise(9)), (0.5, noise(9))], "a frame at 0.50 s follows one at 1.00 s"),
        ([(1.0, noise(9)), (math.nan, noise(9))], "a frame at nan s follows"),
    ],
)
def test_what_is_no_stream_of_pictures_is_named(server, ask, frames, message):
    with pytest.raises(ValueError, match=message):
        ask(server.target, frames)


@any_client
def test_an_error_of_the_source_is_the_callers(server, ask):
    def frames():
        yield 0.0, noise(200)
        raise RuntimeError("unplugged")

    with pytest.raises(RuntimeError, match="unplugged"):
        ask(server.target, frames())


class LiveCamera:
    """Sends a clip over TCP at the pace of its own time, and its end only when let.

    Attributes:
        may_end: to be set before the last third is sent.
        ended: set after all is sent.
    """

    def __init__(self, clip):
        self._clip = clip
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self.may_end, self.ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._send)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.may_end.set()
        self._thread.join()
        self._listener.close()

    def _send(self):
        connection, _ = self._listener.accept()
        started = time.monotonic()
        with (
            connection,
            connection.makefile("wb") as pipe,
            av.open(str(self._clip)) as source,
            av.open(pipe, "w", format="mpegts", options={"flush_packets": "1"}) as sink,
        ):
            video = source.streams.video[0]
            copy = sink.add_stream_from_template(video)
            for packet in source.demux(video):
                if packet.size == 0:
                    continue
                at = float(packet.dts * packet.time_base)
                time.sleep(max(0.0, started + at - time.monotonic()))
                if at >= 1.3:
                    self.may_end.wait(30)
                packet.stream = copy
                sink.mux(packet)
                pipe.flush()
        self.ended.set()


def test_a_file_streamed_in_real_time_is_judged_as_it_comes(server, tmp_path):
    write_video(tmp_path / "clip.mp4", 200, frames=50, rate=25)
    with LiveCamera(tmp_path / "clip.mp4") as camera:

        def heard(done, total):
            assert total is None
            if not camera.ended.is_set():
                camera.may_end.set()  # only now does the camera send the rest

        # So as not to wait for frames to know the format by.
        options = {"probesize": "20000", "analyzeduration": "100000"}
        live = open_source(camera.address, format="mpegts", options=options)
        prediction = ask_blocking(server.target, live, on_progress=heard)
    recorded = ask_blocking(server.target, open_source(tmp_path / "clip.mp4"))
    assert prediction.verdict is recorded.verdict is Verdict.FAKE
    assert prediction.fake_probability == pytest.approx(recorded.fake_probability, abs=1e-6)
    times = [[f.time_s for f in p.tracks[0].frames] for p in (prediction, recorded)]
    assert times[0] == pytest.approx(times[1], abs=0.05)


def living(kind):
    return sum(type(thing) is kind for thing in gc.get_objects())


class Image(np.ndarray):
    """A picture that is counted while it lives."""

    living = 0

    @classmethod
    def make(cls):
        cls.living += 1
        image = noise(220, 64).view(cls)
        image.counted = True
        return image

    def __del__(self):
        if hasattr(self, "counted"):  # views of it are not
            Image.living -= 1


@any_client
def test_of_an_endless_stream_few_frames_and_crops_are_held(server, ask):
    """Of 300 frames with a face each."""
    images, crops = [], []
    before = living(FaceCrop)

    def frames():
        for number in range(300):
            yield number / 25, Image.make()

    def measure(done, total):
        images.append(Image.living)
        if done % 100 == 0:
            crops.append(living(FaceCrop) - before)

    prediction = ask(server.target, frames(), on_progress=measure)
    assert prediction.status is Status.OK
    assert [round(25 * f.time_s) for f in prediction.tracks[0].frames] == [0, 96, 192, 288]
    assert len(images) == 300
    assert max(images) <= 5  # however the threads of asyncio fall out
    assert max(crops) <= 4 * THINNING + 1


def predict_blocking(target, path, **options):
    with Client(target, "tiny", detector=WholeFrameDetector(), **options) as client:
        return measured(lambda measure: client.predict(path, measure))


def predict_async(target, path, **options):
    async def ask(measure):
        async with AsyncClient(target, "tiny", detector=WholeFrameDetector(), **options) as client:
            return await client.predict(path, measure)

    return measured(lambda measure: asyncio.run(ask(measure)))


def measured(ask):
    """The answer, what was heard meanwhile, and the most frames and crops that lived at once."""
    heard, frames, crops = [], [], []
    before, frames_before = living(FaceCrop), living(Frame)  # of other tests

    def measure(*now):
        heard.append(now)
        if now[0] % 100 == 0:
            frames.append(living(Frame) - frames_before)
            crops.append(living(FaceCrop) - before)

    return ask(measure), heard, max(frames), max(crops)


@pytest.mark.parametrize("predict", [predict_blocking, predict_async])
def test_of_a_long_file_few_frames_and_crops_are_held(server, tmp_path, predict):
    write_video(tmp_path / "long.mp4", 220, frames=300, side=64, rate=25)
    options = FaceOptions(every_nth_frame=1)
    prediction, heard, frames, crops = predict(
        server.target, tmp_path / "long.mp4", options=options
    )
    assert (prediction.verdict, prediction.status) == (Verdict.FAKE, Status.OK)
    assert heard == [(number, 300) for number in range(1, 301)]
    assert frames <= 8 + 4  # decoded ahead, and on their way to the search
    assert crops <= 4 * THINNING + 1
