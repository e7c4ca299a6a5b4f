"""A search for hyper-parameters within the graph, up to the model that is trained with its best."""

import json
import pathlib

import pytest
import yaml
from tfx.orchestration import metadata
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.pipeline import RunOptions

from pipeline import config, graph, schema
from tests import tiny_dataset

pytestmark = pytest.mark.slow

MODEL = {
    "model": "meso4",
    "image_size": 32,
    "weights": None,
    "precision": "float32",
    "batch_size": 4,
    "steps": 4,
    "eval_interval": 4,
    "frames_per_video": 2,
    "augmentation": {
        "warp_probability": 0,
        "colour_probability": 0,
        "scaling_probability": 0,
        "cutout_probability": 0,
    },
}
SEARCH = {"trials": 2, "steps": 2, "space": {"learning_rate": {"choices": [0.01, 0.02]}}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("search")
    tiny_dataset.write(folder / "examples")
    schema.write(schema.resolve(()), folder / "schema.pbtxt")
    return folder


@pytest.fixture(scope="module")
def pipeline(folder):
    """A searched model and one that is not, with all that judges them."""
    content = {
        "name": "tiny",
        "examples": str(folder / "examples"),
        "output": str(folder / "run"),
        "serving_root": str(folder / "serving"),
        "models": [{**MODEL, "search": SEARCH}, {**MODEL, "name": "plain"}],
        "evaluation": {"gate": [{"metric": "auc", "lower": 0.5}]},
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(content))
    return graph.create(
        config.load(folder / "run.yaml"),
        graph.Inputs(
            examples=str(folder / "examples"),
            schema=str(folder / "schema.pbtxt"),
            slice_columns=(),
            fingerprint="tiny",
            notes=(),
            root=str(folder / "artifacts"),
            checkpoints=str(folder / "checkpoints"),
            served_before={"meso4": "", "plain": ""},
        ),
        metadata.sqlite_metadata_connection_config(str(folder / "metadata.db")),
    )


@pytest.fixture(scope="module")
def nodes(pipeline):
    return {node.id: node for node in pipeline.components}


def test_a_tuner_comes_before_the_trainer_of_a_searched_model_alone(nodes):
    assert [name for name in nodes if name.startswith("Tuner")] == ["Tuner.meso4"]
    source = nodes["Trainer.meso4"].inputs["hyperparameters"]
    assert source is nodes["Tuner.meso4"].outputs["best_hyperparameters"]
    assert "hyperparameters" not in nodes["Trainer.plain"].inputs


def test_the_tuner_s_cache_knows_of_the_code_as_the_trainer_s_does(nodes):
    tuner, trainer = (nodes[f"{kind}.meso4"].exec_properties for kind in ("Tuner", "Trainer"))
    assert tuner["custom_config"] == trainer["custom_config"]
    assert len(json.loads(tuner["custom_config"])["code_hash"]) == 16


def test_the_tuner_never_sees_test(nodes):
    properties = nodes["Tuner.meso4"].exec_properties
    assert json.loads(properties["train_args"])["splits"] == ["train"]
    assert json.loads(properties["eval_args"])["splits"] == ["eval"]


@pytest.fixture(scope="module")
def ran(pipeline, folder):
    """Runs what leads to the searched model."""
    LocalDagRunner().run(pipeline, run_options=RunOptions(to_nodes=["Trainer.meso4"]))
    return folder / "artifacts"


def only(folder: pathlib.Path, pattern: str) -> pathlib.Path:
    (path,) = folder.glob(pattern)
    return path


def test_the_model_is_trained_with_the_best_values(ran):
    results = json.loads(only(ran, "Tuner.meso4/tuner_results/*/tuner_results.json").read_text())
    assert {json.loads(result["learning_rate"]) for result in results} == {0.01, 0.02}
    pattern = "Trainer.meso4/model/*/Format-Serving/assets.extra/model.json"
    card = json.loads(only(ran, pattern).read_text())
    best = json.loads(results[0]["learning_rate"])
    assert card["search"]["chosen"] == {"learning_rate": best}
    assert card["search"]["auc"] == results[0]["score"] == max(r["score"] for r in results)
    assert card["config"]["learning_rate"] == best
    # Two trials of an evaluation each, and the training's.
    assert card["evaluations"] == 3
