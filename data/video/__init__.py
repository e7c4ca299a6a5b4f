"""Video files from unknown sources: what they hold, their frames, and which names they have.

Begin with `reader.py`, which reads frames; `container.py` opens files, and `contents.py` counts
packets.
"""

from data.video.container import MAX_PIXELS, UnreadableVideoError, open_container, read_packets
from data.video.frame_converter import FrameConverter
from data.video.h264 import h264_options, uneven_h264_options
from data.video.reader import Frame, Video
from data.video.suffixes import find_videos, has_video_suffix

__all__ = [
    "MAX_PIXELS",
    "Frame",
    "FrameConverter",
    "UnreadableVideoError",
    "Video",
    "find_videos",
    "h264_options",
    "has_video_suffix",
    "open_container",
    "read_packets",
    "uneven_h264_options",
]
