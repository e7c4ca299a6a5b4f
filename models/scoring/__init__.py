"""From networks and crops to scores of faces, tracks and videos.

Open `scorer` first: what a served model calls to score faces. `video_scores` scores whole splits.
"""

from models.scoring.scorer import CHUNK, NetworkScorer, Scorer
from models.scoring.video_scores import max_over_tracks, score_tracks, score_videos

__all__ = [
    "CHUNK",
    "NetworkScorer",
    "Scorer",
    "max_over_tracks",
    "score_tracks",
    "score_videos",
]
