"""The TFX graph of a run; the same for the local runner and for Kubeflow."""

import dataclasses
import hashlib
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import tensorflow_data_validation as tfdv
import tensorflow_model_analysis as tfma
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.components.base.base_node import BaseNode
from tfx.orchestration import metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import example_gen_pb2, trainer_pb2, transform_pb2
from tfx.types import BaseChannel
from tfx.v1.components import (
    Evaluator,
    ExampleValidator,
    ImportExampleGen,
    ImportSchemaGen,
    StatisticsGen,
    Trainer,
    Transform,
    Tuner,
)

from components import served_versions
from components.atomic_pusher import AtomicPusher
from components.ensemble import Ensemble
from components.serving_baseline import ServingBaseline
from components.serving_check import ServingCheck
from components.split_audit import SplitAudit
from data import contract
from data.utils.code_hash import code_hash
from data.utils.errors import UsageError
from models.backbones import registry
from models.config import EnsembleConfig, ModelConfig
from models.transform import BUCKETS
from pipeline import evaluation, schema
from pipeline.config import RunConfig


@dataclasses.dataclass(frozen=True)
class Inputs:
    """Where the graph reads and writes, on the file system of its runner.

    Attributes:
        examples: folder of the extraction job's shards.
        schema: file of the run's resolved schema.
        slice_columns: further columns that the videos carry.
        fingerprint: of the extracted data; goes into `model.json`.
        notes: what its datasets do not tell; go into `model.json` too.
        root: folder for the artifacts.
        checkpoints: folder from which an interrupted training goes on.
        served_before: a key for each candidate, which changes when another version than in
            the last run is served; the candidate is then compared anew.
    """

    examples: str
    schema: str
    slice_columns: tuple[str, ...]
    fingerprint: str
    notes: tuple[str, ...]
    root: str
    checkpoints: str
    served_before: Mapping[str, str]

    def model_metadata(self, run: str) -> dict[str, Any]:
        """What `model.json` says of a run and of its data."""
        return {"run": run, "data_fingerprint": self.fingerprint, "data_notes": list(self.notes)}


def create(
    config: RunConfig,
    inputs: Inputs,
    metadata_connection: metadata.ConnectionConfigType | None,
    *,
    use_cache: bool = True,
) -> Pipeline:
    """Builds the graph.

    Args:
        config: the run.
        inputs: where it reads and writes.
        metadata_connection: of ML Metadata; None where the orchestrator has its own.
        use_cache: whether components whose inputs, parameters and code are unchanged since an
            earlier run are skipped.

    Raises:
        UsageError: the evaluation names a slice that the videos do not have, or a model is to
            be trained by several workers.
    """
    resolved = schema.resolve(inputs.slice_columns)
    ingestion, data = _ingest(config, inputs, resolved)
    eval_config = evaluation.eval_config(config.evaluation, schema.text_features(resolved), BUCKETS)
    nodes = list(ingestion)
    trainers: dict[str, BaseNode] = {}
    for model in config.models:
        training = _train(model, config, inputs, data)
        trainers[model.name] = training[-1]
        nodes += training
        nodes += _judge(model.name, training[-1], config, inputs, data, eval_config)
    for ensemble in config.ensembles:
        members = [trainers[name] for name in ensemble.members]
        joined = _join(ensemble, members, config, inputs, data)
        nodes.append(joined)
        nodes += _judge(ensemble.name, joined, config, inputs, data, eval_config)
    return Pipeline(
        pipeline_name=config.name,
        pipeline_root=inputs.root,
        components=nodes,
        enable_cache=use_cache,
        metadata_connection_config=metadata_connection,
        beam_pipeline_args=list(config.beam),
    )


@dataclasses.dataclass(frozen=True)
class _Data:
    """What every candidate is made and judged with."""

    examples: BaseChannel
    schema: BaseChannel
    transform_graph: BaseChannel


def _ingest(
    config: RunConfig, inputs: Inputs, resolved: schema_pb2.Schema
) -> tuple[list[BaseNode], _Data]:
    """The components that read, validate and audit the Examples and analyse the train split."""
    example_gen = ImportExampleGen(
        input_base=inputs.examples,
        input_config=example_gen_pb2.Input(
            splits=[
                example_gen_pb2.Input.Split(name=split, pattern=f"{split}-*")
                for split in contract.SPLITS
            ]
        ),
    )
    examples = example_gen.outputs["examples"]
    run_schema = ImportSchemaGen(schema_file=inputs.schema)
    statistics = StatisticsGen(
        examples=examples,
        # Statistics of the images themselves would cost memory and tell nothing.
        stats_options=tfdv.StatsOptions(
            feature_allowlist=[
                feature.name for feature in resolved.feature if feature.name != "face/image"
            ]
        ),
    )
    validator = ExampleValidator(
        statistics=statistics.outputs["statistics"], schema=run_schema.outputs["schema"]
    )
    audit = SplitAudit(
        examples=examples,
        anomalies=validator.outputs["anomalies"],
        reals_suffice=json.dumps(config.reals_suffice),
        notes=json.dumps(inputs.notes),
        code_hash=code_hash("components.split_audit"),
    )
    transform = Transform(
        examples=examples,
        schema=run_schema.outputs["schema"],
        preprocessing_fn="models.transform.preprocessing.preprocessing_fn",
        splits_config=transform_pb2.SplitsConfig(analyze=["train"], transform=[]),
        materialize=False,
        disable_statistics=True,
        custom_config={"code_hash": code_hash("models.transform.preprocessing")},
    )
    transform.add_upstream_node(audit)
    data = _Data(examples, run_schema.outputs["schema"], transform.outputs["transform_graph"])
    return [example_gen, run_schema, statistics, validator, audit, transform], data


def _train(model: ModelConfig, config: RunConfig, inputs: Inputs, data: _Data) -> list[BaseNode]:
    """A model's Trainer, after a Tuner if its config has a search."""
    if model.strategy == "multi_worker":
        raise UsageError(
            f"{model.name}: strategy multi_worker: a run starts its Trainer on one machine alone; "
            "set it to mirrored, or start `models.training.run_fn.run_fn` on each machine "
            "yourself, with TF_CONFIG and a folder for checkpoints that all of them see"
        )
    common = {
        "examples": data.examples,
        "transform_graph": data.transform_graph,
        "schema": data.schema,
        "train_args": trainer_pb2.TrainArgs(splits=["train"]),
        "eval_args": trainer_pb2.EvalArgs(splits=["eval"]),
        "custom_config": {
            "model": model.model_dump_json(),
            "code_hash": code_hash("models.training.run_fn", "models.training.tuner_fn"),
            "warm_start_sha256": _warm_start_hash(model),
            "weights_sha256": _weights_hash(model),
            "checkpoints": inputs.checkpoints,
            "metadata": inputs.model_metadata(config.name),
        },
    }
    run_fn = "models.training.run_fn.run_fn"
    if model.search is None:
        return [Trainer(run_fn=run_fn, **common).with_id(f"Trainer.{model.name}")]
    tuner = Tuner(tuner_fn="models.training.tuner_fn.tuner_fn", **common)
    best = tuner.outputs["best_hyperparameters"]
    trainer = Trainer(run_fn=run_fn, hyperparameters=best, **common)
    return [tuner.with_id(f"Tuner.{model.name}"), trainer.with_id(f"Trainer.{model.name}")]


def _join(
    ensemble: EnsembleConfig,
    members: Sequence[BaseNode],
    config: RunConfig,
    inputs: Inputs,
    data: _Data,
) -> BaseNode:
    """An ensemble of trained models."""
    return Ensemble(
        examples=data.examples,
        transform_graph=data.transform_graph,
        config=ensemble.model_dump_json(),
        metadata=json.dumps(inputs.model_metadata(config.name)),
        code_hash=code_hash("components.ensemble"),
        **{
            f"member_{number}": member.outputs["model"]
            for number, member in enumerate(members, start=1)
        },
    ).with_id(f"Ensemble.{ensemble.name}")


def _judge(
    name: str,
    trainer: BaseNode,
    config: RunConfig,
    inputs: Inputs,
    data: _Data,
    eval_config: tfma.EvalConfig,
) -> list[BaseNode]:
    """The components that compare a candidate with what is served, evaluate, serve and push it."""
    candidate = trainer.outputs["model"]
    baseline = ServingBaseline(
        candidate=candidate,
        serving_root=config.serving_root,
        model_name=name,
        served_before=inputs.served_before[name],
        code_hash=code_hash("components.serving_baseline"),
    ).with_id(f"ServingBaseline.{name}")
    evaluator = Evaluator(
        examples=data.examples,
        model=candidate,
        baseline_model=baseline.outputs["baseline"],
        eval_config=eval_config,
        example_splits=["test"],
    ).with_id(f"Evaluator.{name}")
    check = ServingCheck(
        model=candidate,
        examples=data.examples,
        model_name=name,
        code_hash=code_hash("components.serving_check"),
    ).with_id(f"ServingCheck.{name}")
    pusher = AtomicPusher(
        model=candidate,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=check.outputs["blessing"],
        serving_root=config.serving_root,
        model_name=name,
        code_hash=code_hash("components.atomic_pusher"),
    ).with_id(f"AtomicPusher.{name}")
    return [baseline, evaluator, check, pusher]


def _weights_hash(model: ModelConfig) -> str:
    """SHA-256 of a weights file: another file at the same path is another input."""
    if model.weights in (None, registry.IMAGENET) or not pathlib.Path(str(model.weights)).is_file():
        return ""
    return hashlib.sha256(pathlib.Path(str(model.weights)).read_bytes()).hexdigest()


def _warm_start_hash(model: ModelConfig) -> str:
    """SHA-256 of the version that training starts from; empty without a warm start."""
    return "" if model.warm_start is None else served_versions.content_hash(model.warm_start)
