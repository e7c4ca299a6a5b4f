"""The compiled pipeline loads with Kubeflow's own SDK and holds nothing that it cannot run."""

import kfp
import pytest
import typer
import yaml
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2
from typer.testing import CliRunner

import configs
from kubeflow import commands
from tests import tiny_dataset

BOTH = "ensembles=[{name: both, members: [efficientnet_v2_b0, xception]}]"
SEARCH = "models.0.search={trials: 2, steps: 100, space: {dropout: {low: 0, high: 0.5}}}"
NODES = {
    "ImportExampleGen",
    "ImportSchemaGen",
    "StatisticsGen",
    "ExampleValidator",
    "SplitAudit",
    "Transform",
    "Tuner.efficientnet_v2_b0",
    "Trainer.efficientnet_v2_b0",
    "Trainer.xception",
    "Ensemble.both",
    *(
        f"{component}.{model}"
        for component in ("ServingBaseline", "Evaluator", "ServingCheck", "AtomicPusher")
        for model in ("efficientnet_v2_b0", "xception", "both")
    ),
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kubeflow")
    tiny_dataset.write(folder / "examples")
    output = folder / "pipeline.yaml"
    app = typer.Typer()
    app.command()(commands.compile)
    command = ["--config", str(configs.FOLDER / "kubeflow.yaml"), "--output", str(output)]
    for change in (f"examples={folder / 'examples'}", SEARCH, BOTH):
        command += ["--set", change]
    result = CliRunner().invoke(app, command, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return output


@pytest.fixture(scope="module")
def spec(compiled):
    return yaml.safe_load(compiled.read_text())


def test_the_sdk_loads_it(compiled):
    component = kfp.components.load_component_from_text(compiled.read_text())
    assert component.name == "faceforensics-kubeflow"


def test_it_is_a_pipeline_spec_of_schema_2_1(spec):
    assert spec["schemaVersion"] == "2.1.0"
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())


def test_every_component_is_a_container_of_our_image(spec):
    executors = spec["deploymentSpec"]["executors"]
    kinds = {kind for executor in executors.values() for kind in executor}
    assert kinds <= {"container", "importer"}, "open-source Kubeflow has no resolver"
    images = {
        executor["container"]["image"] for executor in executors.values() if "container" in executor
    }
    assert images == {"unmask:0.1.0"}


def test_it_is_the_graph_of_the_local_runner(spec):
    assert set(spec["root"]["dag"]["tasks"]) == NODES


def test_training_waits_for_the_audit(spec):
    assert "SplitAudit" in spec["root"]["dag"]["tasks"]["Transform"]["dependentTasks"]


def test_a_searched_model_is_trained_with_what_the_search_found(spec):
    tasks = spec["root"]["dag"]["tasks"]
    source = tasks["Trainer.efficientnet_v2_b0"]["inputs"]["artifacts"]["hyperparameters"]
    assert source["taskOutputArtifact"] == {
        "producerTask": "Tuner.efficientnet_v2_b0",
        "outputArtifactKey": "best_hyperparameters",
    }
    assert "hyperparameters" not in tasks["Trainer.xception"]["inputs"]["artifacts"]


def test_an_ensemble_is_made_of_its_members(spec):
    artifacts = spec["root"]["dag"]["tasks"]["Ensemble.both"]["inputs"]["artifacts"]
    members = {
        name: value["taskOutputArtifact"]["producerTask"]
        for name, value in artifacts.items()
        if name.startswith("member_")
    }
    assert members == {"member_1": "Trainer.efficientnet_v2_b0", "member_2": "Trainer.xception"}


def test_user_code_is_named_never_shipped(compiled):
    text = compiled.read_text()
    assert "models.training.run_fn.run_fn" in text
    assert "models.training.tuner_fn.tuner_fn" in text
    assert "module_file: ''" in text or "module_file" not in text


def test_the_schema_is_written_beside_it(compiled):
    assert "face/landmarks" in compiled.with_suffix(".schema.pbtxt").read_text()
