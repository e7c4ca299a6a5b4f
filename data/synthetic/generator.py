"""The sample dataset: short clips of one portrait's many looks, each real and self-blended.

It makes the demo and the tests run anywhere. It is no measure of a detector: all its faces
are one face, and the seam between face and surroundings is an easy cue.
"""

import csv
import dataclasses
import functools
import io
import multiprocessing
import pathlib
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import numpy.typing as npt
import rich

from data import contract
from data.synthetic.identities import COMPRESSIONS, make_identity
from data.utils import atomic_file
from data.utils.errors import UsageError
from data.utils.progress import progress_bar

METADATA_NAME = "metadata.csv"
COLUMNS = ("file", "identity", "label", "split", "method", "compression")
FAKE_METHOD = "SelfBlended"
MIN_IDENTITIES = 4
"""With fewer, a split would be empty."""

HELD_OUT_SHARE = 0.15
"""Of the identities, for `eval` and again for `test`."""


@dataclasses.dataclass(frozen=True)
class SyntheticOptions:
    """How much is made.

    Attributes:
        identities: each has one real and one fake clip; `MIN_IDENTITIES` or more.
        frames: of each clip.
        fps: frames a second.
        seed: equal seeds give byte-identical files, however many workers make them.
        workers: processes.
    """

    identities: int = 240
    frames: int = 12
    fps: int = 8
    seed: int = 0
    workers: int = 2


def assign_splits(identities: int, seed: int) -> tuple[str, ...]:
    """Deals whole identities out to the splits, shuffled by `seed`.

    Returns:
        The split of each identity: 15 % `eval`, 15 % `test`, the rest `train`.

    Raises:
        UsageError: there are too few identities for three splits.

    Example:
        >>> assign_splits(8, seed=0)
        ('train', 'train', 'train', 'eval', 'train', 'train', 'train', 'test')
    """
    if identities < MIN_IDENTITIES:
        raise UsageError(
            f"the synthetic dataset needs {MIN_IDENTITIES} identities or more for its three "
            f"splits, not {identities}: raise `identities`"
        )
    held_out = round(identities * HELD_OUT_SHARE)
    train, evaluation, test = contract.SPLITS
    splits = [train] * (identities - 2 * held_out) + [evaluation] * held_out + [test] * held_out
    return tuple(splits[i] for i in np.random.default_rng(seed).permutation(identities))


def write_clip(path: pathlib.Path, frames: list[npt.NDArray[np.uint8]], fps: int, crf: int) -> None:
    """Writes frames as H.264 in MP4, byte for byte the same for equal input.

    Args:
        path: of the file; its folder exists.
        frames: uint8 [height, width, 3], RGB, of one even size.
        fps: frames a second.
        crf: x264's constant rate factor: higher is smaller and worse.
    """
    import av

    from data.video import h264_options

    # Bit-exact: neither the time nor the library's version gets into the file.
    options = h264_options(crf, flags="+bitexact")
    with av.open(str(path), "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=fps, options=options)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())


def write_identity(
    output_dir: pathlib.Path, options: SyntheticOptions, index_and_split: tuple[int, str]
) -> list[dict[str, str]]:
    """Makes and writes the clips of one identity; returns their rows of the metadata.

    Args:
        output_dir: the dataset's folder, with `real` and `fake` in it.
        options: frames, fps and seed.
        index_and_split: the identity's number, from 0, and its split.
    """
    index, split = index_and_split
    clips = make_identity(options.seed, index, options.frames)
    crf = COMPRESSIONS[clips.compression]
    identity = f"id{index:04d}"
    rows = []
    for label, method, frames in (
        (contract.Label.REAL, contract.REAL_METHOD, clips.real),
        (contract.Label.FAKE, FAKE_METHOD, clips.fake),
    ):
        file = f"{label.name.lower()}/{identity}.mp4"
        write_clip(output_dir / file, frames, options.fps, crf)
        values = (file, identity, label.name, split, method, clips.compression)
        rows.append(dict(zip(COLUMNS, values, strict=True)))
    return rows


def write_identities(
    output_dir: pathlib.Path, options: SyntheticOptions, splits: tuple[str, ...]
) -> Iterator[list[dict[str, str]]]:
    """Writes all identities' clips, in order, and yields the rows of each."""
    work = functools.partial(write_identity, output_dir, options)
    if options.workers == 1:
        yield from map(work, enumerate(splits))
        return
    # Never fork: the caller may have used TensorFlow, whose threads do not survive it.
    spawn = multiprocessing.get_context("spawn")
    # OpenCV's threads would compete with the other workers.
    with spawn.Pool(options.workers, initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        yield from pool.imap(work, enumerate(splits), chunksize=4)


def generate(
    output_dir: pathlib.Path,
    options: SyntheticOptions,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pathlib.Path:
    """Writes the dataset: `real/*.mp4`, `fake/*.mp4`, and `metadata.csv` when all are there.

    A folder that has a `metadata.csv` is complete: an earlier one is removed first, and the
    new one appears when it is complete.

    Args:
        output_dir: made if needed; files of the same names are overwritten.
        options: how much, and from which seed.
        progress: called with identities done and identities in all, from 0 done on.

    Returns:
        The path of `metadata.csv`.

    Raises:
        UsageError: there are too few identities for three splits.
    """
    splits = assign_splits(options.identities, options.seed)
    metadata = output_dir / METADATA_NAME
    for folder in ("real", "fake"):
        (output_dir / folder).mkdir(parents=True, exist_ok=True)
    metadata.unlink(missing_ok=True)

    rows = []
    progress(0, options.identities)
    for done, clip_rows in enumerate(write_identities(output_dir, options, splits), start=1):
        rows.extend(clip_rows)
        progress(done, options.identities)

    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    atomic_file.write(metadata, table.getvalue().encode())
    return metadata


def generate_once(output_dir: pathlib.Path) -> None:
    """Writes the dataset with all defaults under a progress bar, unless it is there already."""
    if (output_dir / METADATA_NAME).is_file():
        rich.print(f"There already: {output_dir}")
        return
    with progress_bar("identities") as bar:
        task = bar.add_task("Making clips")
        options = SyntheticOptions()
        generate(output_dir, options, lambda n, total: bar.update(task, completed=n, total=total))
