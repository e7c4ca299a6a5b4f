import dataclasses
import hashlib
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow.core.example import example_pb2
from tensorflow_metadata.proto.v0 import schema_pb2

import data
from data.contract import Annotation, FaceCrop, Measurements, VideoContent, VideoExample
from data.example_encoding import encode, parse, parse_content

SCHEMA = text_format.Parse(
    pathlib.Path(data.__file__).with_name("schema.pbtxt").read_text(), schema_pb2.Schema()
)


def face(track=0, time_s=0.0, image=b"\xff\xd8 jpeg \xff\xd9", usable=True):
    return FaceCrop(
        image=image,
        track=track,
        time_s=time_s,
        box=(1.5, 2.0, 30.25, 40.0),
        landmarks=tuple(float(i) for i in range(10)),
        score=0.75,
        sharpness=120.5,
        raw_sharpness=60.0,
        usable=usable,
    )


FAKE = VideoExample(
    sha256="ab" * 32,
    measurements=Measurements(
        width=640,
        height=360,
        frames_decoded=300,
        fps=29.5,
        duration_s=10.125,
        bit_rate=1_250_000.0,
    ),
    faces=(face(0, 0.0, b"a"), face(0, 0.5, b"b", usable=False), face(1, 0.25, b"c")),
    annotation=Annotation(
        video_id="demo/clips/é 1.mp4",
        label=1,
        dataset="demo",
        method="Deepfakes",
        compression="c23",
        slice_methods=("Deepfakes",),
        source_group="demo/7",
    ),
)


def said(video, **changes):
    """The same video, of which its dataset says something else."""
    annotation = dataclasses.replace(video.annotation, **changes)
    return dataclasses.replace(video, annotation=annotation)


REAL = said(
    dataclasses.replace(FAKE, faces=(face(),)),
    video_id="demo/real.mp4",
    label=0,
    method="real",
    compression="",
    slice_methods=("Deepfakes", "FaceSwap"),
)


@pytest.mark.parametrize(
    "video",
    [FAKE, REAL, said(FAKE, slices={"age": "18-30", "tone": "ünknown"})],
    ids=["fake", "real", "with slices"],
)
def test_round_trip(video):
    parsed = parse(encode(video))
    assert parsed == video
    assert {type(each.usable) for each in parsed.faces} == {bool}  # 1 and True are equal


def test_usable_faces_are_what_a_model_may_see():
    assert [each.image for each in FAKE.usable_faces] == [b"a", b"c"]


def test_equal_videos_are_equal_bytes():
    one = said(FAKE, slices={"a": "1", "b": "2"})
    other = said(FAKE, slices={"b": "2", "a": "1"})
    assert encode(one) == encode(other)


@pytest.mark.parametrize(
    ("video", "sha256"),
    [
        pytest.param(
            FAKE, "016bfc73bc6e2bbdc284b46c29ee40a9ed80e2312072970b121d237689e2727b", id="fake"
        ),
        pytest.param(
            REAL, "ce867af87bd971a06e386c20a5eedbc9957116bf05c3a6682cd4bc7260daa6d7", id="real"
        ),
        pytest.param(
            said(FAKE, slices={"age": "18-30", "tone": "ünknown"}),
            "3e5f6d8029542c90a7c4d2ed2682c299cef6711c8d2b78f712ce450300448985",
            id="with slices",
        ),
    ],
)
def test_the_bytes_stay_from_release_to_release(video, sha256):
    serialized = encode(video)
    assert hashlib.sha256(serialized).hexdigest() == sha256
    tensorflows = example_pb2.Example.FromString(serialized)
    assert tensorflows.SerializeToString(deterministic=True) == serialized


def test_floats_pass_through_float32():
    video = dataclasses.replace(FAKE, measurements=Measurements(fps=0.1))
    assert parse(encode(video)).measurements.fps == float(np.float32(0.1))


def test_tensorflow_reads_the_same():
    import tensorflow as tf

    def one(dtype):
        return tf.io.FixedLenFeature([], dtype)

    def many(dtype):
        return tf.io.RaggedFeature(dtype, row_splits_dtype=tf.int64)

    spec = {
        "video/id": one(tf.string),
        "video/sha256": one(tf.string),
        "video/width": one(tf.int64),
        "video/height": one(tf.int64),
        "video/frame_count": one(tf.int64),
        "video/fps": one(tf.float32),
        "video/duration_s": one(tf.float32),
        "video/bit_rate": one(tf.float32),
        "label": one(tf.int64),
        "dataset": one(tf.string),
        "method": one(tf.string),
        "compression": one(tf.string),
        "slice/method": many(tf.string),
        "slice/age": one(tf.string),
        "source_group": one(tf.string),
        "face/image": many(tf.string),
        "face/track": many(tf.int64),
        "face/time_s": many(tf.float32),
        "face/box": many(tf.float32),
        "face/landmarks": many(tf.float32),
        "face/score": many(tf.float32),
        "face/sharpness": many(tf.float32),
        "face/raw_sharpness": many(tf.float32),
        "face/usable": many(tf.int64),
    }
    videos = [said(video, slices={"age": "18-30"}) for video in (FAKE, REAL)]
    serialized = [encode(video) for video in videos]
    # Nothing is written that the table of the contract does not name.
    assert set(example_pb2.Example.FromString(serialized[0]).features.feature) == spec.keys()
    parsed = {
        name: value.to_list() if isinstance(value, tf.RaggedTensor) else value.numpy().tolist()
        for name, value in tf.io.parse_example(serialized, spec).items()
    }
    assert parsed["video/id"] == ["demo/clips/é 1.mp4".encode(), b"demo/real.mp4"]
    assert parsed["video/sha256"] == [b"ab" * 32] * 2
    assert parsed["video/width"] == [640, 640]
    assert parsed["video/height"] == [360, 360]
    assert parsed["video/frame_count"] == [300, 300]
    assert parsed["video/fps"] == [29.5, 29.5]
    assert parsed["video/duration_s"] == [10.125, 10.125]
    assert parsed["video/bit_rate"] == [1_250_000.0, 1_250_000.0]
    assert parsed["label"] == [1, 0]
    assert parsed["dataset"] == [b"demo", b"demo"]
    assert parsed["method"] == [b"Deepfakes", b"real"]
    assert parsed["compression"] == [b"c23", b""]
    assert parsed["slice/method"] == [[b"Deepfakes"], [b"Deepfakes", b"FaceSwap"]]
    assert parsed["slice/age"] == [b"18-30", b"18-30"]
    assert parsed["source_group"] == [b"demo/7", b"demo/7"]
    assert parsed["face/image"] == [[b"a", b"b", b"c"], [face().image]]
    assert parsed["face/track"] == [[0, 0, 1], [0]]
    assert parsed["face/time_s"] == [[0.0, 0.5, 0.25], [0.0]]
    assert parsed["face/box"] == [[1.5, 2.0, 30.25, 40.0] * 3, [1.5, 2.0, 30.25, 40.0]]
    assert parsed["face/landmarks"] == [list(range(10)) * 3, list(range(10))]
    assert parsed["face/score"] == [[0.75] * 3, [0.75]]
    assert parsed["face/sharpness"] == [[120.5] * 3, [120.5]]
    assert parsed["face/raw_sharpness"] == [[60.0] * 3, [60.0]]
    assert parsed["face/usable"] == [[1, 0, 1], [1]]


@pytest.mark.parametrize(
    ("faces", "message"),
    [
        ((), "a video without usable faces has no Example"),
        ((face(usable=False),), "a video without usable faces has no Example"),
        ((face(1), face(0)), "must be sorted by track, then by time"),
        ((face(0, 1.0), face(0, 0.5)), "must be sorted by track, then by time"),
    ],
)
def test_encode_rejects(faces, message):
    with pytest.raises(ValueError, match=f"{FAKE.annotation.video_id}.*{message}"):
        encode(dataclasses.replace(FAKE, faces=faces))


SCALARS = [
    *("video/id", "video/sha256", "video/width", "video/height", "video/frame_count"),
    *("video/fps", "video/duration_s", "video/bit_rate", "label", "dataset", "method"),
    *("compression", "source_group"),
]


def without(name):
    message = example_pb2.Example.FromString(encode(FAKE))
    del message.features.feature[name]
    return message.SerializeToString()


@pytest.mark.parametrize("name", SCALARS)
def test_parse_names_what_is_missing(name):
    with pytest.raises(ValueError, match=f"^the Example lacks {name}$"):
        parse(without(name))


@pytest.mark.parametrize(
    "name", ["track", "time_s", "box", "landmarks", "score", "sharpness", "usable"]
)
def test_parse_rejects_lists_of_different_lengths(name):
    with pytest.raises(ValueError, match=f"^face/{name}: values for 0 faces, .* holds 3"):
        parse(without(f"face/{name}"))


def test_parse_names_a_column_without_a_value():
    message = example_pb2.Example.FromString(encode(FAKE))
    message.features.feature["slice/age"].bytes_list.SetInParent()
    with pytest.raises(ValueError, match=r"^the Example lacks slice/age$"):
        parse(message.SerializeToString())


def test_other_features_are_no_columns_to_slice_by():
    message = example_pb2.Example.FromString(encode(FAKE))
    message.features.feature["note"].bytes_list.value.append(b"from elsewhere")
    assert parse(message.SerializeToString()) == FAKE


def test_parse_rejects_other_bytes():
    with pytest.raises(ValueError, match=r"^not a tf\.Example"):
        parse(b"\xff\xff")


def test_content_is_kept_without_what_a_dataset_says():
    content = VideoContent(FAKE.sha256, FAKE.measurements, FAKE.faces)
    serialized = encode(content)
    assert parse_content(serialized) == content
    assert content.annotated(FAKE.annotation) == FAKE
    assert parse_content(encode(FAKE)) == content
    with pytest.raises(ValueError, match=r"^the Example lacks video/id, label, dataset"):
        parse(serialized)


def test_reading_an_example_loads_no_tensorflow():
    code = "import sys, data.example_encoding; sys.exit('tensorflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.fixture(scope="module")
def find_anomalies(tmp_path_factory):
    """Validates Examples against the schema as the pipeline does."""
    import tensorflow as tf
    import tensorflow_data_validation as tfdv

    options = tfdv.StatsOptions(
        feature_allowlist=[f.name for f in SCHEMA.feature if f.name != "face/image"]
        + ["slice/unknown"]
    )

    def find(examples):
        path = str(tmp_path_factory.mktemp("examples") / "train-00000-of-00001")
        with tf.io.TFRecordWriter(path) as writer:
            for serialized in examples:
                writer.write(serialized)
        statistics = tfdv.generate_statistics_from_tfrecord(path, stats_options=options)
        anomalies = tfdv.validate_statistics(statistics, SCHEMA)
        return {name: info.short_description for name, info in anomalies.anomaly_info.items()}

    return find


def test_good_videos_have_no_anomalies(find_anomalies):
    assert find_anomalies([encode(FAKE), encode(REAL)]) == {}


def test_unlike_videos_have_anomalies(find_anomalies):
    dropped = without("source_group")
    unknown = encode(said(FAKE, slices={"unknown": "?"}))
    assert find_anomalies([dropped]) == {"source_group": "Column dropped"}
    assert find_anomalies([encode(REAL), unknown]) == {"slice/unknown": "New column"}
    third_class = encode(said(FAKE, label=2))
    assert find_anomalies([third_class]).keys() == {"label"}
