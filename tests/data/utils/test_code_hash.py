import sys

import pytest

from data.utils.code_hash import code_hash


def test_changes_with_any_file_of_a_package(tmp_path, monkeypatch):
    package = tmp_path / "hashed_package"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "inner" / "deep.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = code_hash("hashed_package")
    code_hash.cache_clear()
    assert code_hash("hashed_package") == before
    (package / "inner" / "deep.py").write_text("x = 2\n")
    code_hash.cache_clear()
    assert code_hash("hashed_package") != before
    assert "hashed_package" not in sys.modules, "hashing must not import"


def test_a_module_alone():
    assert code_hash("data.faces.tracking") != code_hash("data.faces.cropping")


def test_unknown_modules():
    with pytest.raises(ModuleNotFoundError, match=r"no module named 'data.absent' to hash"):
        code_hash("data.absent")
