"""How the project encodes H.264."""


def h264_options(
    crf: int = 18, x264_params: str = "", *, threads: int = 1, **options: str
) -> dict[str, str]:
    """Makes options for the encoder `libx264`.

    With one thread, the bytes depend on the frames alone, so that files can be compared and
    cached: x264 notes the number of threads in the stream, and without `cpu-independent` its
    choices vary from one processor to the next.

    Args:
        crf: constant rate factor: higher is smaller and worse; at 18 losses are barely visible
            (trac.ffmpeg.org/wiki/Encode/H.264).
        x264_params: further parameters of x264 itself, separated by colons.
        threads: 0 for one per core, where nobody compares the bytes and somebody waits for them.
        **options: further options of FFmpeg's encoder.

    Example:
        >>> h264_options(23, "bframes=0")["x264-params"]
        'cpu-independent=1:bframes=0'
    """
    params = ":".join(filter(None, ("cpu-independent=1", x264_params)))
    return {"crf": str(crf), "threads": str(threads), "x264-params": params, **options}


def uneven_h264_options(x264_params: str = "", *, threads: int = 1) -> dict[str, str]:
    """Like `h264_options`, for frames that are shown for different times.

    Frames that are stored out of order would give an MP4 of uneven rate a wrong length. The preset
    takes a third of the default's time, and the files are no larger.

    Example:
        >>> uneven_h264_options(threads=0)["threads"]
        '0'
    """
    params = ":".join(filter(None, ("bframes=0", x264_params)))
    return h264_options(x264_params=params, threads=threads, preset="veryfast")
