"""The house: the import contracts of pyproject.toml hold, and each of them can be broken.

`lint-imports` reads sources and runs none of them.
"""

import pathlib
import shutil
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
ROOMS = ("kubeflow", "pipeline", "components", "serving", "models", "data", "configs")


def lint_imports(root):
    """Exit code and output of import-linter on the sources in a folder."""
    program = pathlib.Path(sys.executable).with_name("lint-imports")
    result = subprocess.run(
        [program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False
    )
    return result.returncode, result.stdout + result.stderr


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A copy of the sources, in which a test may write."""
    root = tmp_path_factory.mktemp("house")
    shutil.copy(ROOT / "pyproject.toml", root)
    for room in ROOMS:
        shutil.copytree(ROOT / room, root / room, ignore=shutil.ignore_patterns("__pycache__"))
    return root


def test_every_package_is_a_room():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages == {*ROOMS, "tests"}


def test_the_contracts_hold():
    code, output = lint_imports(ROOT)
    assert code == 0, output


@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        pytest.param(
            "data/ledger.py", "import models.config", "The house", id="data knows of models"
        ),
        pytest.param(
            "serving/client/retries.py",
            "def run():\n    from models.config import ModelConfig",
            "The house",
            id="serving knows of models, inside a function",
        ),
        pytest.param(
            "data/faces/tracking.py",
            "import data.extraction.plan",
            "Within data",
            id="faces know of the job",
        ),
        pytest.param(
            "data/new_room/__init__.py", "", "Within data", id="a room that no contract names"
        ),
        pytest.param(
            "models/networks/pooling.py",
            "import models.training.trainer",
            "Within models",
            id="networks know of training",
        ),
        pytest.param(
            "serving/client/retries.py",
            "import serving.server.api",
            "Within serving",
            id="the client knows of the server",
        ),
        pytest.param(
            "serving/server/grpc_api/tls.py",
            "import serving.server.rest_api.app",
            "Within the server",
            id="gRPC knows of REST",
        ),
        pytest.param("data/ledger.py", "import tfx", "Data does without", id="TFX in data"),
        pytest.param(
            "models/inputs/sampling.py",
            "import data.extraction.job",
            "Models do without",
            id="Beam in models, through data",
        ),
        pytest.param(
            "serving/audit/results.py",
            "import data.extraction.job",
            "Serving does without",
            id="Beam in serving, through data",
        ),
        pytest.param(
            "models/inputs/sampling.py", "import unmask", "Models do without", id="the way up"
        ),
    ],
)
def test_a_broken_contract_is_named(house, file, line, broken):
    path = house / file
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")
    try:
        code, output = lint_imports(house)
    finally:
        if before is None:
            shutil.rmtree(path.parent)
        else:
            path.write_text(before, encoding="utf-8")
    assert code == 1
    assert any(text.startswith(broken) and " BROKEN" in text for text in output.splitlines()), (
        output
    )
