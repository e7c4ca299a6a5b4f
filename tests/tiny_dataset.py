"""A dataset that any network learns in a few steps: real crops whose fakes are redder."""

import dataclasses
import pathlib

import numpy as np
import tensorflow as tf
from skimage import data as pictures

from data import contract, example_encoding, ledger
from data.extraction import output_layout
from data.faces import cropping
from data.ledger import LedgerRow, Status

PORTRAIT = pictures.astronaut()[0:224, 112:336]


def make_video(
    number: int, label: int, group: str, *, frames: int = 4, redder: float | None = None
) -> contract.VideoExample:
    """One video; `redder` moves red up and blue down, for fakes by 40 of 255."""
    tint = 40.0 * label if redder is None else redder
    picture = np.roll(PORTRAIT, 5 * number, axis=1)[::3, ::3]
    picture = (picture + np.array([tint, 0, -tint])).clip(0, 255).astype(np.uint8)
    faces = tuple(
        contract.FaceCrop(
            image=cropping.encode_jpeg(np.roll(picture, frame, axis=0)),
            track=0,
            time_s=0.5 * frame,
            box=(10.0, 20.0, 50.0 + number, 80.0 + number),
            landmarks=(25.0, 45.0, 35.0, 45.0, 30.0, 52.0, 26.0, 59.0, 34.0, 59.0),
            score=0.99,
            sharpness=100.0 * (number + 1),
            raw_sharpness=60.0,
            usable=True,
        )
        for frame in range(frames)
    )
    return contract.VideoExample(
        sha256=f"{number:064x}",
        measurements=contract.Measurements(
            width=320,
            height=240,
            frames_decoded=50,
            fps=25.0,
            duration_s=2.0,
            bit_rate=1000.0 * (number + 1),
        ),
        faces=faces,
        annotation=contract.Annotation(
            video_id=f"tiny/{number}.mp4",
            label=label,
            dataset="tiny",
            method="Redder" if label else contract.REAL_METHOD,
            compression="c23",
            slice_methods=("Redder",),
            source_group=group,
        ),
    )


def make_split(split: str, videos: int, *, mislabel: bool = False) -> list[contract.VideoExample]:
    """Pairs of a real and a fake; with `mislabel` half of the pairs carry each other's label."""
    first = 1000 * contract.SPLITS.index(split)
    made = []
    for pair in range(videos // 2):
        for label in (0, 1):
            wrong = mislabel and pair % 2 == 0
            number = first + 2 * pair + label
            shown = label != wrong
            made.append(make_video(number, label, f"tiny/{split}{pair}", redder=40.0 * shown))
    return made


def write(folder: pathlib.Path, *, fingerprint: str = "tiny", mislabel: bool = False) -> None:
    """Writes what an extraction job would: shards of every split, the ledger and `dataset.json`."""
    folder.mkdir(parents=True, exist_ok=True)
    sizes = {"train": 16, "eval": 8, "test": 8}
    rows = []
    for split, size in sizes.items():
        shard = f"{split}-00000-of-00001"
        videos = make_split(split, size, mislabel=mislabel and split != "test")
        with tf.io.TFRecordWriter(str(folder / shard)) as writer:
            for video in videos:
                writer.write(example_encoding.encode(video))
                said = video.annotation
                row = LedgerRow(said.video_id, said.video_id, said.label, Status.OK)
                rows.append(dataclasses.replace(row, split=split, shard=shard, used=True))
    (folder / ledger.FILE_NAME).write_text(ledger.to_csv(rows))
    splits = {split: {"videos": size, "fakes": size // 2} for split, size in sizes.items()}
    description = output_layout.Description(
        fingerprint=fingerprint, crop_fingerprint="", options={}, slice_columns=[], splits=splits
    )
    (folder / output_layout.DESCRIPTION_FILE).write_bytes(description.to_json())
