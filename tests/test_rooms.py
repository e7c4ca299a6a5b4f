"""The house: the import contracts of pyproject.toml hold, and each of them can be broken.

`lint-imports` reads sources and runs none of them.
"""

import ast
import pathlib
import re
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


OPEN = {"data.utils", "serving.server", "serving.server.protos"}
"""Rooms whose modules are themselves what they offer."""


def exports():
    """What each inner room offers: the names in `__all__`, and the files that its text names."""
    offered = {}
    for top in ("data", "models", "serving"):
        for init in sorted((ROOT / top).glob("*/**/__init__.py")):
            room = ".".join(init.parent.relative_to(ROOT).parts)
            tree = ast.parse(init.read_text(encoding="utf-8"))
            names = [
                ast.literal_eval(statement.value)
                for statement in tree.body
                if isinstance(statement, ast.Assign)
                and isinstance(statement.targets[0], ast.Name)
                and statement.targets[0].id == "__all__"
            ]
            text = ast.get_docstring(tree) or ""
            named = set(re.findall(r"`(?:[a-z_]+\.)*?([a-z0-9_]+)(?:\.py)?`", text))
            files = named & {path.stem for path in init.parent.glob("*.py")}
            offered[room] = {*files, *(names[0] if names else ())}
    return {room: names for room, names in offered.items() if room not in OPEN}


def not_offered(source, module, offered):
    """Imports of a module that take from an inner room what it does not offer."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            rooms = [room for room in offered if name.startswith(f"{room}.")]
            room = max(rooms, key=len, default=None)
            if room is None or module.startswith(f"{room}."):
                continue
            if name.removeprefix(f"{room}.").partition(".")[0] not in offered[room]:
                yield f"{module}:{node.lineno}: {name}"


SOURCES = sorted(path for room in (*ROOMS, "benchmarks") for path in (ROOT / room).rglob("*.py"))


def test_code_imports_from_an_inner_room_what_that_offers():
    offered = exports()
    assert len(offered) > 20
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in SOURCES}
    assert [
        line
        for module, path in modules.items()
        for line in not_offered(path.read_text(encoding="utf-8"), module, offered)
    ] == []


@pytest.mark.parametrize(
    ("line", "caught"),
    [
        ("from data.faces import extract_faces", False),
        ("from data.faces import _anything", True),
        ("from data.faces.collector import FaceCollector", True),
        ("def late():\n    import data.faces.tracking", True),
        ("from data.utils.errors import UsageError", False),
        ("from data.detectors.mtcnn import Mtcnn", False),
    ],
)
def test_an_import_of_what_a_room_does_not_offer_is_caught(line, caught):
    assert bool(list(not_offered(line, "serving.client.session", exports()))) is caught
