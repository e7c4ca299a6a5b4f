"""The options that each runner of the extraction job takes, with types and checks.

Names and meanings are those of Apache Beam 2.67 (`apache_beam/options/pipeline_options.py`), except
for `shared_mount`, which is ours. How to combine them stands in docs/extraction.md.
"""

import json
import re
from typing import Literal

import pydantic
from pydantic import Field

from data.utils.yaml_config import Section

_ADDRESS = r"^[^\s/:]+:\d+$"
_BUCKET_FOLDER = r"^gs://[a-z0-9][-_a-z0-9.]+[a-z0-9]/.+"
_ENVIRONMENT_EXAMPLES = {
    "DOCKER": "the image that holds unmask, such as registry.example.com/unmask:0.1.0",
    "PROCESS": 'JSON with the worker\'s command, such as {"command": "/opt/apache/beam/boot"}',
    "EXTERNAL": "the worker pool's address, such as localhost:50000",
}


def _has_command(config: str) -> bool:
    try:
        return bool(json.loads(config)["command"])
    except (ValueError, TypeError, KeyError):
        return False


def _is_address(config: str) -> bool:
    return re.match(_ADDRESS, config) is not None


class DirectOptions(Section):
    """The direct runner takes none: `workers` is the number of its processes."""


class PortableOptions(Section):
    """What Flink and Spark have in common."""

    job_endpoint: str | None = Field(
        None, pattern=_ADDRESS, description="host:port of a job server that runs already"
    )
    artifact_endpoint: str | None = Field(
        None, pattern=_ADDRESS, description="where that job server takes files, if not as it says"
    )
    environment_type: Literal["DOCKER", "PROCESS", "EXTERNAL", "LOOPBACK"] = Field(
        "DOCKER", description="how our code is run beside each worker"
    )
    environment_config: str | None = Field(
        None, description="image, command as JSON, or address, as environment_type needs it"
    )
    sdk_worker_parallelism: int = Field(
        1, ge=0, description="processes of our code a worker node; 0 lets the runner choose"
    )
    artifacts_dir: str | None = Field(
        None, description="staging folder that the job server and all workers reach"
    )
    job_server_java_launcher: str = Field("java", description="starts the job server here")
    shared_mount: bool = Field(
        False, description="local paths mean the same files on every worker; not passed to Beam"
    )

    @pydantic.model_validator(mode="after")
    def _environment_is_whole(self) -> "PortableOptions":
        kind, config = self.environment_type, self.environment_config
        if kind == "LOOPBACK":
            if config is not None:
                raise ValueError("environment_config: LOOPBACK takes none; leave it out")
            return self
        whole = bool(config)
        if config and kind != "DOCKER":
            whole = _has_command(config) if kind == "PROCESS" else _is_address(config)
        if not whole:
            problem = f"is {config!r}" if config else "is missing"
            raise ValueError(
                f"environment_config: {problem}; environment_type {kind} needs "
                f"{_ENVIRONMENT_EXAMPLES[kind]}"
            )
        return self


class FlinkOptions(PortableOptions):
    """Options of Beam's portable Flink runner."""

    flink_master: str | None = Field(
        None, description="host:port of Flink's REST endpoint; [local] starts a cluster here"
    )
    flink_version: Literal["1.17", "1.18", "1.19"] = Field(
        "1.19", description="of the job server that Beam downloads"
    )
    flink_job_server_jar: str | None = Field(None, description="path or URL of the job server")
    flink_submit_uber_jar: bool = Field(
        False, description="send the job to flink_master as one jar, without a job server"
    )
    parallelism: int | None = Field(
        None, ge=1, description="videos worked on side by side; Flink's own default if left out"
    )
    max_parallelism: int | None = Field(None, ge=1, description="upper limit when Flink rescales")

    @pydantic.model_validator(mode="after")
    def _cluster_is_known(self) -> "FlinkOptions":
        if self.flink_master is None and self.job_endpoint is None:
            raise ValueError(
                "flink_master: is missing; give it, such as jobmanager:8081, or job_endpoint, such "
                "as localhost:8099"
            )
        if self.flink_submit_uber_jar and (self.flink_master is None or self.master_is_local):
            raise ValueError(
                "flink_submit_uber_jar: needs a cluster to send the jar to; give flink_master, "
                "such as jobmanager:8081"
            )
        return self

    @property
    def master_is_local(self) -> bool:
        """Whether Flink runs on this machine alone, for this job."""
        return self.flink_master in ("[local]", "[auto]")


class SparkOptions(PortableOptions):
    """Options of Beam's portable Spark runner (Spark 3)."""

    spark_master_url: str | None = Field(
        None,
        pattern=r"^(local(\[.+\])?|spark://.+|yarn|mesos://.+|k8s://.+)$",
        description="spark://host:port; local[4] starts four threads here",
    )
    spark_job_server_jar: str | None = Field(None, description="path or URL of the job server")
    spark_submit_uber_jar: bool = Field(
        False, description="send the job to spark_rest_url as one jar, without a job server"
    )
    spark_rest_url: str | None = Field(
        None, pattern=r"^https?://.+", description="Spark's REST endpoint, for the one jar"
    )

    @pydantic.model_validator(mode="after")
    def _cluster_is_known(self) -> "SparkOptions":
        if self.spark_submit_uber_jar != (self.spark_rest_url is not None):
            raise ValueError(
                "spark_submit_uber_jar: goes together with spark_rest_url, such as "
                "http://spark-master:6066"
            )
        if not (self.spark_master_url or self.job_endpoint or self.spark_submit_uber_jar):
            raise ValueError(
                "spark_master_url: is missing; give it, such as spark://spark-master:7077, or "
                "job_endpoint, such as localhost:8099"
            )
        return self

    @property
    def master_is_local(self) -> bool:
        """Whether Spark runs on this machine alone, for this job."""
        return (self.spark_master_url or "").startswith("local")


class DataflowOptions(Section):
    """Options of Google Cloud Dataflow; the patterns are those of Beam's own validator."""

    project: str = Field(
        pattern=r"^[a-z][-a-z0-9:.]+[a-z0-9]$",
        description="id of the Google Cloud project, not its number",
        examples=["my-project"],
    )
    region: str = Field(description="where the workers run", examples=["europe-west1"])
    temp_location: str = Field(
        pattern=_BUCKET_FOLDER,
        description="folder for temporary files",
        examples=["gs://my-bucket/temp"],
    )
    sdk_container_image: str = Field(
        description="image that holds unmask and Beam's worker",
        examples=["europe-docker.pkg.dev/my-project/unmask/unmask:0.1.0"],
    )
    staging_location: str | None = Field(
        None, pattern=_BUCKET_FOLDER, description="for the job's files; temp_location if left out"
    )
    job_name: str | None = Field(
        None, pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", description="as the console shows it"
    )
    machine_type: str | None = Field(None, description="such as n2-standard-4")
    num_workers: int | None = Field(None, ge=1, description="machines to start with")
    max_num_workers: int | None = Field(None, ge=1, description="machines at most")
    autoscaling_algorithm: Literal["NONE", "THROUGHPUT_BASED"] | None = Field(
        None, description="whether Dataflow changes the number of machines"
    )
    number_of_worker_harness_threads: int | None = Field(
        None, ge=1, description="threads a process; each works on a video of its own"
    )
    disk_size_gb: int | None = Field(None, ge=1, description="of each machine")
    service_account_email: str | None = Field(None, description="the workers run as this account")
    network: str | None = Field(None, description="that the workers are in")
    subnetwork: str | None = Field(None, description="that the workers are in")
    use_public_ips: bool | None = Field(None, description="false: private addresses only")
    experiments: list[str] | None = Field(None, description="such as use_runner_v2")
    dataflow_service_options: list[str] | None = Field(None, description="of the service itself")
    labels: list[str] | None = Field(None, description="key=value pairs that the job is tagged by")

    @pydantic.model_validator(mode="after")
    def _workers_fit(self) -> "DataflowOptions":
        if self.num_workers and self.max_num_workers and self.num_workers > self.max_num_workers:
            raise ValueError(
                f"num_workers: {self.num_workers} is above max_num_workers {self.max_num_workers}"
            )
        return self
