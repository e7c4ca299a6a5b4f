"""The configuration of an extraction: what goes in, how faces are taken, and what runs it.

Describes the YAML of `unmask extract --config`, with which several datasets go into one run.
Relative paths start at the current folder. The defaults here also hold for the options of `unmask
extract` on the command line.
"""

import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import pydantic
from pydantic import Field

from data.extraction.options import ExtractionOptions
from data.utils import files, yaml_config
from data.utils.errors import UsageError
from data.utils.yaml_config import Section

if TYPE_CHECKING:
    from data.datasets import Listing


class DatasetConfig(Section):
    """One dataset as downloaded."""

    dataset: str = Field(description="layout, by its name in data/datasets/registry.py")
    input: str = Field(description="folder or URL of the dataset; for manifest the CSV file")
    splits: str | None = Field(
        default=None,
        description="the official lists: a folder for faceforensics, a file for celeb_df",
    )
    official: bool = Field(
        default=False,
        description="take official lists as they are, also where they are known to leak",
    )

    @pydantic.field_validator("dataset")
    @classmethod
    def _known(cls, dataset: str) -> str:
        from data.datasets import READERS

        if dataset not in READERS:
            known = ", ".join(sorted(READERS))
            raise ValueError(f"there is no such dataset; choose one of {known}")
        return dataset


class ExtractionConfig(ExtractionOptions):
    """A whole extraction; `runner_options` are checked by `data.extraction.runners`."""

    datasets: list[DatasetConfig] = Field(
        min_length=1, description="what is extracted; each dataset is a slice of the result"
    )
    output: str = Field(description="folder or URL for the shards, ledger.csv and dataset.json")
    workers: int = Field(default=1, ge=1, description="processes of the direct runner")
    runner: Literal["direct", "flink", "spark", "dataflow"] = Field(
        default="direct", description="what runs the job, see data/extraction/runners.py"
    )
    runner_options: dict[str, Any] = Field(
        default_factory=dict, description="of that runner, see data/extraction/runner_options.py"
    )

    def read_listings(self) -> "list[Listing]":
        """Lists the videos of all datasets.

        Raises:
            UsageError: see `data.datasets.read_listing`; or two datasets list the same video.
        """
        from data.datasets import read_listing

        listings = [
            read_listing(entry.dataset, entry.input, splits=entry.splits, official=entry.official)
            for entry in self.datasets
        ]
        first: dict[str, str] = {}
        for entry, listing in zip(self.datasets, listings, strict=True):
            for video in listing.videos:
                other = first.setdefault(video.video_id, entry.input)
                if other != entry.input:
                    raise UsageError(
                        f"{entry.input}: {video.video_id} is a video of {other} too; give its "
                        "rows another `dataset`, or extract one of the two elsewhere"
                    )
        return listings

    def check_output_is_apart(self) -> None:
        """Refuses an output in a dataset's folder, where readers would take it for the dataset.

        A manifest lists its files, so its reader takes no others.

        Raises:
            UsageError: the output is there.
        """
        for entry in self.datasets:
            if entry.dataset != "manifest" and _is_inside(self.output, entry.input):
                raise UsageError(
                    f"--output {self.output}: lies in the dataset's own folder {entry.input}, "
                    "whose next reading would take it for a part of the dataset; name a folder "
                    "outside, and move there what was extracted before"
                )

    def options(self) -> ExtractionOptions:
        """The options alone, without what is extracted and what runs it."""
        return ExtractionOptions(
            **{name: getattr(self, name) for name in ExtractionOptions.model_fields}
        )

    @pydantic.field_validator("datasets")
    @classmethod
    def _distinct(cls, datasets: list[DatasetConfig]) -> list[DatasetConfig]:
        inputs = [(entry.dataset, entry.input) for entry in datasets]
        repeated = sorted({entry for entry in inputs if inputs.count(entry) > 1})
        if repeated:
            raise ValueError(f"{', '.join(map(' '.join, repeated))} stands twice; leave one out")
        return datasets


def _is_inside(path: str, folder: str) -> bool:
    if files.is_local(path) and files.is_local(folder):
        path, folder = os.path.realpath(path), os.path.realpath(folder)
    return f"{path.rstrip('/')}/".startswith(f"{folder.rstrip('/')}/")


def from_command_line(
    path: pathlib.Path | None,
    source: Mapping[str, Any],
    changes: Mapping[str, Any],
    overrides: Sequence[str],
) -> ExtractionConfig:
    """Makes a configuration from a file, or from options alone; options override the file.

    Args:
        path: a YAML file, or None.
        source: the one dataset that the options name, by the keys of `DatasetConfig`; None for
            an option that is not set.
        changes: the other options, by the path of their key; None for one that is not set.
        overrides: `key=value` pairs, only with a file; the key is a path such as
            `faces.max_tracks`, the value YAML.

    Returns:
        The validated configuration.

    Raises:
        UsageError: what is needed is missing, or it is no configuration.
    """
    dataset = {key: value for key, value in source.items() if value is not None}
    if path is not None:
        if dataset:
            raise UsageError(
                f"--{' and --'.join(dataset)}: --config {path} names the datasets; "
                "change them there"
            )
        flags = [
            f"{key}={json.dumps(value)}" for key, value in changes.items() if value is not None
        ]
        return yaml_config.load(ExtractionConfig, path, [*overrides, *flags])
    if overrides:
        raise UsageError(f"--set {overrides[0]}: changes a key of --config, which is not given")
    missing = [f"--{name}" for name in ("dataset", "input") if name not in dataset]
    missing += [] if changes["output"] is not None else ["--output"]
    if missing:
        raise UsageError(f"{', '.join(missing)}: give this, or --config with a YAML file")
    content: dict[str, Any] = {"datasets": [dataset]}
    for key, value in changes.items():
        if value is not None:
            section, _, name = key.rpartition(".")
            (content.setdefault(section, {}) if section else content)[name] = value
    return yaml_config.check(ExtractionConfig, content, "options")
