"""Small good clips, one of each container and codec that is met in the wild, to be mutated."""

import functools
import pathlib
import tempfile
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tests.data.bad_clips.encoding import VPX, X264, encode, face_frames

FRAME_COUNT = 12
WIDTH, HEIGHT = 128, 96

_X265 = {"preset": "ultrafast", "g": "6", "x265-params": "log-level=none"}

_ENCODINGS: dict[str, dict[str, Any]] = {
    "h264.mp4": {},
    "h264_fragments.mp4": {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
    "h264_rotated.mov": {"rotation": -90},
    "h264.mkv": {},
    "h264.ts": {},
    "hevc.mov": {"codec": "libx265", "options": _X265},
    "vp8.webm": {"codec": "libvpx", "options": VPX},
    "vp9.webm": {"codec": "libvpx-vp9", "options": VPX},
    "av1.mp4": {"codec": "libsvtav1", "options": {"preset": "12"}},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p", "options": {}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2"}},
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {}},
    "flash.flv": {"codec": "flv", "options": {}},
    "wmv.wmv": {"codec": "wmv2", "options": {}},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "options": {}},
}

NAMES = tuple(_ENCODINGS)
"""File names of the seeds; the suffix is the container's."""


@functools.cache
def content(name: str) -> bytes:
    """The bytes of a seed: half a second of a face about 55 pixels tall."""
    encoding = {"options": X264 | {"g": "6"}} | _ENCODINGS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        turns = -encoding.get("rotation", 0) // 90
        encode(path, (np.rot90(frame, turns) for frame in _frames()), **encoding)
        return path.read_bytes()


@functools.cache
def _frames() -> tuple[npt.NDArray[np.uint8], ...]:
    every = face_frames()[:: len(face_frames()) // FRAME_COUNT]
    return tuple(cv2.resize(frame[:, 20:], (WIDTH, HEIGHT)) for frame in every)
