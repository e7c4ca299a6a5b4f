import sys

import apache_beam as beam
import pytest
from apache_beam.options import pipeline_options as beam_options
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.dataflow.dataflow_runner import DataflowRunner
from apache_beam.runners.portability import local_job_service
from apache_beam.testing.util import assert_that, equal_to

from data.extraction import runners
from data.utils.errors import UsageError

IMAGE = "registry.example.com/unmask:0.1.0"
PORTABLE = {"job_endpoint": "localhost:8099", "environment_config": IMAGE}
WHOLE = {
    "direct": {},
    "flink": {
        **PORTABLE,
        "flink_master": "jobmanager:8081",
        "flink_version": "1.18",
        "flink_job_server_jar": "https://example.com/server.jar",
        "flink_submit_uber_jar": True,
        "parallelism": 8,
        "max_parallelism": 16,
        "sdk_worker_parallelism": 2,
        "artifacts_dir": "gs://bucket/staging",
        "artifact_endpoint": "localhost:8098",
        "job_server_java_launcher": "java17",
    },
    "spark": {
        **PORTABLE,
        "spark_master_url": "spark://spark-master:7077",
        "spark_job_server_jar": "https://example.com/server.jar",
        "spark_submit_uber_jar": True,
        "spark_rest_url": "http://spark-master:6066",
    },
    "dataflow": {
        "project": "my-project",
        "region": "europe-west1",
        "temp_location": "gs://my-bucket/temp",
        "staging_location": "gs://my-bucket/staging",
        "sdk_container_image": IMAGE,
        "job_name": "unmask-extract",
        "machine_type": "n2-standard-4",
        "num_workers": 4,
        "max_num_workers": 64,
        "autoscaling_algorithm": "THROUGHPUT_BASED",
        "number_of_worker_harness_threads": 2,
        "disk_size_gb": 50,
        "service_account_email": "unmask@my-project.iam.gserviceaccount.com",
        "network": "default",
        "subnetwork": "regions/europe-west1/subnetworks/default",
        "use_public_ips": False,
        "experiments": ["use_runner_v2"],
        "dataflow_service_options": ["enable_prime"],
        "labels": ["team=forensics"],
    },
}
VIEWS = {
    "direct": [beam_options.DirectOptions],
    "flink": [
        beam_options.FlinkRunnerOptions,
        beam_options.PortableOptions,
        beam_options.JobServerOptions,
    ],
    "spark": [
        beam_options.SparkRunnerOptions,
        beam_options.PortableOptions,
        beam_options.JobServerOptions,
    ],
    "dataflow": [
        beam_options.GoogleCloudOptions,
        beam_options.WorkerOptions,
        beam_options.DebugOptions,
    ],
}
DATAFLOW = {
    key: WHOLE["dataflow"][key]
    for key in ("project", "region", "temp_location", "sdk_container_image")
}


@pytest.fixture
def java(tmp_path, monkeypatch):
    """A machine on which nothing but a program named java is found."""
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.parametrize(
    ("workers", "mode"), [(1, "in_memory"), (3, "multi_processing")], ids=["one", "several"]
)
def test_direct(workers, mode):
    options = runners.pipeline_options("direct", workers, {})
    direct = options.view_as(beam_options.DirectOptions)
    assert (direct.direct_running_mode, direct.direct_num_workers or 1) == (mode, workers)
    assert options.view_as(beam_options.StandardOptions).runner == "DirectRunner"
    plugins = options.view_as(beam_options.SetupOptions).beam_plugins
    assert plugins == (None if workers == 1 else ["data.extraction.beam_worker"])


@pytest.mark.parametrize("runner", runners.RUNNERS)
def test_our_own_command_line_is_not_read(runner, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["unmask", "--streaming", "--requirements_file=mars"])
    options = runners.pipeline_options(runner, 1, WHOLE[runner])
    assert options.view_as(beam_options.SetupOptions).requirements_file is None
    assert not options.view_as(beam_options.StandardOptions).streaming


@pytest.mark.parametrize("runner", ["flink", "spark", "dataflow"])
def test_every_option_reaches_beam(runner):
    values = WHOLE[runner]
    options = runners.pipeline_options(runner, 1, values)
    views = [options.view_as(view) for view in VIEWS[runner]]
    for name, value in values.items():
        (view,) = [view for view in views if name in view._visible_option_list()]
        assert getattr(view, name) == value
    standard = options.view_as(beam_options.StandardOptions)
    assert standard.runner in beam_options.StandardOptions.KNOWN_RUNNER_NAMES
    assert standard.runner.lower() == f"{runner}runner"


@pytest.mark.parametrize("runner", runners.RUNNERS)
def test_our_options_are_beams_own(runner):
    """Beam would drop a name that it does not know."""
    known = {}
    for view in VIEWS[runner]:
        parser = beam_options._BeamArgumentParser(allow_abbrev=False)
        view._add_argparse_args(parser)
        known |= {action.dest: action for action in parser._actions}
    _, model = runners.RUNNERS[runner]
    for name, field in model.model_fields.items():
        if name == "shared_mount":
            continue
        action = known[name]
        if field.default is not None and not field.is_required() and name != "environment_type":
            assert field.default == action.default, name
        assert field.description, name


@pytest.mark.parametrize("runner", runners.RUNNERS)
def test_beams_own_validator_is_content(runner):
    options = runners.pipeline_options(runner, 1, WHOLE[runner])
    # Or the validator asks the cloud for the bucket.
    options.view_as(beam_options.TestOptions).dry_run = True
    class_of_runner = DataflowRunner() if runner == "dataflow" else None
    assert PipelineOptionsValidator(options, class_of_runner).validate() == []


@pytest.mark.parametrize("runner", ["flink", "spark"])
def test_a_job_passes_through_the_portable_job_service(runner):
    """Beam's own Python job service stands in for the job server of a cluster."""
    server = local_job_service.LocalJobServicer()
    port = server.start_grpc_server()
    try:
        options = runners.pipeline_options(
            runner,
            1,
            {"job_endpoint": f"localhost:{port}", "environment_type": "LOOPBACK"},
        )
        with beam.Pipeline(options=options) as pipeline:
            doubled = pipeline | beam.Create([1, 2, 3]) | beam.Map(lambda value: 2 * value)
            assert_that(doubled, equal_to([2, 4, 6]))
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("runner", "cure"),
    [
        ("flink", "runner_options.parallelism"),
        ("spark", "runner_options.spark_master_url"),
        ("dataflow", "runner_options.num_workers"),
    ],
)
def test_workers_are_the_direct_runners(runner, cure):
    with pytest.raises(UsageError, match=f"workers: 4 counts processes of .*{cure}"):
        runners.pipeline_options(runner, 4, WHOLE[runner])


def test_a_job_server_started_here_needs_java(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    options = {"flink_master": "[local]", "environment_type": "LOOPBACK"}
    with pytest.raises(UsageError, match=r"there is no program java here .* give job_endpoint"):
        runners.pipeline_options("flink", 1, options)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"flink_master": "[local]", "environment_type": "LOOPBACK"}, id="local"),
        pytest.param(
            {
                "flink_master": "jobmanager:8081",
                "environment_config": IMAGE,
                "artifacts_dir": "gs://bucket/staging",
            },
            id="staging by URL",
        ),
        pytest.param(
            {
                "flink_master": "jobmanager:8081",
                "environment_config": IMAGE,
                "artifacts_dir": "/mnt/shared/staging",
                "shared_mount": True,
            },
            id="staging by a shared mount",
        ),
    ],
)
def test_job_servers_that_can_be_started(options, java):
    pipeline = runners.pipeline_options("flink", 1, options)
    assert "shared_mount" not in pipeline._all_options
    staging = pipeline.view_as(beam_options.JobServerOptions).artifacts_dir
    assert staging == options.get("artifacts_dir")


@pytest.mark.parametrize("staging", [{}, {"artifacts_dir": "/var/staging"}], ids=["none", "local"])
def test_a_cluster_needs_staging_that_it_reaches(staging, java):
    options = {"spark_master_url": "spark://a:7077", "environment_config": IMAGE, **staging}
    with pytest.raises(UsageError, match=r"runner_options.artifacts_dir: .*shared_mount: true"):
        runners.pipeline_options("spark", 1, options)


def test_a_jar_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # sending one jar needs no Java
    jar = tmp_path / "server.jar"
    options = {
        "flink_master": "jobmanager:8081",
        "environment_config": IMAGE,
        "flink_submit_uber_jar": True,
        "flink_job_server_jar": str(jar),
    }
    with pytest.raises(UsageError, match=r"flink_job_server_jar: there is no file .*server\.jar"):
        runners.pipeline_options("flink", 1, options)
    jar.write_bytes(b"PK")
    assert runners.pipeline_options("flink", 1, options)


@pytest.mark.parametrize(
    ("runner", "options", "path", "reached"),
    [
        pytest.param("direct", {}, "clips", True, id="direct"),
        pytest.param("flink", PORTABLE, "clips", False, id="flink, local"),
        pytest.param("flink", PORTABLE, "gs://bucket/clips", True, id="flink, URL"),
        pytest.param("flink", PORTABLE | {"shared_mount": True}, "/mnt/clips", True, id="mount"),
        pytest.param(
            "spark",
            {"job_endpoint": "a:1", "environment_type": "LOOPBACK"},
            "clips",
            True,
            id="loopback",
        ),
        pytest.param("spark", PORTABLE, "hdfs://clips", True, id="spark, URL"),
        pytest.param("spark", PORTABLE, "/clips", False, id="spark, local"),
        pytest.param("dataflow", DATAFLOW, "/clips", False, id="dataflow, local"),
        pytest.param("dataflow", DATAFLOW, "gs://bucket/clips", True, id="dataflow, URL"),
    ],
)
def test_what_workers_reach(runner, options, path, reached):
    paths = {"--output": "gs://bucket/out", "--input": path}
    if reached:
        runners.check_reachable(runner, options, paths)
        return
    with pytest.raises(UsageError) as raised:
        runners.check_reachable(runner, options, paths)
    message = str(raised.value)
    assert message.startswith(f"--input: {path} is a path of this machine")
    assert ("shared_mount" in message) == (runner != "dataflow")


def test_dataflow_knows_no_shared_mount():
    with pytest.raises(UsageError, match="shared_mount: unknown key"):
        runners.check_reachable("dataflow", DATAFLOW | {"shared_mount": True}, {})
