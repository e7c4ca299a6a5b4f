"""Videos and faces that the tests of the clients ask about."""

import av
import numpy as np

from data.contract import FaceCrop
from data.detectors import Face


def faces_of(face_jpeg, *tracks):
    """Faces of tracks, each given as the brightnesses of its faces."""
    return tuple(
        FaceCrop(
            image=face_jpeg(brightness),
            track=number,
            time_s=0.5 * index,
            box=(1.0, 2.0, 3.0 + number, 4.0),
            landmarks=(0.0,) * 10,
            score=0.99,
            sharpness=50.0,
            raw_sharpness=60.0,
            usable=True,
        )
        for number, track in enumerate(tracks)
        for index, brightness in enumerate(track)
    )


class WholeFrameDetector:
    """Finds one face, in the middle of each frame."""

    def detect(self, frames):
        height, width = frames.shape[1:3]
        box = np.array([width / 4, height / 4, 3 * width / 4, 3 * height / 4], np.float32)
        return [[Face(box, np.zeros(10, np.float32), 0.99)] for _ in frames]


def noise(brightness, side=160):
    """A picture whose middle passes for a sharp face."""
    pixels = np.random.default_rng(0).normal(brightness, 20, (side, side, 3))
    return pixels.clip(0, 255).astype(np.uint8)


def write_video(path, brightness, *, frames=10, side=160, rate=10, format=None):
    write_frames(path, [noise(brightness, side)] * frames, rate=rate, format=format)


def write_frames(path, images, *, rate=10, format=None):
    with av.open(str(path), "w", format=format) as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "ultrafast"}
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image)))
        container.mux(stream.encode())
