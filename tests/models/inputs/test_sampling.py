import dataclasses
import itertools
import tracemalloc

import numpy as np
import pytest

from data.utils.errors import UsageError
from models.config import ModelConfig
from models.inputs.crop_source import CropIndex
from models.inputs.sampling import (
    PADDING,
    BalancedSampler,
    NaturalSampler,
    PairSampler,
    make_sampler,
)


def make_index(videos, tracks=1, frames=3):
    """Index of videos described as (label, group); fakes are half a frame late."""
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
        weight=np.ones(len(videos), np.float32),
    )


def draw(index, count, seed=0):
    sampler = PairSampler(index, np.arange(len(index.video)), 1, seed)
    return [tuple(pair[:, 0].tolist()) for pair in itertools.islice(sampler, count)]


def blending_sampler(index, seed=0):
    config = ModelConfig(model="xception", weights=None, fakes="self_blended", seed=seed)
    return make_sampler(index, np.arange(len(index.video)), config)


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
    # Pairs: three fakes, and a real whose group holds no fake. For blending: three reals.
    assert len(PairSampler(index, np.arange(18), 1, 0)) == 4
    assert len(blending_sampler(index)) == 3
    assert len(BalancedSampler(index, np.arange(18), 1, 0)) == 6
    assert len(NaturalSampler(index, np.arange(18), 1, 0)) == 6


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
    pairs = itertools.islice(PairSampler(index, np.arange(0, 15, 3), 1, 0), 50)
    assert {crop % 3 for pair in pairs for crop in pair[:, 0]} == {0}


def test_groups_of_one_class_are_paired_with_each_other():
    # Groups 0 and 1 have both classes, 2 and 3 only reals, 4 only fakes.
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
        PairSampler(index, np.arange(6000), 1, 0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A copy of the other class for each of them is 6000 * 3000 * 4 bytes, 72 MB.
    assert peak < 10e6


def test_one_class_is_an_error():
    index = make_index([(0, 0), (0, 1)])
    for sampling in ("paired", "balanced", "natural"):
        config = ModelConfig(model="xception", weights=None, sampling=sampling)
        with pytest.raises(UsageError, match="the train split holds no fake video"):
            make_sampler(index, np.arange(6), config)


@pytest.mark.parametrize(
    ("changes", "kind", "length"),
    [
        ({}, PairSampler, 1),
        ({"sampling": "balanced"}, BalancedSampler, 1),
        ({"sampling": "natural", "head": "lstm"}, NaturalSampler, 5),
        ({"fakes": "self_blended", "head": "lstm"}, NaturalSampler, 5),
    ],
)
def test_the_config_chooses(changes, kind, length):
    config = ModelConfig(model="xception", weights=None, sequence_length=5, **changes)
    sampler = make_sampler(make_index(PAIRED), np.arange(15), config)
    assert isinstance(sampler, kind)
    assert next(iter(sampler)).shape[1] == length


@pytest.mark.parametrize("kind", [PairSampler, BalancedSampler, NaturalSampler])
@pytest.mark.parametrize(("frames", "length"), [(9, 4), (3, 4), (12, 4), (1, 2)])
def test_sequences_are_evenly_spaced_crops_of_one_track(kind, frames, length):
    index = make_index(PAIRED, tracks=2, frames=frames)
    sampler = kind(index, np.arange(len(index.video)), length, 0)
    starts = set()
    for samples in itertools.islice(sampler, 60):
        assert samples.shape == (2 if kind is PairSampler else 1, length)
        for sample in samples:
            rows = sample[sample != PADDING]
            assert len(rows) == min(frames, length)
            np.testing.assert_array_equal(sample[len(rows) :], PADDING)
            assert len(set(index.video[rows])) == len(set(index.track[rows])) == 1
            steps = np.diff(index.time_s[rows])
            assert np.all(np.abs(steps - max(1, frames / length)) < 1)
            assert index.time_s[rows[-1]] - index.time_s[rows[0]] >= min(frames, length) - 1
            starts.add(int(index.time_s[rows[0]]))
    if frames > length:
        assert len(starts) > 1, "sequences begin anywhere"
    if kind is PairSampler:
        np.testing.assert_array_equal(index.label[index.video[samples[:, 0]]], [0, 1])
        np.testing.assert_array_equal(index.track[samples[0]], index.track[samples[1]])


def test_a_sequence_covers_its_track():
    index = make_index([(0, 0), (1, 0)], frames=31)
    sampler = NaturalSampler(index, np.arange(62), 16, 0)
    for samples in itertools.islice(sampler, 20):
        times = index.time_s[samples[0]]
        assert times[-1] - times[0] >= 28


def test_the_length_of_a_sequence_does_not_tell_its_label():
    # The fake has 16 frames, the real only three of these.
    whole = make_index([(0, 0), (1, 0)], frames=16)
    crops = np.concatenate([[0, 7, 15], np.arange(16, 32)])
    for real, fake in itertools.islice(PairSampler(whole, crops, 8, 0), 50):
        assert np.sum(real != PADDING) == np.sum(fake != PADDING) <= 3
        times = [whole.time_s[rows[rows != PADDING]] for rows in (real, fake)]
        assert np.all(np.diff(times[0]) > 0)
        np.testing.assert_allclose(*times, atol=4)


def test_a_balanced_sampler_alternates_classes_and_takes_every_video_once_an_epoch():
    index = make_index(PAIRED)
    sampler = BalancedSampler(index, np.arange(len(index.video)), 1, 0)
    videos = [int(index.video[rows[0, 0]]) for rows in itertools.islice(sampler, 12)]
    np.testing.assert_array_equal(index.label[videos], [0, 1] * 6)
    assert sorted(videos[::2]) == [0, 0, 0, 3, 3, 3]
    assert sorted(videos[1::2]) == [1, 1, 2, 2, 4, 4]


def test_a_natural_sampler_takes_every_video_once_an_epoch():
    index = make_index(PAIRED)
    sampler = NaturalSampler(index, np.arange(len(index.video)), 1, 0)
    videos = [int(index.video[rows[0, 0]]) for rows in itertools.islice(sampler, 10)]
    assert sorted(videos[:5]) == sorted(videos[5:]) == [0, 1, 2, 3, 4]
    assert videos[:5] != videos[5:]


def draw_reals(index, count, seed=0):
    samples = itertools.islice(blending_sampler(index, seed), count)
    return [int(rows[0, 0]) for rows in samples]


def forget_landmarks(index, crops):
    landmarks = index.landmarks.copy()
    landmarks[crops, 3:] = np.nan
    return dataclasses.replace(index, landmarks=landmarks)


def test_for_blending_every_real_video_is_drawn_once_an_epoch():
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
