"""Every kind of bad or odd input that we know of, and what is to become of it.

One table for all tests: `extract_faces` on each file alone, and the job on all of them at once.
"""

import csv
import dataclasses
import pathlib
from collections.abc import Callable, Mapping
from functools import partial

from data.ledger import Status
from tests.data import misbehaving
from tests.data.bad_clips import broken, files, odd
from tests.data.bad_clips.encoding import FRAME_COUNT, VPX, encode

Maker = Callable[[pathlib.Path], None]


@dataclasses.dataclass(frozen=True)
class BadInput:
    """One kind of input.

    Attributes:
        status: what becomes of it.
        why: what it is, or where it is met.
        make: writes it to a path; None if nothing is written.
        file: its name; empty for the kind's name and `.mp4`.
        used: whether its faces are used; None: if and only if the status is `OK`.
        alone: whether `extract_faces` with `Mtcnn` says so too, given nothing but the path.
        needs_user: whether it is of its kind to users other than root alone.
        cells: of its row in a manifest, where they are not the usual ones; None if no manifest
            can name it.
    """

    status: Status
    why: str
    make: Maker | None
    file: str = ""
    used: bool | None = None
    alone: bool = True
    needs_user: bool = False
    cells: Mapping[str, str] | None = dataclasses.field(default_factory=dict)

    @property
    def is_used(self) -> bool:
        """Whether its faces are used."""
        return self.status is Status.OK if self.used is None else self.used


def file_name(name: str) -> str:
    """The file of a kind, relative to the folder of all."""
    return BAD_INPUTS[name].file or f"{name}.mp4"


def listed_kinds() -> list[str]:
    """All kinds but those that no manifest can name, and those that need a user other than root."""
    return [
        name for name, kind in BAD_INPUTS.items() if kind.cells is not None and not kind.needs_user
    ]


def write_manifest(folder: pathlib.Path) -> None:
    """Makes the files of `listed_kinds`, and a `manifest.csv` that lists them in this order."""
    with open(folder / "manifest.csv", "w", encoding="utf-8", newline="") as file:
        rows = csv.DictWriter(file, ["file", "label", "split"])
        rows.writeheader()
        for name in listed_kinds():
            kind = BAD_INPUTS[name]
            if kind.make is not None:
                kind.make(folder / file_name(name))
            usual = {"file": file_name(name), "label": "REAL", "split": "train"}
            rows.writerow(usual | dict(kind.cells or {}))


def _coded(codec: str, pix_fmt: str = "yuv420p", **options: str) -> Maker:
    return partial(encode, codec=codec, pix_fmt=pix_fmt, options=options)


def _sized(width: int, height: int) -> Maker:
    return partial(odd.make_sized, width=width, height=height)


def _cut(**encoding: object) -> Maker:
    return partial(broken.make_cut, **encoding)


def _lie(name: bytes, offset: int, value: int) -> Maker:
    return partial(broken.make_lying_table, name=name, offset=offset, value=value)


def _time_scale(timescale: int) -> Maker:
    return partial(odd.make_time_scale, timescale=timescale)


def _renamed(codec: bytes) -> Maker:
    return partial(broken.make_renamed_codec, codec=codec)


def _padded(before: bytes = b"", after: bytes = b"") -> Maker:
    return partial(broken.make_padded, before=before, after=after)


def _picture(suffix: str) -> Maker:
    return partial(files.make_picture, suffix=suffix)


def _pointer(text: str) -> Maker:
    return partial(files.make_pointer, text=text)


def _link(target: str) -> Maker:
    return partial(files.make_link, target=target)


def _row(status: Status, why: str, make: Maker | None = None, **cells: str) -> BadInput:
    return BadInput(status, why, make, alone=False, cells=cells)


def _trigger(status: Status, why: str, side: int) -> BadInput:
    return BadInput(status, why, partial(misbehaving.make_trigger, side=side), alone=False)


_OK, _TRUNCATED, _DAMAGED = Status.OK, Status.TRUNCATED, Status.DAMAGED
_NO_FACE, _UNREADABLE, _REFUSED = Status.NO_FACE, Status.UNREADABLE, Status.REFUSED_INPUT

_X265 = {"preset": "ultrafast", "x265-params": "log-level=none"}
_AV1 = {"codec": "libsvtav1", "options": {"preset": "12"}}
_AVI = {"codec": "mpeg4", "options": {"b": "2M"}}

_WHOLE = {
    "good": BadInput(_OK, "nothing is wrong with it", odd.make_good),
    "one_frame": BadInput(_OK, "a still", partial(odd.make_short, count=1)),
    "three_frames": BadInput(_OK, "less than the sample", partial(odd.make_short, count=3)),
    "rotated_90": BadInput(_OK, "a phone", partial(odd.make_rotated, rotation=90)),
    "rotated_180": BadInput(_OK, "a phone upside down", partial(odd.make_rotated, rotation=180)),
    "rotated_270": BadInput(_OK, "a phone", odd.make_rotated),
    "240_fps": BadInput(_OK, "slow motion", partial(encode, rate=240)),
    "variable_rate": BadInput(_OK, "a phone in the dark", odd.make_variable_rate),
    "late_start": BadInput(_OK, "a cut from a broadcast", odd.make_late_start, "late.ts"),
    "interlaced": BadInput(_OK, "old television", odd.make_interlaced),
    "changing_size": BadInput(_OK, "a video call", odd.make_changing_size, "changing_size.ts"),
    "longer_sound": BadInput(_OK, "sound outlasts it", odd.make_with_sound, "longer_sound.webm"),
    "cover_first": BadInput(_OK, "its first stream is a cover", odd.make_cover_first),
    "thumbnail_first": BadInput(_OK, "its first track is a thumbnail", odd.make_two_videos),
    "trimmed": BadInput(_OK, "an edit list shows a quarter of it", odd.make_trimmed),
    "negative_start": BadInput(_OK, "an edit list begins before it", odd.make_negative_start),
    "fragmented": BadInput(_OK, "a recorded stream: no index", odd.make_fragmented),
    "no_duration": BadInput(_OK, "a browser's", odd.make_no_duration, "no_duration.webm"),
    "no_timestamps": BadInput(_OK, "bare coded frames", odd.make_no_timestamps, "bare.h264"),
    "gray": BadInput(_OK, "no colour", _coded("ffv1", "gray"), "gray.mkv"),
    "yuv444": BadInput(_OK, "full colour resolution", _coded("libx264", "yuv444p")),
    "10_bit": BadInput(_OK, "10 bits a sample", _coded("libx264", "yuv420p10le")),
    "full_range": BadInput(_OK, "black is 0", _coded("libx264", "yuvj420p")),
    "rgb": BadInput(_OK, "no YUV at all", _coded("libx264rgb", "rgb24")),
    "alpha": BadInput(_OK, "see-through", _coded("prores_ks", "yuva444p10le"), "alpha.mov"),
    "mjpeg": BadInput(_OK, "pictures in AVI", _coded("mjpeg", "yuvj420p"), "mjpeg.avi"),
    "vp8": BadInput(_OK, "the web's", _coded("libvpx", **VPX), "vp8.webm"),
    "hidden_frame": BadInput(_OK, "one is never shown", odd.make_hidden_frame, "hidden.ivf"),
    "vp9": BadInput(_OK, "the web's", _coded("libvpx-vp9", **VPX), "vp9.webm"),
    "hevc": BadInput(_OK, "an iPhone's", _coded("libx265", **_X265), "hevc.mov"),
    "av1": BadInput(_OK, "the web's", partial(encode, **_AV1)),
    "mpeg4_b_frames": BadInput(_OK, "no display times", _coded("mpeg4", bf="2"), "mpeg4.avi"),
    "mpeg2": BadInput(_OK, "a DVD's", _coded("mpeg2video"), "mpeg2.mpg"),
    "wmv": BadInput(_OK, "an old Windows'", _coded("wmv2"), "wmv.wmv"),
    "flash": BadInput(_OK, "an old web page's", _coded("flv"), "flash.flv"),
    "lossless": BadInput(_OK, "an archive's", _coded("ffv1"), "lossless.mkv"),
    "uncompressed": BadInput(_OK, "no codec at all", _coded("rawvideo"), "uncompressed.avi"),
    "1_x_1": BadInput(_NO_FACE, "one pixel", _sized(1, 1)),
    "8_x_8": BadInput(_NO_FACE, "an icon", _sized(8, 8)),
    "odd_size": BadInput(_NO_FACE, "no multiple of two", _sized(321, 241)),
    "8192_wide": BadInput(_NO_FACE, "a banner", _sized(8192, 64)),
    "no_face": BadInput(_NO_FACE, "a landscape", odd.make_no_face),
    "tiny_face": BadInput(Status.FACES_TOO_SMALL, "in a crowd", odd.make_tiny_face),
    "blurred": BadInput(Status.TOO_BLURRED, "out of focus", odd.make_blurred),
}

_NAMED = {
    "spaces": BadInput(_OK, "a name", files.make_named, "two  spaces .mp4"),
    "quotes": BadInput(_OK, "a name", files.make_named, 'it\'s "so", he said.mp4'),
    "newline": BadInput(_OK, "a name", files.make_named, "two\nlines.mp4"),
    "non_latin": BadInput(_OK, "a name", files.make_named, "視頻 видео 🎬.mp4"),
    "pattern": BadInput(_OK, "a name that matches others", files.make_named, "%03d[1]*?{a,b}.mp4"),
    "protocol": BadInput(_OK, "a name like an address", files.make_named, "concat:http:a|b.mp4"),
    "option": BadInput(_OK, "a name like an option", files.make_named, "-i.mp4"),
    "long_name": BadInput(_OK, "255 bytes", files.make_named, "x" * 251 + ".mp4"),
    "not_utf8": BadInput(_OK, "an old disk's", files.make_named, "caf\udce9.mp4", cells=None),
}

_CUT = {
    "truncated": BadInput(_TRUNCATED, "a broken download", broken.make_truncated, used=True),
    "stump": BadInput(_TRUNCATED, "a quarter", partial(broken.make_truncated, share=0.25)),
    "cut_mkv": BadInput(_TRUNCATED, "a duration, no index", _cut(), "cut.mkv", True),
    "cut_avi": BadInput(_TRUNCATED, "its index is last", _cut(**_AVI), "cut.avi", True),
    "cut_fragments": BadInput(
        _TRUNCATED, "a stream", _cut(container_options={"movflags": "frag_keyframe"}), used=True
    ),
    "cut_ts": BadInput(_DAMAGED, "declares nothing", _cut(), "cut.ts", True),
    "middle_missing": BadInput(_TRUNCATED, "all behind has moved", broken.make_middle_missing),
    "zeroed_hole": BadInput(_DAMAGED, "a lost block", broken.make_damaged, used=True),
    "silent_loss": BadInput(_DAMAGED, "AV1 with a hole", partial(broken.make_damaged, **_AV1)),
    "bit_flips": BadInput(_DAMAGED, "bad memory", broken.make_bit_flips, used=True),
    "bad_packet": BadInput(_DAMAGED, "unread", broken.make_unreadable_packet, "packet.ivf", True),
    "no_key_frame": BadInput(
        _DAMAGED, "joined late", broken.make_no_key_frame, "joined_late.ts", True
    ),
    "no_index": BadInput(_UNREADABLE, "a camera's battery died", broken.make_no_index),
    "index_only": BadInput(_UNREADABLE, "no pictures", broken.make_index_only),
    "no_frames": BadInput(_UNREADABLE, "a track of no frames", broken.make_no_frames),
    "audio_only": BadInput(_UNREADABLE, "no picture", broken.make_audio_only),
    "audio_cover": BadInput(_UNREADABLE, "a cover", partial(broken.make_audio_only, cover=True)),
}

_LIES = {
    "count_high": BadInput(_OK, "its index counts double", _lie(b"stsz", 8, 2 * FRAME_COUNT)),
    "count_low": BadInput(_TRUNCATED, "or half", _lie(b"stsz", 8, FRAME_COUNT // 2), used=True),
    "count_absurd": BadInput(_UNREADABLE, "two billion", _lie(b"stsz", 8, 1 << 31)),
    "count_in_header": BadInput(_OK, "ten times its index", broken.make_lying_avi, "lie.avi"),
    "frame_too_long": BadInput(_TRUNCATED, "one of 2 GB", _lie(b"stsz", 52, 0x7FFFFFFF)),
    "one_byte_frames": BadInput(_UNREADABLE, "all sizes are wrong", _lie(b"stsz", 4, 1)),
    "behind_the_end": BadInput(_UNREADABLE, "no pictures there", _lie(b"stco", 8, 0xFFFFFF00)),
    "huge_frames": BadInput(_UNREADABLE, "claims 12000 x 12000", broken.make_huge, "huge.avi"),
    "bomb": BadInput(_UNREADABLE, "would unpack to 12 GB", broken.make_bomb, "bomb.avi"),
    "equal_times": BadInput(_OK, "all frames at once", broken.make_equal_times),
    "backward_times": BadInput(_OK, "times fall", broken.make_backward_times, "backward.mkv"),
    "joined": BadInput(_DAMAGED, "time begins anew", odd.make_joined, "joined.ts", True),
    "slow_time_base": BadInput(_OK, "frames 512 s apart", _time_scale(1)),
    "fast_time_base": BadInput(_OK, "4 million frames a second", _time_scale(0x7FFFFFFF)),
    "no_time_base": BadInput(_OK, "counts in nothing", _time_scale(0)),
    "long_duration": BadInput(_OK, "ten hours", broken.make_long_duration, "long.mkv"),
    "encrypted": BadInput(_UNREADABLE, "a shop's", _renamed(b"encv")),
    "unknown_codec": BadInput(_UNREADABLE, "nobody's", _renamed(b"xyz1")),
    "wrong_codec": BadInput(_UNREADABLE, "is not HEVC", _renamed(b"hvc1")),
    "nested": BadInput(_UNREADABLE, "5000 boxes deep", broken.make_nested),
    "external": BadInput(_UNREADABLE, "pictures in another file", broken.make_external_reference),
    "padded": BadInput(_OK, "rubbish behind it", _padded(after=b"x" * 5000)),
    "http_header": BadInput(_UNREADABLE, "a saved reply", _padded(b"HTTP/1.1 200 OK\r\n\r\n")),
}

_HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{name}\n#EXT-X-ENDLIST\n"
_HTTP = _HLS.replace("{name}", "http://127.0.0.1:9/segment.ts")
_SDP = "v=0\nc=IN IP4 127.0.0.1\nm=video 5000 RTP/AVP 96\na=rtpmap:96 H264/90000\n"

_NO_VIDEO = {
    "empty": BadInput(_UNREADABLE, "no bytes", files.make_empty),
    "text": BadInput(_UNREADABLE, "text", files.make_text),
    "zeros": BadInput(_UNREADABLE, "a full disk's", files.make_zeros),
    "random": BadInput(_UNREADABLE, "noise", files.make_random),
    "error_page": BadInput(_UNREADABLE, "a failed download", files.make_error_page),
    "zip": BadInput(_UNREADABLE, "an archive", files.make_zip),
    "png": BadInput(_UNREADABLE, "a picture", _picture(".png")),
    "jpeg": BadInput(_UNREADABLE, "a picture", _picture(".jpg")),
    "numbered": BadInput(_UNREADABLE, "a pattern of pictures", _picture(".jpg"), "p%d.jpg"),
    "playlist": BadInput(_UNREADABLE, "names a file", _pointer(_HLS), "list.m3u8"),
    "renamed_list": BadInput(_UNREADABLE, "names a file", _pointer(_HLS)),
    "web_list": BadInput(_UNREADABLE, "names an address", _pointer(_HTTP), "web.m3u8"),
    "concat": BadInput(
        _UNREADABLE, "names a file", _pointer("ffconcat version 1.0\nfile {name}\n")
    ),
    "session": BadInput(_UNREADABLE, "opens a port", _pointer(_SDP)),
    "folder": BadInput(_UNREADABLE, "a folder", files.make_folder),
    "dangling_link": BadInput(Status.MISSING, "a link to nothing", _link("nowhere")),
    "link_to_itself": BadInput(_UNREADABLE, "a link in a circle", _link("{name}")),
    "read_error": BadInput(_UNREADABLE, "a bad disk", _link("/proc/self/mem")),
    "pipe": BadInput(_UNREADABLE, "never ends", files.make_pipe),
    "socket": BadInput(_UNREADABLE, "nobody listens", files.make_socket),
    "no_permission": BadInput(_UNREADABLE, "not ours", files.make_forbidden, needs_user=True),
    "absent": BadInput(Status.MISSING, "listed, but not there", None),
}

_IN_THE_JOB = {
    "original": BadInput(_OK, "a clip", files.make_named),
    "original_copied": _row(
        Status.DUPLICATE, "its copy", partial(files.make_copy, of="original.mp4")
    ),
    "listed_twice": _row(Status.DUPLICATE, "its second row", file="original.mp4"),
    "unknown_label": _row(_REFUSED, "neither", files.make_named, label="MAYBE"),
    "no_label": _row(_REFUSED, "an empty cell", files.make_named, label=""),
    "unknown_split": _row(_REFUSED, "not one of ours", files.make_named, split="dev"),
    "no_name": _row(_REFUSED, "an empty cell", file=""),
    "climbing": _row(_REFUSED, "leaves the folder", file="../outside.mp4"),
    "absolute": _row(_REFUSED, "leaves the folder", file="/etc/passwd"),
    "hanging": _trigger(Status.TIMEOUT, "a loop without end", misbehaving.HANGS),
    "dying": _trigger(Status.CRASHED, "a fault in native code", misbehaving.DIES),
    "raising": _trigger(Status.CRASHED, "a fault in our code", misbehaving.RAISES),
    "filling_memory": _trigger(Status.CRASHED, "a leak", misbehaving.FILLS_MEMORY),
}

BAD_INPUTS: dict[str, BadInput] = _WHOLE | _NAMED | _CUT | _LIES | _NO_VIDEO | _IN_THE_JOB
"""By the name of the kind."""
