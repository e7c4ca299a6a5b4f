"""A served model made from weights that others trained."""

import hashlib
import os
import pathlib
import tempfile
from typing import Any

import numpy as np

from components import atomic_pusher, served_versions
from data.extraction import output_layout
from data.utils import files
from data.utils.code_hash import code_hash
from data.utils.errors import UsageError
from models.calibration import uncalibrated
from models.config import ModelConfig
from models.export import EvalScores, ServedModel, export, export_calibrated
from models.inputs import CropSource
from models.networks import classifier, mesonet_weights, saved_network
from models.scoring import NetworkScorer, score_videos
from models.transform import TransformFeatures, label_only
from pipeline import transform_graph

_SPLIT = "eval"


def import_weights(
    path: str, config: ModelConfig, *, serving_root: str, examples: str | None
) -> str:
    """Makes a served model from a weights file and pushes it.

    Args:
        path: of a file that MesoNet's authors published.
        config: one of `models.networks.mesonet_weights.NAMES`, its served name, image size, track
            length, method of calibration and error rates.
        serving_root: folder that a server watches.
        examples: folder that `unmask extract` wrote, whose `eval` split the model is calibrated
            on; None leaves it uncalibrated.

    Returns:
        Folder of the version that now serves the weights.

    Raises:
        UsageError: the network cannot be imported, the file does not hold its weights, or the
            folder holds no extraction with an `eval` split.
    """
    if config.model not in mesonet_weights.NAMES:
        raise UsageError(
            f"{config.model}: weights can be imported of {', '.join(mesonet_weights.NAMES)} alone"
        )
    network = classifier.build(config, "float32", weights=None)
    mesonet_weights.load(network, path)
    scorer = NetworkScorer(network)
    card = {
        "config": config.model_dump(mode="json"),
        "variables_sha256": saved_network.variables_sha256(network),
        "code_version": code_hash("pipeline.importing"),
        "imported": {
            "file": pathlib.Path(path).name,
            "sha256": hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest(),
        },
    }
    with tempfile.TemporaryDirectory(prefix="unmask-import-") as scratch:
        saved = f"{scratch}/saved"
        if examples is None:
            decision, warning = uncalibrated()
            print(f"warning: {warning}", flush=True)
            served = ServedModel(
                scorer,
                decision,
                track_length=config.track_length,
                transform=label_only,
                scope=config.scope,
            )
            card = {**decision.to_json(), "warnings": [warning], **card}
            export(served, saved, name=config.name, card=card)
        else:
            _export_calibrated(scorer, config, card, saved, _eval_shards(examples), scratch)
        version = atomic_pusher.push(saved, serving_root, config.name)
    return served_versions.version_path(serving_root, config.name, version)


def _export_calibrated(
    scorer: NetworkScorer,
    config: ModelConfig,
    card: dict[str, Any],
    folder: str,
    shards: list[str],
    scratch: str,
) -> None:
    # An import has no folder of a run: what calibration draws goes into the model's own.
    side_files = os.path.join(folder, "assets.extra")
    os.makedirs(side_files)
    transform = TransformFeatures(transform_graph.analyze(shards, scratch))
    crops_file = os.path.join(scratch, "crops")
    with CropSource.write(shards, crops_file, transform, compression="") as crop_source:
        logits = score_videos(scorer, crop_source, np.arange(len(crop_source.index.offset)))
        messages = export_calibrated(
            scorer,
            EvalScores(logits, crop_source.index, evaluations=1),  # no choice among several
            config,
            transform,
            folder=folder,
            run_folder=side_files,
            card={"data_fingerprint": {_SPLIT: crop_source.fingerprint}, **card},
        )
    print("\n".join(messages), flush=True)


def _eval_shards(examples: str) -> list[str]:
    if output_layout.read_description(examples) is None:
        raise UsageError(f"{examples}: holds no extraction; `unmask extract` writes one")
    shards = output_layout.find_shards(examples)
    names = [shard for shard in shards if shard.startswith(f"{_SPLIT}-")]
    if not names:
        raise UsageError(f"{examples}: its {_SPLIT} split, which calibrates, holds no video")
    return [files.join(examples, name) for name in names]
