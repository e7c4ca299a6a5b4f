"""A Transform graph outside a run, computed from an extraction's shards."""

from collections.abc import Sequence

import apache_beam as beam
import tensorflow_transform as tft
from apache_beam.options.pipeline_options import PipelineOptions
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform import beam as tft_beam
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata
from tfx_bsl.public import tfxio

from models.transform import RAW_FEATURES, preprocessing_fn
from pipeline import schema
from pipeline.config import DIRECT_RUNNER


def analyze(shards: Sequence[str], folder: str) -> str:
    """Computes what a run's Transform computes from its training videos.

    Args:
        shards: paths or patterns of TFRecords of Examples.
        folder: an empty one, for the graph and temporary files.

    Returns:
        The folder in it that `models.transform.transform_features.TransformFeatures` takes.
    """
    whole = schema.resolve(())
    # Images are most of an Example, and nothing is computed from them.
    pruned = schema_pb2.Schema(
        feature=[feature for feature in whole.feature if feature.name in RAW_FEATURES]
    )
    source = tfxio.TFExampleRecord(
        list(shards), schema=pruned, telemetry_descriptors=["unmask", "transform_graph"]
    )
    output = f"{folder}/transform_graph"
    raw = f"{output}/{tft.TFTransformOutput.RAW_METADATA_DIR}"
    with (
        beam.Pipeline(options=PipelineOptions(list(DIRECT_RUNNER))) as pipeline,
        tft_beam.Context(temp_dir=f"{folder}/scratch"),
    ):
        videos = pipeline | source.BeamSource()
        graph = (videos, source.TensorAdapterConfig()) | tft_beam.AnalyzeDataset(preprocessing_fn)
        graph | tft_beam.WriteTransformFn(output)
        DatasetMetadata(pruned) | tft_beam.WriteMetadata(raw, pipeline=pipeline)
    return output
