"""What the documents name exists, and what they tell people to write is what the code takes."""

import ast
import collections
import contextlib
import dataclasses
import functools
import pathlib
import re
import shlex
import subprocess
import sys
import typing

import pytest
import tomli
import typer.main
import yaml

import unmask
from data.extraction.config import DatasetConfig, ExtractionConfig
from data.extraction.options import ExtractionOptions
from models.config import EnsembleConfig, ModelConfig
from pipeline.config import EvaluationConfig, RunConfig
from serving.server import flags

ROOT = pathlib.Path(__file__).parents[1]
FILES = frozenset(
    subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split("\n")
)
DOCUMENTS = sorted(name for name in FILES if name.endswith(".md"))
ROOMS = sorted({name.partition("/")[0] for name in FILES if name.endswith("/__init__.py")})

PLACEHOLDER = "NAME"
"""In a path or name: what a reader is to fill in."""

CONFIGS = (RunConfig, ExtractionConfig, ModelConfig)

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\((?!https?:)([^)\s]+)\)")
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)*/?")
_DOTTED = re.compile(rf"(?<![\w./-])(?:{'|'.join(ROOMS)})(?:\.\w+)+(?![\w/-])")
_OTHERS_OPTIONS = frozenset({"--no-deps", "--require-hashes"})
"""Of other programs that documents mention."""


def read(document):
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document, *languages):
    return [body for name, body in _FENCE.findall(read(document)) if name in languages]


def spans(document):
    """What stands in backticks outside of blocks; a line's end counts as a space."""
    return _SPAN.findall(re.sub(r"(?<=\S)\n(?=\S)", " ", _FENCE.sub("", read(document))))


def commands(document):
    """Complete lines of shell in blocks, those that a backslash continues joined."""
    for body in blocks(document, "", "sh", "bash", "shell"):
        for line in body.replace("\\\n", " ").splitlines():
            with contextlib.suppress(ValueError):  # a drawing
                words = shlex.split(line, comments=True)
                while words and re.fullmatch(r"\w+=.*", words[0]):
                    words = words[1:]
                if words:
                    yield words


def module_file(parts):
    """Source of the longest module that a dotted name begins with, and the names left over."""
    for end in range(len(parts), 0, -1):
        stem = "/".join(parts[:end])
        for name in (f"{stem}.py", f"{stem}/__init__.py"):
            if name in FILES:
                return name, parts[end:]
    return None, parts


def missing_name(dotted):
    """What of a dotted name of ours is not there; None if all of it is."""
    file, names = module_file(dotted.split("."))
    if file is None:
        return dotted
    source = read(file)
    return next((name for name in names if not re.search(rf"\b{name}\b", source)), None)


def is_key(dotted):
    """Whether it is a key of a configuration, such as `models.0.steps`."""
    return any(has_key(config, dotted.split(".")) for config in CONFIGS)


def has_key(annotation, keys):
    if not keys:
        return True
    if arguments := typing.get_args(annotation):  # of a list, where a number may choose, or a union
        rest = keys[1:] if keys[0].isdigit() else keys
        return any(has_key(argument, rest) for argument in arguments)
    if dataclasses.is_dataclass(annotation):
        types = typing.get_type_hints(annotation)
    else:
        fields = getattr(annotation, "model_fields", {})
        types = {name: field.annotation for name, field in fields.items()}
    return keys[0] in types and has_key(types[keys[0]], keys[1:])


@functools.cache
def application():
    return typer.main.get_command(unmask.app)


def options_of(command):
    return {"--help", *(name for parameter in command.params for name in parameter.opts)}


@functools.cache
def known_options():
    ours = set().union(*map(options_of, application().commands.values()))
    return ours | {f"--{name}" for name in vars(flags.parse([]))} | _OTHERS_OPTIONS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    for target in _LINK.findall(read(document)):
        path, _, heading = target.partition("#")
        file = (ROOT / document).parent / path if path else ROOT / document
        assert file.exists(), target
        if heading:
            titles = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = [re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles]
            assert heading in anchors, target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_exist(document):
    folders = {parent.as_posix() for name in FILES for parent in pathlib.PurePath(name).parents}
    tops = {name.partition("/")[0] for name in FILES}
    for span in spans(document):
        if not _PATH.fullmatch(span) or PLACEHOLDER in span:
            continue
        path = span.rstrip("/")
        if path.partition("/")[0] in tops and ("/" in span or span in FILES):
            assert path in FILES or path in folders, span
        elif path.endswith(".py"):
            assert any(name.endswith(f"/{path}") for name in FILES), span


@pytest.mark.parametrize("document", DOCUMENTS)
def test_dotted_names_exist(document):
    for text in [*spans(document), *map(" ".join, commands(document))]:
        for name in _DOTTED.findall(text):
            is_file = name.endswith((".yaml", ".csv", ".json"))
            if not is_file and not is_key(name) and PLACEHOLDER not in name:
                assert missing_name(name) is None, name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_python_imports_what_there_is(document):
    for body in blocks(document, "python"):
        for node in ast.walk(ast.parse(body)):
            if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in ROOMS:
                for alias in node.names:
                    assert missing_name(f"{node.module}.{alias.name}") is None, alias.name


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_are_those_of_the_command_line(document):
    for words in commands(document):
        if words[0] == "unmask" and len(words) > 1 and words[1] != "...":
            command = application().commands[words[1]]
            command.make_context(words[1], words[2:])
        elif words[:3] == ["python", "-m", "serving.server"]:
            flags.parse(words[3:])
        elif words[0] == "make":
            for target in words[1:]:
                assert re.search(rf"^{target}:", read("Makefile"), re.MULTILINE), target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_mentions_of_commands_and_options_are_right(document):
    known = application().commands
    for span in spans(document):
        words = span.split()
        if words[0] == "unmask" and len(words) > 1 and words[1].isidentifier():
            asked = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert asked <= options_of(known[words[1]]), span
        elif words[0] == "make" and len(words) == 2:
            assert re.search(rf"^{words[1]}:", read("Makefile"), re.MULTILINE), span
        elif words[0].startswith("--") and document != "serving/deploy/README.md":
            assert words[0].partition("=")[0] in known_options(), span


@pytest.mark.parametrize("document", DOCUMENTS)
def test_recipes_are_valid_configs(document):
    for recipe in map(yaml.safe_load, blocks(document, "yaml")):
        for model in recipe.get("models", []):
            ModelConfig(**model)
        for ensemble in recipe.get("ensembles", []):
            EnsembleConfig(**ensemble)
        for dataset in recipe.get("datasets", []):
            DatasetConfig(**dataset)
        if "faces" in recipe:
            ExtractionOptions(faces=recipe["faces"])
        if "evaluation" in recipe:
            EvaluationConfig(**recipe["evaluation"])


def test_readme_is_short():
    lines = read("README.md").splitlines()
    assert len(lines) <= 130
    assert max(map(len, lines)) <= 100


def test_pictures_are_small():
    pictures = [ROOT / name for name in FILES if name.startswith("docs/images/")]
    assert sum(picture.stat().st_size for picture in pictures) < 2**20


@pytest.mark.parametrize("room", ["data", "models", "serving", "server"])
def test_floors_are_those_of_the_import_contracts(room):
    contracts = tomli.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    (contract,) = (contract for contract in contracts if contract["id"] == room)
    title = "### Inside the server" if room == "server" else f"### Inside {room}"
    section = read("docs/architecture.md").partition(f"{title}\n")[2].partition("\n#")[0]
    drawn = collections.defaultdict(set)
    for floor, path in re.findall(r"^\| (\d+) \| `([^`]+)`", section, re.MULTILINE):
        drawn[int(floor)].add(pathlib.PurePath(path).stem)
    layers = [set(layer.split(" | ")) for layer in reversed(contract["layers"])]
    assert [drawn[floor] for floor in sorted(drawn)] == layers
    assert sorted(drawn) == [*range(1, len(layers) + 1)]


def test_recipes_are_found():
    assert len(blocks("docs/training.md", "yaml")) >= 5


def test_reference_of_the_command_line_is_current(tmp_path):
    arguments = ["unmask", "utils", "docs", "--name", "unmask", "--output", tmp_path / "cli.md"]
    subprocess.run([sys.executable, "-m", "typer", *arguments], cwd=ROOT, check=True)
    assert read("docs/cli.md") == (tmp_path / "cli.md").read_text(), "renew it: make docs"


@pytest.mark.parametrize(
    ("dotted", "missing"),
    [
        ("data.contract.Label", None),
        ("data.contract.Label.REAL", None),
        ("data.contract.Ladel", "Ladel"),
        ("models.training.run_fn.run_fn", None),
        ("models.trainings.run_fn", "trainings"),
    ],
)
def test_a_wrong_name_is_caught(dotted, missing):
    assert missing_name(dotted) == missing


@pytest.mark.parametrize(
    ("dotted", "known"),
    [
        ("models.0.steps", True),
        ("models.0.optimizer.weight_decay", True),
        ("kubeflow.image", True),
        ("faces.max_tracks", True),
        ("models.0.stepps", False),
        ("kubeflow.compiler", False),
    ],
)
def test_a_wrong_key_is_caught(dotted, known):
    assert is_key(dotted) == known


def test_a_wrong_command_is_caught():
    with pytest.raises(Exception, match="No such option: --confg"):
        application().commands["run"].make_context("run", ["--confg", "a.yaml"])
