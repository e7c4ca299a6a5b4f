"""ServingBaseline: a copy of the served model, for the Evaluator to compare with.

TFX finds the last blessed model with a Resolver, which open-source Kubeflow Pipelines cannot run,
and which may find a model that was never pushed, or has been rolled back since.
"""

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Model
from tfx.utils import path_utils

from components import served_versions


@component
def ServingBaseline(
    candidate: InputArtifact[Model],
    baseline: OutputArtifact[Model],
    serving_root: Parameter[str],
    model_name: Parameter[str],
    served_before: Parameter[str],
    code_hash: Parameter[str],
) -> None:
    """Copies the latest served version, or, where nothing is served, the candidate itself.

    The custom property `is_candidate` of the output says which. Its cache key holds the candidate
    and, by `served_before`, the served version: an unchanged run takes the comparison from the
    cache, and a run after somebody else changed what is served compares again.
    """
    version = served_versions.latest_version(serving_root, model_name)
    if version is None:
        source = path_utils.serving_model_path(candidate.uri)
    else:
        source = served_versions.version_path(serving_root, model_name, version)
        baseline.set_string_custom_property("served_version", str(version))
    served_versions.copy_tree(source, path_utils.serving_model_dir(baseline.uri))
    baseline.set_int_custom_property("is_candidate", int(version is None))
