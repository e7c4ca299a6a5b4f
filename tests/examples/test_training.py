import csv
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from data.synthetic import generator
from tests.examples.conftest import EXAMPLES


def test_manifest_names_the_longest_original(run_example, tmp_path):
    for name in ("real/ann.mp4", "real/ann_b.mp4", "real/notes.txt", "fake/ann_b_swapped.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    (tmp_path / "fake" / "nobody.mp4").touch()
    run_example("make_manifest.py", tmp_path)
    with (tmp_path / "manifest.csv").open(newline="") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    assert rows == [
        ("real/ann.mp4", "REAL", ""),
        ("real/ann_b.mp4", "REAL", ""),
        ("fake/ann_b_swapped.mp4", "FAKE", "real/ann_b.mp4"),
        ("fake/nobody.mp4", "FAKE", ""),
    ]


@pytest.fixture
def clips(tmp_path):
    """A folder as a user has it: `real` and `fake`, with 20 clips each."""
    options = generator.SyntheticOptions(identities=20, frames=4)
    metadata = generator.generate(tmp_path / "generated", options)
    for label in ("real", "fake"):
        (tmp_path / "clips" / label).mkdir(parents=True)
    with metadata.open(newline="") as file:
        for row in csv.DictReader(file):
            suffix = "" if row["label"] == "REAL" else "_swapped"
            name = f"{row['identity']}{suffix}.mp4"
            target = tmp_path / "clips" / row["label"].lower() / name
            shutil.move(tmp_path / "generated" / row["file"], target)
    return tmp_path / "clips"


@pytest.mark.slow
def test_train_on_a_folder(clips, tmp_path):
    binaries = pathlib.Path(sys.executable).parent
    quick = ("models.0.steps=8", "models.0.image_size=32", "models.0.batch_size=8")
    subprocess.run(
        [
            *(EXAMPLES / "train_on_a_folder.sh", clips, tmp_path / "output"),
            *(word for value in quick for word in ("--set", value)),
            *("--set", "evaluation.gate.0.lower=0"),
        ],
        env={**os.environ, "PATH": f"{binaries}:{os.environ['PATH']}"},
        cwd=EXAMPLES.parent,
        check=True,
    )
    assert (tmp_path / "output" / "examples" / "sheet.png").is_file()
    (version,) = (tmp_path / "output" / "serving" / "meso4").iterdir()
    assert (version / "saved_model.pb").is_file()
