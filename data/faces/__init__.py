"""From the frames of a video to the face crops in it.

Open `extract.py` first: it decodes, detects, crops, tracks and judges. `joining.py` joins tracks of
one person. `worker.py` does the same as `extract.py` in a process of its own. `track_videos.py`,
which writes a track as a small MP4, is imported from its file.
"""

from data.faces import cropping
from data.faces.collector import FaceCollector
from data.faces.extract import OriginalFaces, extract_faces, sampled_frame_count, sampled_frames
from data.faces.rotated_search import find_faces
from data.faces.types import FaceOptions, VideoFaces
from data.faces.worker import FaceExtractor

__all__ = [
    "FaceCollector",
    "FaceExtractor",
    "FaceOptions",
    "OriginalFaces",
    "VideoFaces",
    "cropping",
    "extract_faces",
    "find_faces",
    "sampled_frame_count",
    "sampled_frames",
]
