"""Ensemble: trained models of a run, joined to one that is judged and pushed like any other.

Its inputs are named one by one: open-source Kubeflow Pipelines passes single artifacts alone.
"""

import json

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, Model, ModelRun, TransformGraph
from tfx.utils import io_utils, path_utils

from models.config import EnsembleConfig
from models.ensembles import build_ensemble


@component
def Ensemble(
    examples: InputArtifact[Examples],
    transform_graph: InputArtifact[TransformGraph],
    member_1: InputArtifact[Model],
    member_2: InputArtifact[Model],
    model: OutputArtifact[Model],
    model_run: OutputArtifact[ModelRun],
    config: Parameter[str],
    metadata: Parameter[str],
    code_hash: Parameter[str],
    member_3: InputArtifact[Model] = None,
    member_4: InputArtifact[Model] = None,
    member_5: InputArtifact[Model] = None,
    member_6: InputArtifact[Model] = None,
) -> None:
    """Joins the members in the order of the config, and fits on `eval` what is to be fitted."""
    given = [member_1, member_2, member_3, member_4, member_5, member_6]
    uri = artifact_utils.get_split_uri([examples], "eval")
    build_ensemble(
        EnsembleConfig.model_validate_json(config),
        [path_utils.serving_model_path(member.uri) for member in given if member is not None],
        [io_utils.all_files_pattern(uri)],
        transform_graph.uri,
        folder=path_utils.serving_model_dir(model.uri),
        run_folder=model_run.uri,
        card={"code_version": code_hash, "metadata": json.loads(metadata)},
    )
