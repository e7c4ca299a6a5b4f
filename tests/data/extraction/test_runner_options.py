import pytest

from data.extraction import runners
from data.utils.errors import UsageError

IMAGE = "registry.example.com/unmask:0.1.0"
PORTABLE = {"job_endpoint": "localhost:8099", "environment_config": IMAGE}
DATAFLOW = {
    "project": "my-project",
    "region": "europe-west1",
    "temp_location": "gs://my-bucket/temp",
    "sdk_container_image": IMAGE,
}

WRONG = {
    "runner": ("hadoop", {}, "unknown runner 'hadoop': choose one of direct, "),
    "direct takes no options": (
        "direct",
        {"parallelism": 2},
        "runner direct: runner_options.parallelism: unknown key; direct takes none",
    ),
    "misspelt": (
        "flink",
        PORTABLE | {"flink_masster": "a:1"},
        "runner_options.flink_masster: unknown key; flink takes job_endpoint, ",
    ),
    "flink without a cluster": (
        "flink",
        {"environment_config": IMAGE},
        "runner_options.flink_master: is missing; give it, such as jobmanager:8081",
    ),
    "no image": (
        "flink",
        {"flink_master": "jobmanager:8081"},
        "runner_options.environment_config: is missing; environment_type DOCKER needs the "
        "image that holds unmask, such as registry.example.com/unmask:0.1.0",
    ),
    "process without a command": (
        "flink",
        PORTABLE | {"environment_type": "PROCESS"},
        f"runner_options.environment_config: is '{IMAGE}'; environment_type PROCESS needs JSON",
    ),
    "process with other JSON": (
        "flink",
        PORTABLE | {"environment_type": "PROCESS", "environment_config": '{"env": {}}'},
        "environment_type PROCESS needs JSON with the worker's command",
    ),
    "pool without a port": (
        "spark",
        PORTABLE | {"environment_type": "EXTERNAL", "environment_config": "worker-pool"},
        "environment_type EXTERNAL needs the worker pool's address, such as localhost:50000",
    ),
    "loopback with an image": (
        "spark",
        PORTABLE | {"environment_type": "LOOPBACK"},
        "runner_options.environment_config: LOOPBACK takes none; leave it out",
    ),
    "one jar to no cluster": (
        "flink",
        {"flink_master": "[local]", "environment_config": IMAGE, "flink_submit_uber_jar": True},
        "runner_options.flink_submit_uber_jar: needs a cluster",
    ),
    "type": (
        "flink",
        PORTABLE | {"parallelism": "many"},
        "runner_options.parallelism: Input should be a valid integer",
    ),
    "spark without a cluster": (
        "spark",
        {"environment_config": IMAGE},
        "runner_options.spark_master_url: is missing; give it, such as spark://spark-master:70",
    ),
    "one jar to nowhere": (
        "spark",
        PORTABLE | {"spark_submit_uber_jar": True},
        "runner_options.spark_submit_uber_jar: goes together with spark_rest_url",
    ),
    "no master url": (
        "spark",
        PORTABLE | {"spark_master_url": "spark-master:7077"},
        "runner_options.spark_master_url: String should match pattern",
    ),
    "project number": (
        "dataflow",
        DATAFLOW | {"project": "123456"},
        "runner_options.project: String should match pattern",
    ),
    "local staging": (
        "dataflow",
        DATAFLOW | {"temp_location": "temp"},
        "runner_options.temp_location: String should match pattern",
    ),
    "more than the most": (
        "dataflow",
        DATAFLOW | {"num_workers": 9, "max_num_workers": 3},
        "runner_options.num_workers: 9 is above max_num_workers 3",
    ),
}


@pytest.mark.parametrize(("runner", "options", "message"), WRONG.values(), ids=WRONG)
def test_what_is_missing_or_wrong_is_named(runner, options, message):
    with pytest.raises(UsageError) as raised:
        runners.pipeline_options(runner, 1, options)
    assert message in str(raised.value)


def test_all_that_dataflow_misses_is_named_with_an_example():
    with pytest.raises(UsageError) as raised:
        runners.pipeline_options("dataflow", 1, {})
    assert str(raised.value).splitlines() == [
        f"runner dataflow: runner_options.{name}: is missing; give it, such as {example}"
        for name, example in [
            ("project", "my-project"),
            ("region", "europe-west1"),
            ("temp_location", "gs://my-bucket/temp"),
            ("sdk_container_image", "europe-docker.pkg.dev/my-project/unmask/unmask:0.1.0"),
        ]
    ]
