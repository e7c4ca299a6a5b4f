"""Answers as pictures: drawn over the video itself, or as scores over its time.

`annotation.py` and `timeline.py` are the places to start.
"""

from serving.visualization.annotation import annotate
from serving.visualization.timeline import draw_timeline
from serving.visualization.verdict_style import remark_text
from serving.visualization.video_writer import CONTAINERS

__all__ = ["CONTAINERS", "annotate", "draw_timeline", "remark_text"]
