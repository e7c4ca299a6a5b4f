import io

import av
import numpy as np
import pytest

from data.video.h264 import h264_options, uneven_h264_options


def encode(options):
    content = io.BytesIO()
    with av.open(content, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for image in np.random.default_rng(0).integers(0, 256, (4, 240, 320, 3), np.uint8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, "rgb24")))
        container.mux(stream.encode())
    return content.getvalue()


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(h264_options(23, flags="+bitexact"), id="sample"),
        pytest.param(uneven_h264_options("colormatrix=smpte170m"), id="faces"),
    ],
)
def test_equal_frames_give_equal_bytes(options):
    first = encode(options)
    assert encode(options) == first
    # x264 writes its options into the stream, and takes several threads for frames of this size.
    assert b" threads=1 " in first


@pytest.mark.parametrize(
    ("options", "settings"),
    [
        pytest.param(h264_options(23), {b"threads=1", b"crf=23.0"}, id="one thread by default"),
        pytest.param(h264_options(threads=2), {b"threads=2", b"crf=18.0"}, id="two threads"),
        pytest.param(
            uneven_h264_options("cabac=0"),
            {b"threads=1", b"bframes=0", b"cabac=0", b"subme=2"},
            id="no reordering, and a quick preset",
        ),
    ],
)
def test_x264_encodes_as_the_options_say(options, settings):
    note = encode(options).partition(b"options: ")[2].partition(b"\0")[0]
    assert settings <= set(note.split())
