"""Tiny real inputs: crops of the astronaut portrait, Examples, a Transform graph, a network."""

import io
import pathlib

import numpy as np
import pytest
from PIL import Image

from data import example_encoding
from tests.tiny_dataset import PORTRAIT, make_video

ROOT = pathlib.Path(__file__).resolve().parents[2]


def portrait(size=64, tint=0.0, shift=0):
    """The portrait, uint8 [size, size, 3]; tint moves red up and blue down."""
    image = Image.fromarray(np.roll(PORTRAIT, shift, axis=1)).resize((size, size))
    tints = np.array([tint, 0, -tint])
    return (np.asarray(image) + tints).clip(0, 255).astype(np.uint8)


def encode(pixels, image_format="JPEG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, image_format, **options)
    return file.getvalue()


@pytest.fixture(scope="session")
def videos():
    """Eight videos of four groups, each a real and a fake."""
    return [make_video(number, number % 2, f"group{number // 2}") for number in range(8)]


@pytest.fixture(scope="session")
def write_records(tmp_path_factory):
    """Writes videos as ImportExampleGen does; returns the pattern of the files."""
    import tensorflow as tf

    def write(videos):
        folder = tmp_path_factory.mktemp("records")
        path = str(folder / "data_tfrecord-00000-of-00001.gz")
        with tf.io.TFRecordWriter(path, "GZIP") as writer:
            for video in videos:
                writer.write(example_encoding.encode(video))
        return str(folder / "*")

    return write


@pytest.fixture(scope="session")
def make_source(write_records, tmp_path_factory):
    """Crop sources of videos; closed at the end."""
    from models.inputs import CropSource

    sources = []

    def make(videos):
        path = str(tmp_path_factory.mktemp("source") / "crops")
        sources.append(CropSource.write([write_records(videos)], path))
        return sources[-1]

    yield make
    for source in sources:
        source.close()


@pytest.fixture(scope="session")
def transform_output(videos, analyze):
    """A Transform graph analysed over `videos`."""
    return analyze(videos)


@pytest.fixture(scope="session")
def analyze(tmp_path_factory):
    """Makes a Transform graph analysed over videos, written as TFX writes it."""
    import apache_beam as beam
    import tensorflow_transform as tft
    from google.protobuf import text_format
    from tensorflow_metadata.proto.v0 import schema_pb2
    from tensorflow_transform import beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata
    from tfx_bsl.public import tfxio

    from models.transform import preprocessing_fn

    schema = text_format.Parse((ROOT / "data" / "schema.pbtxt").read_text(), schema_pb2.Schema())
    metadata = dataset_metadata.DatasetMetadata(schema)
    source = tfxio.TFExampleBeamRecord(
        physical_format="inmem", schema=schema, telemetry_descriptors=["test"]
    )

    def analyze(videos):
        folder = tmp_path_factory.mktemp("transform")
        with (
            beam.Pipeline(options=beam.options.pipeline_options.PipelineOptions([])) as pipeline,
            tft_beam.Context(temp_dir=str(folder / "scratch")),
        ):
            records = pipeline | beam.Create([example_encoding.encode(video) for video in videos])
            transform_fn = (
                records | source.BeamSource(),
                source.TensorAdapterConfig(),
            ) | tft_beam.AnalyzeDataset(preprocessing_fn)
            transform_fn | tft_beam.WriteTransformFn(str(folder / "output"))
            metadata | "WriteRaw" >> tft_beam.WriteMetadata(
                str(folder / "output" / tft.TFTransformOutput.RAW_METADATA_DIR), pipeline=pipeline
            )
        return str(folder / "output")

    return analyze


@pytest.fixture(scope="session")
def network(tiny_backbone):
    """A classifier whose scores of `tiny_served.faces` fall on both sides of the thresholds."""
    from models.config import ModelConfig
    from models.networks import classifier
    from tests.models import tiny_served

    config = ModelConfig(model=tiny_backbone, image_size=tiny_served.SIZE, weights=None)
    network = classifier.build(config, "float32", weights=None)
    # Random last weights, wide enough.
    last = network.head.get_layer("logit")
    random = np.random.default_rng(0).normal(0, 4, last.get_weights()[0].shape)
    last.set_weights([random, np.zeros(1)])
    pixels, _ = tiny_served.faces(40)
    middle = np.median(tiny_served.logit(network, pixels))
    last.set_weights([random, np.array([-middle])])
    return network


@pytest.fixture(scope="session")
def thresholds(network):
    """Such that a third of the faces is real, uncertain and fake each."""
    from tests.models import tiny_served

    pixels, _ = tiny_served.faces(40)
    return np.quantile(tiny_served.probability(network, pixels), [1 / 3, 2 / 3])


@pytest.fixture(scope="session")
def saved(network, thresholds, transform_output, tmp_path_factory):
    """Folder of the network's SavedModel."""
    from models.calibration import Temperature
    from models.export import ServedModel, export
    from models.scoring import NetworkScorer
    from models.transform import TransformFeatures
    from tests.models import tiny_served

    calibrator = Temperature(temperature=tiny_served.TEMPERATURE)
    served = ServedModel(
        NetworkScorer(network),
        tiny_served.decision_of(calibrator, thresholds),
        track_length=tiny_served.TRACK_LENGTH,
        transform=TransformFeatures(transform_output),
        scope=tiny_served.SCOPE,
    )
    folder = str(tmp_path_factory.mktemp("saved"))
    export(served, folder, name="tiny", card={})
    return folder


@pytest.fixture(scope="session")
def call(saved):
    """Calls a signature of the SavedModel with rows of strings."""
    import tensorflow as tf

    loaded = tf.saved_model.load(saved)

    def call(signature, rows):
        spec = loaded.signatures[signature].structured_input_signature[1]
        (name,) = spec
        outputs = loaded.signatures[signature](**{name: tf.constant(rows, tf.string)})
        return {key: value.numpy() for key, value in outputs.items()}

    return call
