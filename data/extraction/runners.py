"""What runs the extraction job: this machine, or a Flink, Spark or Dataflow cluster.

What each runner needs stands in docs/extraction.md, "Where the job runs". Beam ignores options that
it does not know and notices missing ones only when a job is under way, so both are checked here.
"""

import os
import re
import shutil
from collections.abc import Mapping
from typing import Any

import pydantic
from apache_beam.options.pipeline_options import PipelineOptions
from pydantic import BaseModel

from data.extraction import runner_options
from data.utils import files, yaml_config
from data.utils.errors import UsageError

RUNNERS: Mapping[str, tuple[str, type[BaseModel]]] = {
    "direct": ("DirectRunner", runner_options.DirectOptions),
    "flink": ("FlinkRunner", runner_options.FlinkOptions),
    "spark": ("SparkRunner", runner_options.SparkOptions),
    "dataflow": ("DataflowRunner", runner_options.DataflowOptions),
}
"""Beam's class and our options of each runner, by the name that a configuration gives it."""

_PARALLELISM = {
    "flink": "runner_options.parallelism",
    "spark": "its cluster, or runner_options.spark_master_url, such as local[4]",
    "dataflow": "runner_options.num_workers",
}


def pipeline_options(runner: str, workers: int, options: Mapping[str, Any]) -> PipelineOptions:
    """Makes Beam's options for a runner.

    Args:
        runner: one of `RUNNERS`.
        workers: processes of the direct runner; 1 runs in this one. 1 for the other runners.
        options: the runner's own, see `data/extraction/runner_options.py`.

    Returns:
        The options; nothing of our own command line is in them.

    Raises:
        UsageError: the runner is unknown; an option is unknown, missing or has a wrong value; or
            this machine lacks what is needed to submit the job.
    """
    checked = _check(runner, options)
    name, _ = RUNNERS[runner]
    # The empty list keeps Beam from reading our own command line.
    if runner == "direct":
        if workers == 1:
            return PipelineOptions([], runner=name, direct_running_mode="in_memory")
        return PipelineOptions(
            [],
            runner=name,
            direct_running_mode="multi_processing",
            direct_num_workers=workers,
            beam_plugins=["data.extraction.beam_worker"],
        )
    if workers != 1:
        raise UsageError(
            f"workers: {workers} counts processes of the direct runner; {runner} takes its number "
            f"from {_PARALLELISM[runner]}"
        )
    if isinstance(checked, runner_options.FlinkOptions | runner_options.SparkOptions):
        _check_job_server(runner, checked)
    return PipelineOptions(
        [], runner=name, **checked.model_dump(exclude_none=True, exclude={"shared_mount"})
    )


def check_reachable(runner: str, options: Mapping[str, Any], paths: Mapping[str, str]) -> None:
    """Checks that a runner's workers can open what they have to read and write.

    Args:
        runner: one of `RUNNERS`.
        options: the runner's own, as for `pipeline_options`.
        paths: what the job reads and writes, by the name under which the user gave it.

    Raises:
        UsageError: only this machine can open a path, and the work is done elsewhere; or as
            `pipeline_options` for the runner and its options.
    """
    checked = _check(runner, options)
    for name, path in paths.items():
        if _reaches(checked, path):
            continue
        cure = "a URL, such as gs://bucket/folder"
        if isinstance(checked, runner_options.PortableOptions):
            cure += ", or runner_options.shared_mount: true if every worker has it mounted there"
        raise UsageError(
            f"{name}: {path} is a path of this machine, which the workers of {runner} do not see; "
            f"give {cure}"
        )


def _check(runner: str, options: Mapping[str, Any]) -> BaseModel:
    if runner not in RUNNERS:
        raise UsageError(f"unknown runner '{runner}': choose one of {', '.join(RUNNERS)}")
    _, model = RUNNERS[runner]
    try:
        return model.model_validate(dict(options))
    except pydantic.ValidationError as error:
        lines = []
        for problem in error.errors():
            text = f"runner {runner}: runner_options.{yaml_config.problem_text(problem)}"
            if problem["type"] == "missing":
                (example,) = model.model_fields[str(problem["loc"][0])].examples or ("",)
                text += f"; give it, such as {example}"
            elif problem["type"] == "extra_forbidden":
                text += f"; {runner} takes {', '.join(model.model_fields) or 'none'}"
            lines.append(text)
        raise UsageError("\n".join(lines)) from None


def _reaches(options: BaseModel, path: str) -> bool:
    """Whether the workers see the same files at `path` as this machine."""
    if isinstance(options, runner_options.DirectOptions) or not files.is_local(path):
        return True
    if isinstance(options, runner_options.PortableOptions):
        return options.shared_mount or options.environment_type == "LOOPBACK"
    return False


def _check_job_server(
    runner: str, options: runner_options.FlinkOptions | runner_options.SparkOptions
) -> None:
    """Checks that the job can be submitted from here."""
    if options.job_endpoint is not None:
        return
    values, java = options.model_dump(), options.job_server_java_launcher
    jar = values[f"{runner}_job_server_jar"]
    where = f"runner {runner}: runner_options"
    if jar is not None and not re.match(r"https?://", jar) and not os.path.isfile(jar):
        raise UsageError(
            f"{where}.{runner}_job_server_jar: there is no file {jar}; give the path or URL of "
            f"Beam's {runner} job server"
        )
    if values[f"{runner}_submit_uber_jar"]:
        return
    if shutil.which(java) is None:
        raise UsageError(
            f"{where}.job_server_java_launcher: there is no program {java} here to start the job "
            "server; install Java, or give job_endpoint, such as localhost:8099"
        )
    # Otherwise staged files lie in a temporary folder of this machine, where the workers of other
    # machines do not find them (github.com/apache/beam/issues/32743).
    staging = options.artifacts_dir
    if not options.master_is_local and (staging is None or not _reaches(options, staging)):
        raise UsageError(
            f"{where}.artifacts_dir: {staging or 'is missing'}; the workers must reach it: give a "
            "URL, such as gs://bucket/staging, or a folder that all of them have mounted and "
            "shared_mount: true"
        )
