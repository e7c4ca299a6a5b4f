"""Ensemble: trained models of a run, joined to one that is gated and pushed like any other.

Each member is an input of its own: open-source Kubeflow Pipelines passes no lists of artifacts.
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
    """Joins the members in the config's order; weights and calibration are fitted on `eval`."""
    members = [member_1, member_2, member_3, member_4, member_5, member_6]
    uri = artifact_utils.get_split_uri([examples], "eval")
    build_ensemble(
        EnsembleConfig.model_validate_json(config),
        [path_utils.serving_model_path(member.uri) for member in members if member is not None],
        [io_utils.all_files_pattern(uri)],
        transform_graph.uri,
        folder=path_utils.serving_model_dir(model.uri),
        run_folder=model_run.uri,
        card={"code_version": code_hash, "metadata": json.loads(metadata)},
    )
