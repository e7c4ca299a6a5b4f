"""A hash of our own source, so that a change of code makes earlier results count no more."""

import functools
import hashlib
import importlib.util
import pathlib


@functools.cache
def code_hash(*modules: str) -> str:
    """Hashes the sources of modules and of everything below packages.

    Args:
        modules: dotted names, for example `"models"` or `"data.contract"`.

    Returns:
        16 hexadecimal digits.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    digest = hashlib.sha256()
    for module in modules:
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            raise ModuleNotFoundError(f"no module named '{module}' to hash")
        origin = pathlib.Path(spec.origin)
        files = sorted(origin.parent.rglob("*.py")) if origin.name == "__init__.py" else [origin]
        for file in files:
            digest.update(f"{module}:{file.relative_to(origin.parent)}\0".encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
