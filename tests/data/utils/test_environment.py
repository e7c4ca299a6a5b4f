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
