"""Reading clips that are whole, cut, damaged, turned, or no video at all."""

import av
import numpy as np
import pytest

from data.video import UnreadableVideoError, Video
from tests.data import bad_clips


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clips")
    for name in ["good", "truncated", "damaged", "rotated", "audio_only", "empty", "text"]:
        getattr(bad_clips, f"make_{name}")(folder / f"{name}.mp4")
    return folder


def all_frames(path):
    with av.open(str(path)) as container:
        return [
            (frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)
        ]


def test_frames_lie_in_the_middle_of_equal_parts(clips):
    expected = all_frames(clips / "good.mp4")
    video = Video(str(clips / "good.mp4"))
    sampled = list(video.sample(5))
    span = expected[-1][0] * len(expected) / (len(expected) - 1)
    for i, frame in enumerate(sampled):
        shown = [time for time, _ in expected if time <= span * (i + 0.5) / 5 + 1e-9][-1]
        assert frame.time_s == pytest.approx(shown)
        np.testing.assert_array_equal(frame.image, dict(expected)[shown])


def test_what_was_measured_while_decoding(clips):
    path = clips / "good.mp4"
    expected = all_frames(path)
    video = Video(str(path))
    list(video.sample(3))
    assert video.frames_decoded == video.frames_declared == len(expected)
    assert video.frames_damaged == 0
    assert not video.truncated
    assert (video.width, video.height) == (bad_clips.WIDTH, bad_clips.HEIGHT)
    with av.open(str(path)) as container:
        assert video.fps == pytest.approx(float(container.streams.video[0].average_rate))
        duration_s = container.duration / av.time_base
    assert video.duration_s == pytest.approx(duration_s, abs=0.02)
    assert video.bit_rate == pytest.approx(8 * path.stat().st_size / duration_s, rel=0.02)


def test_more_frames_than_there_are_gives_each_once(clips):
    times = [frame.time_s for frame in Video(str(clips / "good.mp4")).sample(10_000)]
    assert times == [pytest.approx(time) for time, _ in all_frames(clips / "good.mp4")]


def test_truncated_clips_give_the_frames_that_are_there(clips):
    video = Video(str(clips / "truncated.mp4"))
    assert len(list(video.sample(4))) > 0
    assert video.truncated
    assert 0 < video.frames_decoded < video.frames_declared


@pytest.mark.parametrize("share", [0.3, 0.6])
def test_truncated_matroska_has_no_index_but_a_duration(share, clips, tmp_path):
    whole, cut = tmp_path / "whole.mkv", tmp_path / "cut.mkv"
    with av.open(str(clips / "good.mp4")) as source, av.open(str(whole), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    content = whole.read_bytes()
    cut.write_bytes(content[: int(share * len(content))])
    assert not Video(str(whole)).truncated
    assert Video(str(cut)).truncated


def test_damage_is_counted_and_survived(clips):
    whole = len(all_frames(clips / "good.mp4"))
    video = Video(str(clips / "damaged.mp4"))
    last = list(video.sample(8))[-1]
    assert video.frames_damaged > 0
    assert 0 < video.frames_decoded < whole
    assert not video.truncated
    # Frames behind the hole are used.
    assert last.time_s > 0.7 * video.duration_s


def test_rotation_is_applied(clips):
    upright = next(Video(str(clips / "good.mp4")).sample(1)).image
    video = Video(str(clips / "rotated.mp4"))
    turned = next(video.sample(1)).image
    assert turned.shape == upright.shape
    assert (video.width, video.height) == (bad_clips.WIDTH, bad_clips.HEIGHT)
    assert np.abs(turned.astype(int) - upright).mean() < 10


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("empty.mp4", "the file is empty"),
        ("text.mp4", "cannot be opened as a video: Invalid data found"),
        ("audio_only.mp4", "there is no video stream in it"),
        (".", "not a file"),
    ],
)
def test_what_is_no_video_says_why(clips, name, reason):
    with pytest.raises(UnreadableVideoError, match=reason):
        Video(str(clips / name))


def test_missing_files(clips):
    with pytest.raises(FileNotFoundError):
        Video(str(clips / "absent.mp4"))


def test_a_playlist_does_not_reach_the_network(tmp_path):
    playlist = tmp_path / "clip.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:10,\nhttp://127.0.0.1:9/segment.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(UnreadableVideoError):
        Video(str(playlist))
