"""A hash of our own source, so that a change of code makes earlier results count no more.

Which source decides a result is not listed by hand: from the modules that a step runs, imports are
followed without importing anything.
"""

import ast
import functools
import hashlib
import importlib.machinery
import importlib.util
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping

PACKAGES = ("components", "configs", "data", "kubeflow", "models", "pipeline", "serving")
"""Top-level packages whose source is ours, besides those of the entry modules."""

_DOTTED_NAME = re.compile(r"([A-Za-z_]\w*\.\w+)(\.\w+)*")
_INIT = "__init__.py"
_EXTENSIONS = importlib.machinery.EXTENSION_SUFFIXES  # of compiled modules


@functools.cache
def code_hash(*entries: str) -> str:
    """Hashes the source of modules and of all of our own modules that they import.

    Args:
        entries: dotted names of modules, for example `"models.training.run_fn"`.

    Returns:
        16 hexadecimal digits.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    digest = hashlib.sha256()
    for module, path in imported_modules(*entries).items():
        source = path.read_bytes()
        digest.update(f"{module}\0{len(source)}\0".encode() + source)
    return digest.hexdigest()[:16]


def imported_modules(*entries: str) -> Mapping[str, pathlib.Path]:
    """Finds modules and all of our own that they import, directly or by way of others.

    Imports count wherever they stand in the source, and so do texts that are the dotted name of a
    module or of something in it, as registries have them. A name that a package only hands on
    leads to the module that defines it, and to no other module of the package.

    Args:
        entries: dotted names of modules.

    Returns:
        The files of the modules by dotted name, sorted.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    for entry in entries:
        if _find(entry) is None:
            raise ModuleNotFoundError(f"no module named '{entry}' to hash")
    ours = {*PACKAGES, *map(_top, entries)}
    modules: dict[str, pathlib.Path] = {}
    waiting: set[str | None] = set(entries)
    while waiting:
        module = waiting.pop()
        if module is None or module in modules or _top(module) not in ours:
            continue
        path = _find(module)
        assert path is not None
        modules[module] = path
        package = module if path.name == _INIT else module.rpartition(".")[0]
        names = _names(path.read_bytes(), package)
        waiting |= {_defining_module(name) for name in names if _top(name) in ours}
    return dict(sorted(modules.items()))


def _defining_module(name: str) -> str | None:
    """The module that a dotted name stands for, or that defines what it stands for."""
    package, _, attribute = name.rpartition(".")
    path = _find(name)
    if not package or (path is not None and path.name != _INIT):
        return name if path is not None else None
    holder = _find(package)
    if holder is None or holder.name != _INIT:
        return package if holder is not None else None
    origin = _handed_on(holder.read_bytes(), package).get(attribute, name)
    if origin != name:
        return _defining_module(origin)
    return name if path is not None else package


@functools.cache
def _names(source: bytes, package: str) -> frozenset[str]:
    """Dotted names that a module in a package imports, or holds as texts."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):  # compiled, or broken: whoever imports it says why
        return frozenset()
    names: set[str] = set()
    for node in _executed(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names.update(name for _, name in _imported_from(node, package))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = _DOTTED_NAME.match(node.value)
            # Of a text such as `serving.requests`, which names a logger, only the package exists.
            if text and text[0] == node.value and _find(text[1]):
                names.add(node.value)
    return frozenset(names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below a node, without imports that only type checkers read."""
    yield node
    children: Iterable[ast.AST] = ast.iter_child_nodes(node)
    if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
        children = node.orelse
    for child in children:
        yield from _executed(child)


@functools.cache
def _handed_on(source: bytes, package: str) -> Mapping[str, str]:
    """What a package's `__init__` imports: where each name comes from."""
    statements = ast.parse(source).body
    imports = [node for node in statements if isinstance(node, ast.ImportFrom)]
    return {bound: name for node in imports for bound, name in _imported_from(node, package)}


def _imported_from(node: ast.ImportFrom, package: str) -> Iterator[tuple[str, str]]:
    """The names that a statement binds, and the dotted names that they stand for."""
    module = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        module = ".".join([*above, module] if module else above)
    for alias in node.names:
        yield alias.asname or alias.name, f"{module}.{alias.name}"


def _find(module: str) -> pathlib.Path | None:
    """The file of a module, found without importing it or what holds it; None if there is none."""
    top, *parts = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except ValueError:  # the main module has no specification
        return None
    if spec is None or not (spec.origin or spec.submodule_search_locations):
        return None
    if not parts:
        return pathlib.Path(spec.origin) if spec.origin and spec.has_location else None
    for folder in spec.submodule_search_locations or ():
        path = pathlib.Path(folder).joinpath(*parts)
        names = [f"{path.name}{suffix}" for suffix in (".py", *_EXTENSIONS)]
        for file in (*map(path.with_name, names), path / _INIT):
            if file.is_file():
                return file
    return None


def _top(module: str) -> str:
    return module.partition(".")[0]
