import dataclasses

import numpy as np
import pytest

from models.config import ModelConfig
from models.networks import classifier
from models.scoring.scorer import NetworkScorer
from models.scoring.video_scores import max_over_tracks, score_videos
from tests.tiny_dataset import make_video


@pytest.fixture(scope="module")
def long_videos():
    """Tracks that begin and end within batches and outlast them: batches hold 64 crops."""
    videos = []
    for number, lengths in enumerate([(70, 3), (1,), (60, 70), (5, 5)]):
        video = make_video(number, number % 2, f"group{number}", frames=sum(lengths))
        tracks = np.repeat(np.arange(len(lengths)), lengths)
        faces = tuple(
            dataclasses.replace(face, track=int(track))
            for face, track in zip(video.faces, tracks, strict=True)
        )
        videos.append(dataclasses.replace(video, faces=faces))
    return videos


@pytest.mark.parametrize("head", ["frame", "lstm"])
def test_a_video_scores_as_its_largest_track_alone(long_videos, make_source, tiny_backbone, head):
    config = ModelConfig(
        model=tiny_backbone, image_size=32, weights=None, head=head, lstm_units=4, steps=10
    )
    scorer = NetworkScorer(classifier.build(config, "float32", weights=None))
    source = make_source(long_videos)
    together = score_videos(scorer, source, np.arange(len(source.index.offset)))
    for number, video in enumerate(long_videos):
        scores = []
        for track in {face.track for face in video.faces}:
            faces = tuple(face for face in video.faces if face.track == track)
            alone = make_source([dataclasses.replace(video, faces=faces)])
            scores.append(score_videos(scorer, alone, np.arange(len(faces)))[0])
        assert together[number] == pytest.approx(max(scores), abs=1e-5)
    assert len(set(np.round(together, 5))) == len(long_videos)


def test_a_video_has_the_largest_logit_of_its_tracks():
    logits = max_over_tracks(np.array([1.0, -3.0, 2.0, -5.0]), np.array([0, 1, 0, 1]))
    np.testing.assert_array_equal(logits, [2.0, -3.0])
