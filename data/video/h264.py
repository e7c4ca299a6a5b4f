"""H.264 whose bytes depend on the frames alone, so that they can be compared and cached."""


def reproducible_h264_options(crf: int, x264_params: str = "", **options: str) -> dict[str, str]:
    """Makes options for the encoder `libx264`.

    x264 notes the number of threads in the stream, and without `cpu-independent` its choices vary
    from one processor to the next.

    Args:
        crf: constant rate factor: higher is smaller and worse; at 18 losses are barely visible
            (trac.ffmpeg.org/wiki/Encode/H.264).
        x264_params: further parameters of x264 itself, separated by colons.
        **options: further options of FFmpeg's encoder.

    Example:
        >>> reproducible_h264_options(18, "bframes=0", preset="veryfast")["x264-params"]
        'cpu-independent=1:bframes=0'
    """
    params = ":".join(filter(None, ("cpu-independent=1", x264_params)))
    return {"crf": str(crf), "threads": "1", "x264-params": params, **options}
