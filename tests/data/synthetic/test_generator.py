import collections
import csv

import av
import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from data.synthetic import generator, identities
from data.utils.errors import UsageError

pytestmark = pytest.mark.slow

SMALL = generator.SyntheticOptions(identities=4, frames=6, seed=7, workers=1)


@pytest.fixture(scope="module")
def small_dataset(tmp_path_factory):
    root = tmp_path_factory.mktemp("synthetic")
    generator.generate(root, SMALL)
    return root


def contents(root):
    files = (path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


def decode(path):
    with av.open(str(path)) as container:
        (stream,) = container.streams
        frames = list(container.decode(video=0))
        return stream.codec_context.name, [frame.to_ndarray(format="rgb24") for frame in frames]


def read_rows(root):
    with (root / "metadata.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_same_seed_gives_the_same_bytes_whatever_the_workers(small_dataset, tmp_path):
    options = generator.SyntheticOptions(identities=4, frames=6, seed=7, workers=2)
    generator.generate(tmp_path, options)
    assert contents(tmp_path) == contents(small_dataset)


def test_another_seed_gives_other_clips(small_dataset, tmp_path):
    options = generator.SyntheticOptions(identities=4, frames=6, seed=8, workers=1)
    generator.generate(tmp_path, options)
    ours, theirs = contents(tmp_path), contents(small_dataset)
    assert ours.keys() == theirs.keys()
    assert all(ours[name] != theirs[name] for name in ours if name.endswith(".mp4"))


def test_every_clip_decodes(small_dataset):
    clips = sorted(small_dataset.glob("*/*.mp4"))
    assert len(clips) == 8
    for clip in clips:
        codec, frames = decode(clip)
        assert codec == "h264"
        assert [frame.shape for frame in frames] == [(192, 192, 3)] * 6


def test_clip_lasts_as_long_as_its_frames(small_dataset):
    with av.open(str(small_dataset / "real" / "id0000.mp4")) as container:
        times = [frame.time for frame in container.decode(video=0)]
    assert times == pytest.approx([i / 8 for i in range(6)])


def test_metadata_lists_each_clip_once(small_dataset):
    rows = read_rows(small_dataset)
    assert sorted(row["file"] for row in rows) == sorted(
        str(path.relative_to(small_dataset)) for path in small_dataset.glob("*/*.mp4")
    )
    for row in rows:
        folder = row["file"].split("/")[0]
        assert row["label"] == folder.upper()
        assert row["method"] == {"real": "real", "fake": "SelfBlended"}[folder]
        assert row["compression"] in identities.COMPRESSIONS


def test_splits_share_no_identity(small_dataset):
    splits_of = collections.defaultdict(set)
    for row in read_rows(small_dataset):
        splits_of[row["identity"]].add(row["split"])
    assert all(len(splits) == 1 for splits in splits_of.values())
    assert set.union(*splits_of.values()) == {"train", "eval", "test"}


@pytest.mark.parametrize(
    ("identities", "counts"),
    [
        pytest.param(240, {"train": 168, "eval": 36, "test": 36}, id="default"),
        pytest.param(20, {"train": 14, "eval": 3, "test": 3}, id="exact"),
        pytest.param(4, {"train": 2, "eval": 1, "test": 1}, id="smallest"),
    ],
)
def test_split_counts_are_exact(identities, counts):
    assert collections.Counter(generator.assign_splits(identities, seed=0)) == counts


def test_split_is_shuffled_by_the_seed():
    first, again, other = (generator.assign_splits(240, seed) for seed in (1, 1, 2))
    assert first == again != other
    assert first != tuple(sorted(first, key=["train", "eval", "test"].index))


def test_default_size_has_240_identities():
    assert generator.SyntheticOptions().identities == 240


def test_too_few_identities_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError, match=r"4 identities or more .* not 3"):
        generator.generate(tmp_path / "new", generator.SyntheticOptions(identities=3))
    assert not (tmp_path / "new").exists()


def test_interrupted_generation_leaves_no_metadata(small_dataset, tmp_path):
    (tmp_path / "metadata.csv").write_text("of an earlier, complete dataset")

    def interrupt(done, total):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generator.generate(tmp_path, SMALL, interrupt)
    assert not (tmp_path / "metadata.csv").exists()
    generator.generate(tmp_path, SMALL)
    assert contents(tmp_path) == contents(small_dataset)


def test_progress_counts_identities(tmp_path):
    seen = []
    options = generator.SyntheticOptions(identities=4, frames=1, workers=1)
    generator.generate(tmp_path, options, lambda done, total: seen.append((done, total)))
    assert seen == [(0, 4), (1, 4), (2, 4), (3, 4), (4, 4)]


def test_one_sharpness_threshold_does_not_separate_the_classes():
    centre = identities.FRAME_SIZE // 2
    face = slice(centre - 48, centre + 48)
    sharpness, labels = [], []
    for index in range(40):
        clips = identities.make_identity(seed=0, index=index, frames=1)
        for label, frames in ((0, clips.real), (1, clips.fake)):
            grey = cv2.cvtColor(frames[0][face, face], cv2.COLOR_RGB2GRAY)
            sharpness.append(cv2.Laplacian(grey, cv2.CV_64F).var())
            labels.append(label)
    auc = roc_auc_score(labels, sharpness)
    assert max(auc, 1 - auc) < 0.7


def test_mtcnn_finds_one_face_that_fits_its_crop(tmp_path):
    from mtcnn import MTCNN

    options = generator.SyntheticOptions(identities=4, frames=3, seed=0, workers=1)
    generator.generate(tmp_path, options)
    frames = [frame for clip in tmp_path.glob("*/*.mp4") for frame in decode(clip)[1][::2]]
    assert len(frames) == 16
    for faces in MTCNN().detect_faces(frames, min_face_size=20):
        (face,) = [face for face in faces if face["confidence"] > 0.9]
        _, _, width, height = face["box"]
        assert 0.55 < width / (1.3 * max(width, height)) < 0.77
        assert 80 < max(width, height) < 140


def test_clips_of_an_identity_show_the_same_motion():
    # Phase correlation finds no shift between the two faces, where identities' motions differ.
    for index in range(6):
        clips = identities.make_identity(seed=0, index=index, frames=4)
        for real, fake in zip(clips.real, clips.fake, strict=True):
            greys = [np.float32(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)) for frame in (real, fake)]
            window = cv2.createHanningWindow(greys[0].shape, cv2.CV_32F)
            shift, _ = cv2.phaseCorrelate(*greys, window)
            assert np.hypot(*shift) < 2.0


def test_half_of_the_reals_show_the_style_all_over(monkeypatch):
    # Without blending a fake is the unstyled picture, to which the real can be compared.
    monkeypatch.setattr(identities, "self_blend", lambda rng, picture, *_: picture)
    corner, face = (slice(0, 24), slice(0, 24)), (slice(80, 112), slice(80, 112))
    styled = []
    for index in range(60):
        clips = identities.make_identity(seed=0, index=index, frames=1)
        differences = [
            np.abs(clips.real[0][region].mean((0, 1)) - clips.fake[0][region].mean((0, 1))).max()
            for region in (corner, face)
        ]
        styled.append([difference > 1.0 for difference in differences])
    assert all(in_corner == in_face for in_corner, in_face in styled)
    assert 0.3 < np.mean(styled) < 0.7


def test_a_finished_dataset_is_not_made_again(tmp_path, monkeypatch, capsys, small_dataset):
    monkeypatch.setattr(generator, "SyntheticOptions", lambda: SMALL)
    generator.generate_once(tmp_path)
    assert contents(tmp_path) == contents(small_dataset)
    (tmp_path / "real").rename(tmp_path / "moved")
    generator.generate_once(tmp_path)
    assert "There already" in capsys.readouterr().out
    assert not (tmp_path / "real").exists()
