"""The command line as its users meet it: help without waiting, one message for a mistake."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import pytest

from tests.data.bad_clips.encoding import encode, gradient_frames
from tests.data.misbehaving import HANGS, make_trigger

pytestmark = pytest.mark.slow

ROOT = pathlib.Path(__file__).resolve().parents[1]
COMMANDS = ["demo", "extract", "splits", "status", "sheet", "run", "metrics", "serve", "predict"]
COMMANDS += ["compile", "networks", "import-weights", "augmentations", "shortcuts", "verify"]


def unmask(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "unmask", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_loads_nothing_heavy():
    code = "import sys, unmask; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    heavy = {"tensorflow", "keras", "tfx", "apache_beam", "numpy", "cv2", "av", "grpc", "pydantic"}
    assert not heavy & set(loaded)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_a_help_that_teaches(command):
    result = unmask(command, "--help")
    assert result.returncode == 0
    assert "Example: unmask" in result.stdout or command == "demo"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(
            ["extract", "--dataset", "manifest", "--input", "absent", "--output", "out"],
            "absent: there is no such file or folder; --input names the dataset",
            id="extract, wrong path",
        ),
        pytest.param(
            ["extract", "--dataset", "imagenet", "--input", "data", "--output", "out"],
            "datasets.0.dataset: there is no such dataset; choose one of celeb_df, dfdc, "
            "faceforensics, manifest, synthetic, uadfv (found 'imagenet')",
            id="extract, unknown dataset",
        ),
        pytest.param(
            [
                *("extract", "--dataset", "manifest", "--input", "data", "--output", "out"),
                *("--detector", "haar"),
            ],
            "unknown detector 'haar': choose one of mtcnn, blazeface, retinaface",
            id="extract, unknown detector",
        ),
        pytest.param(
            ["extract", "--dataset", "faceforensics", "--input", "absent", "--output", "out"],
            "absent: there is no such file or folder",
            id="extract, wrong folder",
        ),
        pytest.param(
            ["extract", "--dataset", "dfdc", "--input", "tests", "--output", "tests/out"],
            "--output tests/out: lies in the dataset's own folder tests",
            id="extract, output in the dataset",
        ),
        pytest.param(
            ["extract", "--dataset", "uadfv"],
            "--input, --output: give this, or --config with a YAML file",
            id="extract, half an order",
        ),
        pytest.param(
            ["splits", "--config", "configs/extraction.yaml", "--dataset", "dfdc"],
            "--dataset: --config configs/extraction.yaml names the datasets; change them there",
            id="splits, two sources",
        ),
        pytest.param(["status", "tests"], "tests: holds no extraction", id="status"),
        pytest.param(["sheet", "tests"], "tests", id="sheet"),
        pytest.param(
            ["run", "--config", "absent.yaml"],
            "absent.yaml: there is no such file; --config names a YAML file",
            id="run, wrong path",
        ),
        pytest.param(
            ["run", "--config", "configs/demo.yaml", "--set", "models.0.model=unet"],
            "models.0.model: there is no model 'unet'; choose one of",
            id="run, unknown model",
        ),
        pytest.param(
            ["import-weights", "a.h5", "--model", "meso5", "--output", "out"],
            "there is no model 'meso5'; choose one of",
            id="import-weights, unknown network",
        ),
        pytest.param(
            ["import-weights", "a.h5", "--model", "meso4", "--output", "out", "--name", "../a"],
            "--name '../a': String should match pattern",
            id="import-weights, a name that is a path",
        ),
        pytest.param(
            ["augmentations", "--config", "configs/demo.yaml", "--output", "sheet.jpg"],
            "sheet.jpg: a sheet is a PNG; let --output end in .png",
            id="augmentations, no PNG",
        ),
        pytest.param(["metrics", "tests"], "tests: holds no run", id="metrics, no run"),
        pytest.param(["serve", "--models", "absent"], "absent: no such folder", id="serve"),
        pytest.param(
            ["compile", "--config", "configs/demo.yaml", "--output", "p.yaml"],
            "kubeflow: is missing",
            id="compile, half-filled config",
        ),
    ],
)
def test_a_mistake_is_one_message_and_exit_code_2(arguments, message):
    result = unmask(*arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    text = " ".join(result.stderr.split())
    assert message in text
    assert "Traceback" not in text


def test_a_long_path_in_a_message_stays_whole():
    path = "x" * 200 + ".json"
    assert unmask("verify", path).stderr.startswith(f"unmask: {path}: cannot be read")


def test_a_wrong_option_is_exit_code_2():
    assert unmask("extract", "--datset", "manifest").returncode == 2


def test_what_cannot_be_printed_is_an_error():
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "unmask", "networks"], stdout=full, cwd=ROOT, check=False
        )
    assert result.returncode == 2


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        pytest.param(["clip.mp4,REAL"], 0, id="all read, and no face in it"),
        pytest.param(["clip.mp4,MAYBE"], 1, id="all refused"),
        pytest.param(["clip.mp4,REAL", "absent.mp4,REAL"], 1, id="one missing"),
    ],
)
def test_an_extraction_tells_by_its_exit_code_whether_all_was_read(rows, code, tmp_path):
    encode(tmp_path / "clip.mp4", gradient_frames(6, 64, 64))
    (tmp_path / "clips.csv").write_text("\n".join(["file,label", *rows]))
    command = ["extract", "--dataset", "manifest", "--input", str(tmp_path / "clips.csv")]
    command += ["--output", str(tmp_path / "out")]
    assert unmask(*command).returncode == code
    assert unmask(*command).returncode == code  # also if there is nothing left to do


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"]
)
def test_an_interrupted_extraction_is_one_line(number, code, tmp_path):
    make_trigger(tmp_path / "clip.mp4", HANGS)
    (tmp_path / "clips.csv").write_text("file,label\nclip.mp4,REAL\n")
    command = [sys.executable, "-m", "unmask", "extract", "--dataset", "manifest"]
    command += ["--input", str(tmp_path / "clips.csv"), "--output", str(tmp_path / "out")]
    command += ["--detector", "tests.data.misbehaving:Misbehaving"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        # In a job of a script, which ignores SIGINT, a child would ignore it too.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    while not list(tmp_path.glob("out/.work/*/job.json")):  # then Beam is at work
        assert process.poll() is None
        time.sleep(0.1)
    time.sleep(2)
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (code, f"unmask: interrupted by {number.name}\n")


def test_networks_are_listed_without_loading_any():
    result = unmask("networks")
    assert result.returncode == 0
    assert "23,587,712" in result.stdout
    assert "https://arxiv.org/abs/1809.00888\n" in result.stdout
    for name in ("efficientnet_v2_b0", "resnext101_32x8d", "mesoinception4"):
        assert name in result.stdout
    code = "import sys, models.commands; models.commands.networks(); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"tensorflow", "keras", "numpy"} & set(loaded)
