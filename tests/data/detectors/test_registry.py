import importlib.metadata
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from data.detectors import registry
from data.detectors.blazeface import BlazeFace, model_file
from data.detectors.mtcnn import Mtcnn
from data.utils.errors import UsageError

OWN = """
import numpy as np
from data.detectors.base import Face

class WholeFrame:
    def detect(self, frames):
        box = np.array([0, 0, frames.shape[2], frames.shape[1]], np.float32)
        return [[Face(box, np.full(10, np.nan, np.float32), 1.0)] for _ in frames]

class Blind:
    pass

NOT_A_CLASS = 3
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    """A user's module, importable as `own_detectors.whole`."""
    package = tmp_path / "own_detectors"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "whole.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield package / "whole.py"
    for name in ("own_detectors", "own_detectors.whole"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("name", "kind"), [("mtcnn", Mtcnn), ("blazeface", BlazeFace)])
def test_makes_detectors_by_name(name, kind):
    assert isinstance(registry.create_detector(name), kind)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("haar", id="unknown"),
        pytest.param("", id="empty"),
        pytest.param("mtcnn:fast", id="takes no argument"),
        pytest.param("blazeface:short", id="takes no argument either"),
        pytest.param("retinaface:", id="no weights"),
        pytest.param(":Class", id="no module"),
        pytest.param("package.module:", id="no class"),
        pytest.param("detectors/mine.py:Class", id="a path"),
    ],
)
@pytest.mark.parametrize("ask", [registry.create_detector, registry.detector_fingerprint])
def test_unknown_names_are_answered_with_the_known_ones(ask, name):
    with pytest.raises(UsageError) as error:
        ask(name)
    assert str(error.value) == (
        f"unknown detector '{name}': choose one of mtcnn, blazeface, retinaface, or name a class "
        f"of your own as package.module:Class"
    )


def test_names_are_checked_without_tensorflow():
    code = (
        "import sys; from data.detectors import registry; "
        "registry.detector_fingerprint('mtcnn'); registry.detector_fingerprint('blazeface'); "
        "print('tensorflow' in sys.modules, 'mediapipe' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=pathlib.Path(registry.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "False"]


def test_makes_the_users_own(own_module):
    detector = registry.create_detector("own_detectors.whole:WholeFrame")
    ((face,),) = detector.detect(np.zeros((1, 20, 30, 3), np.uint8))
    assert face.box.tolist() == [0, 0, 30, 20]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_detectors.none:A", "No module named 'own_detectors.none'; install it, or add its"),
        ("nowhere_to_be_found:A", "No module named 'nowhere_to_be_found'; install it, or add its"),
        ("own_detectors.whole:None_", "the module own_detectors.whole has no class None_"),
        ("own_detectors.whole:NOT_A_CLASS", "own_detectors.whole has no class NOT_A_CLASS"),
        ("own_detectors.whole:Blind", r"has no method `detect\(frames\)`"),
    ],
)
def test_what_is_wrong_with_the_users_own_is_said(own_module, name, message):
    with pytest.raises(UsageError, match=f"detector '{name}': .*{message}"):
        registry.create_detector(name)


def test_fingerprints_tell_apart_what_finds_other_faces(own_module):
    assert registry.detector_fingerprint("mtcnn") == f"mtcnn {importlib.metadata.version('mtcnn')}"
    assert registry.detector_fingerprint("blazeface").startswith("blazeface ")
    own = registry.detector_fingerprint("own_detectors.whole:WholeFrame")
    assert own.startswith("own_detectors.whole:WholeFrame ")
    assert own != registry.detector_fingerprint("own_detectors.whole:Blind")


def test_a_fingerprint_follows_the_file_that_decides(own_module, monkeypatch, tmp_path):
    from data.detectors import blazeface
    from data.utils import code_hash

    name = "own_detectors.whole:WholeFrame"
    before = registry.detector_fingerprint(name), registry.detector_fingerprint("blazeface")
    own_module.write_text(OWN + "\nTHRESHOLD = 0.5\n")
    code_hash.code_hash.cache_clear()
    other = tmp_path / "other.tflite"
    other.write_bytes(model_file().read_bytes() + b"\0")
    monkeypatch.setattr(blazeface, "model_file", lambda: other)
    after = registry.detector_fingerprint(name), registry.detector_fingerprint("blazeface")
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_a_fingerprint_of_nothing_is_an_error(own_module):
    with pytest.raises(UsageError, match=r"own_detectors\.none:A': no module named"):
        registry.detector_fingerprint("own_detectors.none:A")
