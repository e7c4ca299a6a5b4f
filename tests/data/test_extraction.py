"""The job on real clips, good and bad, through Beam; run once for all tests."""

import collections
import json
import os
import pathlib
import shutil

import pytest
import tensorflow as tf

from data import contract, dataset_folder, extraction, ledger, shards
from data.datasets import registry
from data.extraction import ExtractionOptions
from data.faces import FaceOptions
from data.ledger import Status
from tests.data import bad_clips

OPTIONS = ExtractionOptions(faces=FaceOptions(frames_per_video=4))
EXPECTED = {
    "good": Status.OK,
    "rotated": Status.OK,
    "truncated": Status.TRUNCATED,
    "damaged": Status.DAMAGED,
    "no_face": Status.NO_FACE,
    "audio_only": Status.UNREADABLE,
    "empty": Status.UNREADABLE,
    "text": Status.UNREADABLE,
}


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """A manifest of the clips, of one that is absent, of a copy, and of a fake across splits."""
    folder = tmp_path_factory.mktemp("dataset")
    rows = ["file,label,split,source,method,camera"]
    for name in EXPECTED:
        getattr(bad_clips, f"make_{name}")(folder / f"{name}.mp4")
        rows.append(f"{name}.mp4,REAL,train,,,phone")
    shutil.copy(folder / "good.mp4", folder / "the same.mp4")
    shutil.copy(folder / "rotated.mp4", folder / "across.mp4")
    rows += [
        "the same.mp4,REAL,train,,,phone",
        "absent.mp4,REAL,train,,,phone",
        "anchor.mp4,REAL,test,,,",
        "across.mp4,FAKE,,good.mp4;anchor.mp4,Swap,",
        "fake.mp4,FAKE,eval,,Swap,",
    ]
    shutil.copy(folder / "truncated.mp4", folder / "fake.mp4")
    with open(folder / "fake.mp4", "ab") as file:
        file.write(b"\0")  # another file of the same pictures
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def extracted(dataset, tmp_path_factory):
    output = tmp_path_factory.mktemp("extracted")
    extraction.extract(registry.read("manifest", dataset), output, OPTIONS)
    return output


def read_examples(output, split):
    files = sorted(str(path) for path in output.glob(f"{split}-*-of-*"))
    records = tf.data.TFRecordDataset(files).as_numpy_iterator()
    return {example.video_id: example for example in map(contract.parse, records)}


def test_every_input_has_one_row_with_its_status(dataset, extracted):
    rows = ledger.read(extracted / ledger.FILE_NAME)
    inputs = registry.read("manifest", dataset)
    assert [row.video_id for row in rows] == [video.video_id for video in inputs]
    statuses = {pathlib.Path(row.path).name: row.status for row in rows}
    assert statuses == {f"{name}.mp4": status for name, status in EXPECTED.items()} | {
        "the same.mp4": Status.DUPLICATE,
        "absent.mp4": Status.MISSING,
        "anchor.mp4": Status.MISSING,
        "across.mp4": Status.REFUSED_CROSS_SPLIT,
        "fake.mp4": Status.TRUNCATED,
    }
    assert all(row.reason for row in rows if row.status is not Status.OK)


def test_used_rows_are_the_examples_of_the_shards_they_name(extracted):
    used = collections.defaultdict(set)
    for row in ledger.read(extracted / ledger.FILE_NAME):
        assert row.used == bool(row.shard)
        if row.used:
            assert row.shard.startswith(f"{row.split}-")
            used[row.shard].add(row.video_id)
    written = {
        path.name: set(read_examples(extracted, path.name.split("-")[0]))
        for path in extracted.glob("*-*-of-*")
    }
    assert written == dict(used)
    assert set(written) == {"train-00000-of-00001", "eval-00000-of-00001"}


def test_an_example_says_what_the_contract_says(extracted):
    examples = read_examples(extracted, "train")
    example = examples["manifest/good.mp4"]
    assert example.label == contract.Label.REAL
    assert example.method == "real"
    assert example.slice_methods == ("Swap",), "a real counts in every method of its dataset"
    assert example.slices == {"camera": "phone"}
    assert (example.width, example.height) == (bad_clips.WIDTH, bad_clips.HEIGHT)
    assert len(example.faces) == 4
    assert example.faces[0].landmarks[0] > example.faces[0].box[0]
    fake = read_examples(extracted, "eval")["manifest/fake.mp4"]
    assert fake.slice_methods == ("Swap",)
    assert fake.slices == {"camera": "unknown"}


def test_rotated_clips_are_upright_with_their_face(extracted):
    example = read_examples(extracted, "train")["manifest/rotated.mp4"]
    assert (example.width, example.height) == (bad_clips.WIDTH, bad_clips.HEIGHT)
    assert len(example.faces) == 4


def test_files_that_are_not_ours_stay(tmp_path):
    for name in ("interview-part-1-of-3.mp4", "train-00000-of-00001.bak"):
        (tmp_path / name).touch()
    ours = tmp_path / "train-00000-of-00001"
    ours.touch()
    assert dataset_folder.find_shards(tmp_path) == [ours]


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(OSError, match="not a file"):
        extraction._sha256(str(tmp_path / "pipe.mp4"))


def test_an_output_that_lost_a_part_is_not_whole(dataset, extracted, tmp_path):
    fingerprint = json.loads((extracted / dataset_folder.DESCRIPTION).read_text())["fingerprint"]
    assert dataset_folder.is_complete(extracted, fingerprint)
    for lost in ("train-00000-of-00001", ledger.FILE_NAME):
        copy = pathlib.Path(shutil.copytree(extracted, tmp_path / f"without {lost}"))
        (copy / lost).unlink()
        assert not dataset_folder.is_complete(copy, fingerprint)


def test_nothing_half_written_is_left(extracted):
    names = {path.name for path in extracted.iterdir()}
    assert names == {
        "train-00000-of-00001",
        "eval-00000-of-00001",
        ledger.FILE_NAME,
        dataset_folder.DESCRIPTION,
    }
    summary = json.loads((extracted / dataset_folder.DESCRIPTION).read_text())
    assert summary["slice_columns"] == ["camera"]
    assert summary["splits"]["eval"] == {"videos": 1, "fakes": 1, "faces": 4}


class StopExtractionError(Exception):
    """Stands in for whatever ends a job in the middle."""


def test_an_interrupted_job_goes_on_and_ends_the_same(dataset, extracted, tmp_path, monkeypatch):
    videos = registry.read("manifest", dataset)
    original = shards.assign

    def stop(*_):
        raise StopExtractionError

    monkeypatch.setattr(shards, "assign", stop)
    with pytest.raises(Exception, match="StopExtractionError"):
        extraction.extract(videos, tmp_path, OPTIONS)
    monkeypatch.setattr(shards, "assign", original)
    assert not dataset_folder.is_complete(tmp_path, "")
    finished = extraction.count_finished(extraction.work_folder(tmp_path, OPTIONS))
    assert finished > 0

    def extract_nothing(path, *_):
        raise AssertionError(f"{path} was extracted again")

    monkeypatch.setattr(extraction, "extract_faces", extract_nothing)
    rows = extraction.extract(videos, tmp_path, OPTIONS)
    assert Status.CRASHED not in {row.status for row in rows}
    for path in extracted.glob("*-*-of-*"):
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_a_finished_job_is_not_repeated_and_a_changed_one_is(dataset, extracted, monkeypatch):
    videos = registry.read("manifest", dataset)
    monkeypatch.setattr(extraction.beam, "Pipeline", None)
    assert len(extraction.extract(videos, extracted, OPTIONS)) == len(videos)
    with pytest.raises(TypeError):  # it reaches for the pipeline
        extraction.extract(
            videos[1:], pathlib.Path(shutil.copytree(extracted, f"{extracted}-2")), OPTIONS
        )


def test_a_video_that_crashes_the_code_does_not_stop_the_others(dataset, tmp_path, monkeypatch):
    original = extraction.extract_faces

    def crash(path, *arguments):
        if path.endswith("good.mp4"):
            raise RuntimeError("a bug of ours")
        return original(path, *arguments)

    monkeypatch.setattr(extraction, "extract_faces", crash)
    videos = [
        video
        for video in registry.read("manifest", dataset)
        if video.path.endswith(("good.mp4", "rotated.mp4"))
    ]
    good, rotated = extraction.extract(videos, tmp_path, OPTIONS)
    assert (good.status, good.used) == (Status.CRASHED, False)
    assert good.reason == "RuntimeError: a bug of ours"
    assert (rotated.status, rotated.used) == (Status.OK, True)


def test_official_splits_of_faceforensics(shared_data, tmp_path):
    videos = registry.read("faceforensics", shared_data / "ffpp", shared_data / "ffpp_splits")
    rows = extraction.extract(
        videos, tmp_path, ExtractionOptions(faces=FaceOptions(frames_per_video=4))
    )
    splits = {pathlib.Path(row.path).stem: row.split for row in rows}
    assert splits == {
        "519": "train",
        "519_515": "train",
        "004": "eval",
        "004_982": "eval",
        "634": "test",
        "634_660": "test",
    }
    assert all((row.status, row.tracks_kept) == (Status.OK, 1) for row in rows)
    groups = {
        split: {example.source_group for example in read_examples(tmp_path, split).values()}
        for split in contract.SPLITS
    }
    assert all(len(group) == 1 for group in groups.values())
