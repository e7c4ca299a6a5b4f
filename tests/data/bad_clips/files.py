"""Files that are no videos, whatever their names say, and things that are no files."""

import os
import pathlib
import shutil
import socket
import tempfile
import zipfile

import cv2
import numpy as np

from tests.data.bad_clips import mp4_boxes
from tests.data.bad_clips.encoding import encode, face_frames
from tests.data.bad_clips.odd import make_good


def make_empty(path: pathlib.Path) -> None:
    """A file of no bytes."""
    path.touch()


def make_text(path: pathlib.Path) -> None:
    """A text file, whatever its name says."""
    path.write_text("This is not a video.\n" * 50)


def make_zeros(path: pathlib.Path) -> None:
    """Zeros, as a disk that filled up leaves them."""
    path.write_bytes(bytes(64 << 10))


def make_random(path: pathlib.Path) -> None:
    """Noise, or a file under a key that is lost."""
    path.write_bytes(np.random.default_rng(2).bytes(64 << 10))


def make_error_page(path: pathlib.Path) -> None:
    """What a download of a clip that is gone brings home."""
    path.write_text("<!DOCTYPE html><html><head><title>404</title></head></html>\n")


def make_zip(path: pathlib.Path) -> None:
    """An archive with a clip in it."""
    make_good(path)
    content = path.read_bytes()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("clip.mp4", content)


def make_picture(path: pathlib.Path, suffix: str) -> None:
    """A still picture of a person."""
    done, content = cv2.imencode(suffix, cv2.cvtColor(face_frames()[0], cv2.COLOR_RGB2BGR))
    assert done
    path.write_bytes(content.tobytes())


def make_avif(path: pathlib.Path) -> None:
    """A still picture in MP4's container."""
    encode(path, face_frames()[:1], codec="libsvtav1", options={}, container="avif")


def make_pointer(path: pathlib.Path, text: str) -> None:
    """A file of text that FFmpeg would follow to the clip beside it, which must not be opened."""
    other = path.with_suffix(".other.ts")
    encode(other)
    path.write_text(text.format(name=other.name, path=other.resolve()))


def make_folder(path: pathlib.Path) -> None:
    """A folder with a clip in it."""
    path.mkdir()
    make_good(path / "clip.mp4")


def make_link(path: pathlib.Path, target: str) -> None:
    """A link, be there something at its end or not."""
    path.symlink_to(target.format(name=path.name))


def make_pipe(path: pathlib.Path) -> None:
    """A pipe that nobody writes to: who reads it waits for ever."""
    os.mkfifo(path)


def make_socket(path: pathlib.Path) -> None:
    """A socket that nobody listens to."""
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listener:
        # The path of a socket may be 108 bytes long.
        listener.bind(f"{short}/s")
        os.rename(f"{short}/s", path)


def make_forbidden(path: pathlib.Path) -> None:
    """The good clip, which nobody may read but root."""
    make_named(path)
    path.chmod(0)


def make_named(path: pathlib.Path) -> None:
    """The good clip under any name; each name's is another file."""
    make_good(path)
    with open(path, "ab") as file:
        file.write(mp4_boxes.box(b"free", os.fsencode(path.name)))


def make_copy(path: pathlib.Path, of: str) -> None:
    """Another clip's bytes, under a second name."""
    shutil.copy(path.with_name(of), path)
