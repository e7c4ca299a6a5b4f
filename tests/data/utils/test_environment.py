import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(("value", "expected"), [(None, "true"), ("false", "false")])
def test_gpu_memory_is_taken_as_it_is_needed_unless_told_otherwise(value, expected):
    name = "TF_FORCE_GPU_ALLOW_GROWTH"
    environment = {key: value for key, value in os.environ.items() if key != name}
    if value is not None:
        environment[name] = value
    code = f"import data.utils.environment, os; print(os.environ[{name!r}])"
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        (None, None, "localhost,127.0.0.1,::1"),
        ("no_proxy", "a.example", "a.example,localhost,127.0.0.1,::1"),
        ("NO_PROXY", "localhost,b", "localhost,b,127.0.0.1,::1"),
    ],
)
def test_no_proxy_stands_between_processes_of_this_machine(name, value, expected):
    environment = {key: v for key, v in os.environ.items() if key.lower() != "no_proxy"}
    if name is not None:
        environment[name] = value
    code = (
        "import data.utils.environment, os; print(os.environ['no_proxy'], os.environ['NO_PROXY'])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.split() == [expected, expected]
