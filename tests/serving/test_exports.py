"""What `import serving` gives, and what it costs."""

import subprocess
import sys

import pytest

import serving


def test_the_clients_are_exported():
    from serving.client import AsyncClient, Client

    assert serving.Client is Client
    assert serving.AsyncClient is AsyncClient
    with pytest.raises(AttributeError, match="module 'serving' has no attribute 'Server'"):
        serving.Server  # noqa: B018


def test_importing_the_package_is_light():
    script = "import sys, serving; print(*({'tensorflow', 'grpc', 'numpy'} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == ""
