"""Videos of a chosen compression, for `benchmarks.shortcut`."""

import pathlib

import av
import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.utils.training import make_example
from data import contract
from data.contract import Label
from data.detectors import create_detector
from data.faces import FaceOptions, cropping, extract_faces
from data.synthetic import identities

SIZE = 96
"""Pixels a side of the crops: what the network takes, since resizing would blur JPEG's traces."""

FRAMES = 4
_CROP = 144  # of the frame's pixels: faces are 95 to 125 high
_SEED = 0


def make_video(
    identity: int, label: Label, frames: list[npt.NDArray[np.uint8]], quality: int
) -> contract.VideoExample:
    """A clip of `data.synthetic.identities` whose crops were JPEGs of some quality before.

    Args:
        identity: number of its source group.
        label: of the clip.
        frames: uint8 [FRAME_SIZE, FRAME_SIZE, 3].
        quality: of JPEG, 1 to 100.
    """
    start = (identities.FRAME_SIZE - _CROP) // 2
    faces, size_bytes = [], 0
    for number, frame in enumerate(frames):
        crop = frame[start : start + _CROP, start : start + _CROP]
        crop = cv2.resize(crop, (SIZE, SIZE), interpolation=cv2.INTER_AREA).astype(np.uint8)
        _, jpeg = cv2.imencode(".jpg", crop, [cv2.IMWRITE_JPEG_QUALITY, quality])
        crop = cv2.imdecode(jpeg, cv2.IMREAD_COLOR).astype(np.uint8, copy=False)
        size_bytes += len(jpeg)
        faces.append(
            contract.FaceCrop(
                image=cropping.encode_jpeg(crop),
                track=0,
                time_s=float(number),
                box=(start, start, start + _CROP, start + _CROP),
                landmarks=(float("nan"),) * (2 * contract.LANDMARK_COUNT),
                score=1.0,
                sharpness=cropping.sharpness(crop),
                raw_sharpness=cropping.raw_sharpness(crop),
                usable=True,
            )
        )
    return make_example(
        f"{label.name.lower()}/{identity}", label, f"id{identity}", faces, 8.0 * size_bytes / FRAMES
    )


def make_identities(
    first: int, count: int, qualities: dict[Label, tuple[int, int]]
) -> list[contract.VideoExample]:
    """Real and fake of identities, each video of a quality drawn log-uniformly.

    Args:
        first: number of the first identity.
        count: of identities.
        qualities: lowest and highest JPEG quality of each class's videos.
    """
    random = np.random.default_rng((_SEED, first))
    videos = []
    for identity in range(first, first + count):
        clips = identities.make_identity(_SEED, identity, FRAMES)
        for label, frames in ((Label.REAL, clips.real), (Label.FAKE, clips.fake)):
            low, high = qualities[label]
            quality = round(np.exp(random.uniform(np.log(low), np.log(high))))
            videos.append(make_video(identity, label, frames, quality))
    return videos


def recompress(source: str, target: pathlib.Path, bits_per_second: float) -> str:
    """Encodes a clip again, H.264 at a mean bit rate in two passes; returns the target's path."""
    log = str(target.with_suffix(".log"))
    for number in (1, 2):
        with av.open(source) as reader, av.open(str(target), "w") as writer:
            shown = reader.streams.video[0]
            options = {"x264-params": f"pass={number}:stats={log}"}
            stream = writer.add_stream("libx264", rate=shown.average_rate, options=options)
            stream.width, stream.height = shown.width, shown.height
            stream.pix_fmt = "yuv420p"
            stream.bit_rate = int(bits_per_second)
            for frame in reader.decode(shown):
                frame.pict_type = 0  # or the encoder repeats the source's choices
                writer.mux(stream.encode(frame))
            writer.mux(stream.encode(None))
    return str(target)


def read_clip(path: str, label: Label, group: str) -> contract.VideoExample:
    """The faces of a clip, found by MTCNN in eight of its frames."""
    video = extract_faces(path, create_detector("mtcnn"), FaceOptions(8, max_tracks=1))
    return make_example(path, label, group, video.faces, video.measurements.bit_rate)
