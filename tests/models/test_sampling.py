import dataclasses
import itertools
import tracemalloc

import numpy as np
import pytest

from data.errors import UsageError
from models.crop_store import CropIndex
from models.sampling import PairSampler, RealSampler


def make_index(videos, tracks=1, frames=3):
    """Index of videos given as (label, group); fakes are half a frame late."""
    crops = [
        (video, track, frame + 0.4 * videos[video][0])
        for video in range(len(videos))
        for track in range(tracks)
        for frame in range(frames)
    ]
    video, track, time_s = zip(*crops, strict=True)
    return CropIndex(
        offset=np.zeros(len(crops), np.int64),
        length=np.zeros(len(crops), np.int32),
        video=np.array(video, np.int32),
        track=np.array(track, np.int32),
        time_s=np.array(time_s, np.float32),
        landmarks=np.zeros((len(crops), 5, 2), np.float32),
        label=np.array([label for label, _ in videos], np.int8),
        group=np.array([group for _, group in videos], np.int32),
    )


def draw(index, count, seed=0):
    sampler = PairSampler(index, np.arange(len(index.video)), seed)
    return list(itertools.islice(sampler, count))


PAIRED = [(0, 0), (1, 0), (1, 0), (0, 1), (1, 1)]


def test_pairs_are_a_real_and_a_fake_of_one_group_at_one_time_and_track():
    index = make_index(PAIRED, tracks=2)
    for real, fake in draw(index, 200):
        videos = index.video[[real, fake]]
        np.testing.assert_array_equal(index.label[videos], [0, 1])
        assert index.group[videos[0]] == index.group[videos[1]]
        assert index.track[real] == index.track[fake]
        assert abs(index.time_s[real] - index.time_s[fake]) < 0.5


def test_an_epoch_shows_every_fake_once():
    index = make_index(PAIRED)
    pairs = draw(index, 30)
    for epoch in range(10):
        fakes = [index.video[fake] for _, fake in pairs[3 * epoch : 3 * epoch + 3]]
        assert sorted(fakes) == [1, 2, 4]


def test_an_epoch_has_a_length():
    index = make_index([*PAIRED, (0, 2)])
    # Three fakes, and a real whose group holds none; three reals.
    assert len(PairSampler(index, np.arange(18), 0)) == 4
    assert len(RealSampler(index, np.arange(18), 0)) == 3


def test_every_crop_is_drawn():
    index = make_index(PAIRED)
    drawn = {crop for pair in draw(index, 300) for crop in pair}
    assert drawn == set(range(len(index.video)))


def test_the_seed_decides():
    index = make_index(PAIRED)
    assert draw(index, 50, seed=1) == draw(index, 50, seed=1)
    assert draw(index, 50, seed=1) != draw(index, 50, seed=2)


def test_crops_left_out_are_not_drawn():
    index = make_index(PAIRED)
    pairs = itertools.islice(PairSampler(index, np.arange(0, 15, 3), 0), 50)
    assert {crop % 3 for pair in pairs for crop in pair} == {0}


def test_groups_that_lack_a_class_are_paired_with_each_other():
    # Groups 0 and 1 are whole, 2 and 3 hold reals alone, 4 fakes alone.
    index = make_index([*PAIRED, (0, 2), (0, 3), (1, 4)])
    pairs = {tuple(index.video[list(pair)]) for pair in draw(index, 400)}
    assert {fake for real, fake in pairs if real in {5, 6}} == {7}
    assert {real for real, fake in pairs if fake == 7} == {5, 6}


def test_a_lone_group_without_any_counterpart_takes_any():
    index = make_index([*PAIRED, (0, 2)])
    pairs = {tuple(index.video[list(pair)]) for pair in draw(index, 400)}
    assert {fake for real, fake in pairs if real == 5} == {1, 2, 4}


def test_memory_is_not_the_square_of_the_videos():
    index = make_index([(number % 2, number) for number in range(6000)], frames=1)
    tracemalloc.start()
    try:
        PairSampler(index, np.arange(6000), 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A copy of the other class for each of them is 6000 * 3000 * 4 bytes, 72 MB.
    assert peak < 10e6


def test_one_class_is_an_error():
    with pytest.raises(UsageError, match="the train split holds no fake video"):
        draw(make_index([(0, 0), (0, 1)]), 1)


def draw_reals(index, count, seed=0):
    sampler = RealSampler(index, np.arange(len(index.video)), seed)
    return [crop for (crop,) in itertools.islice(sampler, count)]


def forget_landmarks(index, crops):
    landmarks = index.landmarks.copy()
    landmarks[crops, 3:] = np.nan
    return dataclasses.replace(index, landmarks=landmarks)


def test_reals_alone_are_drawn_each_video_once_an_epoch():
    index = make_index([*PAIRED, (0, 2)])
    crops = draw_reals(index, 90)
    assert set(crops) == set(np.flatnonzero(index.label[index.video] == 0))
    for epoch in range(30):
        videos = index.video[crops[3 * epoch : 3 * epoch + 3]]
        assert sorted(videos) == [0, 3, 5]
    assert draw_reals(index, 90) == crops
    assert draw_reals(index, 90, seed=1) != crops


def test_no_fake_is_needed_to_draw_reals():
    assert set(draw_reals(make_index([(0, 0), (0, 1)]), 50)) == set(range(6))


def test_crops_without_landmarks_are_not_drawn_for_blending():
    index = forget_landmarks(make_index(PAIRED), [0, 1, 9, 10, 11])
    assert set(draw_reals(index, 50)) == {2}  # all of video 3, and two crops of video 0
    with pytest.raises(UsageError, match="none of the train split's 6 real crops has its five"):
        draw_reals(forget_landmarks(index, [2]), 1)
