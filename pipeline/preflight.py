"""Checks before a run starts, so that no mistake costs hours of computing first."""

import os
import pathlib

import rich

from data.extraction import output_layout
from data.utils.errors import UsageError
from models.backbones import registry
from models.backbones import weights as backbone_weights
from models.networks import saved_network
from pipeline.config import RunConfig

MEMORY_FACTOR = 5.0
"""Peak memory of TFX's Beam steps on the direct runner, over the size of the Examples (measured:
2.6 to 3.2 GB on 640 MB)."""

_BASE_MEMORY_BYTES = 2 * 1024**3


def check_folder_names(config: RunConfig) -> None:
    """Refuses folders that TensorFlow and TFX take for patterns: what they write is not found.

    Raises:
        UsageError: a path of the run has *, ? or [ in it.
    """
    for key in ("examples", "output", "serving_root"):
        path = pathlib.Path(getattr(config, key)).resolve()
        if any(character in str(path) for character in "*?["):
            raise UsageError(
                f"{key}: {path}: no folder on the way may have *, ? or [ in its name, which "
                "TensorFlow takes for a pattern; rename it, or run elsewhere"
            )


def check_initial_weights(config: RunConfig) -> None:
    """Refuses a run if the weights that a model starts from are missing.

    Raises:
        UsageError: a weights file or the served version of a warm start is not there, or ImageNet
            weights cannot be fetched.
    """
    for model in config.models:
        if model.warm_start is not None:
            saved_network.read_card(model.warm_start)
        elif model.weights == registry.IMAGENET:
            # Fetches them if they are not yet on this machine.
            registry.build(model.model, model.image_size, registry.IMAGENET)
        elif model.weights is not None:
            backbone_weights.require_file(str(model.weights), model.name)


def check_memory(config: RunConfig) -> None:
    """Prints how much memory Beam's direct runner will need; other runners are not checked.

    Raises:
        UsageError: this machine has less.
    """
    if any(option.startswith("--runner=") and "Direct" not in option for option in config.beam):
        return
    examples = pathlib.Path(config.examples)
    size = sum(
        (examples / name).stat().st_size for name in output_layout.find_shards(str(examples))
    )
    needed = int(MEMORY_FACTOR * size) + _BASE_MEMORY_BYTES
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    gib = 1024**3
    rich.print(
        f"Examples: {size / gib:.2f} GiB; the direct runner will need about {needed / gib:.1f} of "
        f"this machine's {total / gib:.1f} GiB of memory"
    )
    if needed > total:
        raise UsageError(
            "the Examples are too large for Beam's direct runner on this machine: set "
            "`beam: [--runner=FlinkRunner, ...]` (or SparkRunner, DataflowRunner) in the config"
        )
