"""Reads what annotated videos contain."""

import av
import numpy as np

from tests.serving.answers import answer, track

ANSWER = answer(track({0.0: 0.9, 0.5: 0.9, 1.0: 0.9, 1.5: 0.9}))


def read(path):
    """Times of a file's frames, their images, and the end of its video stream."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [
            (float(f.pts * f.time_base), f.to_ndarray(format="rgb24"))
            for f in container.decode(stream)
        ]
        end = container.duration / av.time_base
        assert stream.codec_context.name == "h264"
    return [time for time, _ in frames], [image for _, image in frames], end


def add_sound(source, target, codec="aac"):
    """Puts a second of a tone beside a clip's video."""
    with av.open(str(source)) as clip, av.open(str(target), "w") as output:
        video = output.add_stream_from_template(clip.streams.video[0])
        audio = output.add_stream(codec, rate=48_000)
        for packet in clip.demux(video=0):
            if packet.dts is not None:
                packet.stream = video
                output.mux(packet)
        for start in range(0, 48_000, 1024):
            samples = np.sin(np.arange(start, start + 1024) / 20)[np.newaxis].astype(np.float32)
            frame = av.AudioFrame.from_ndarray(samples, format="flt", layout="mono")
            frame.sample_rate, frame.pts = 48_000, start
            output.mux(audio.encode(frame))
        output.mux(audio.encode(None))


def sound(path):
    """Each packet of sound: its time and content."""
    with av.open(str(path)) as container:
        return [
            (float(packet.pts * packet.time_base), bytes(packet))
            for packet in container.demux(audio=0)
            if packet.pts is not None
        ]
