import dataclasses
import subprocess
import sys

import pydantic
import pytest
import yaml

import configs
from data.extraction import config as extraction_config
from data.extraction import runners
from data.extraction.config import DatasetConfig, ExtractionConfig
from data.extraction.options import ExtractionOptions
from data.faces import FaceOptions
from data.utils import yaml_config
from data.utils.errors import UsageError

EXAMPLE = configs.FOLDER / "extraction.yaml"
LEAST = {"datasets": [{"dataset": "faceforensics", "input": "FaceForensics"}], "output": "out"}


def write(tmp_path, **changes):
    path = tmp_path / "extraction.yaml"
    path.write_text(yaml.safe_dump(LEAST | changes))
    return path


def test_the_example_is_valid_and_shows_every_key():
    loaded = yaml_config.load(ExtractionConfig, EXAMPLE)
    assert [entry.dataset for entry in loaded.datasets] == ["faceforensics", "celeb_df"]
    shown = yaml.safe_load(EXAMPLE.read_text())
    assert shown.keys() == ExtractionConfig.model_fields.keys()
    assert shown["faces"].keys() == dataclasses.asdict(FaceOptions()).keys() - {"every_nth_frame"}
    assert shown["datasets"][1].keys() == DatasetConfig.model_fields.keys()


def test_the_examples_cluster_is_valid():
    """What stands in comments is uncommented and checked."""
    comment = EXAMPLE.read_text().partition("shared mount:\n")[2].partition("runner: direct")[0]
    content = yaml.safe_load("".join(line[2:] + "\n" for line in comment.splitlines()))
    config = ExtractionConfig(**(LEAST | content))
    options = dict(config.runner_options, job_endpoint="localhost:8099")  # needs no Java here
    assert runners.pipeline_options(config.runner, config.workers, options)
    runners.check_reachable(config.runner, options, {"output": config.output})


def test_defaults_are_those_of_the_job(tmp_path):
    config = yaml_config.load(ExtractionConfig, write(tmp_path))
    assert config.options() == ExtractionOptions()


def test_every_option_of_the_job_can_be_set(tmp_path):
    changes = {
        "detector": "package.module:Detector",
        "faces": {
            "every_nth_frame": 15,
            "max_tracks": 1,
            "min_track_share": 0.5,
            "min_face_size": 64,
            "min_sharpness": 5,
        },
        "boxes_from": "original",
        "fractions": [0.5, 0.25, 0.25],
        "salt": "other",
        "balance": True,
        "face_videos": True,
        "time_limit_s": 60,
    }
    options = yaml_config.load(ExtractionConfig, write(tmp_path, **changes)).options()
    unset = ExtractionOptions()
    for name in ExtractionOptions.model_fields:
        assert getattr(options, name) != getattr(unset, name), name
    for name, value in changes["faces"].items():
        assert getattr(options.faces, name) == value


@pytest.mark.parametrize("section", [ExtractionConfig, DatasetConfig])
def test_every_key_is_described(section):
    assert all(field.description for field in section.model_fields.values())


def test_every_key_of_faces_is_described():
    for name in dataclasses.asdict(FaceOptions()):
        assert f"\n        {name}: " in FaceOptions.__doc__, name


def test_the_names_of_runners_are_those_of_the_job():
    literal = ExtractionConfig.model_json_schema()["properties"]["runner"]["enum"]
    assert literal == list(runners.RUNNERS)


def test_overrides(tmp_path):
    loaded = yaml_config.load(
        ExtractionConfig,
        write(tmp_path),
        ["datasets.0.input=gs://bucket/ff", "faces.max_tracks=1", "workers=3"],
    )
    assert loaded.datasets[0].input == "gs://bucket/ff"
    assert (loaded.faces.max_tracks, loaded.workers) == (1, 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        pytest.param({"dataset": "a"}, "dataset: unknown key", id="unknown key"),
        pytest.param({"datasets": []}, "datasets: List should have at least 1 item", id="none"),
        pytest.param(
            {"datasets": LEAST["datasets"] * 2},
            "datasets: faceforensics FaceForensics stands twice; leave one out",
            id="twice",
        ),
        pytest.param(
            {"datasets": [{"dataset": "faceforensic", "input": "a"}]},
            "datasets.0.dataset: there is no such dataset; choose one of celeb_df, ",
            id="unknown dataset",
        ),
        pytest.param(
            {"datasets": [{"dataset": "uadfv"}]}, "datasets.0.input: is missing", id="no input"
        ),
        pytest.param(
            {"datasets": [{"dataset": "uadfv", "input": "a", "path": "b"}]},
            "datasets.0.path: unknown key",
            id="unknown key of a dataset",
        ),
        pytest.param(
            {"faces": {"frames_per_video": 8, "every_nth_frame": 15}},
            "faces: give frames_per_video or every_nth_frame, not both",
            id="two samplings",
        ),
        pytest.param({"faces": {"max_tracks": 0}}, "faces.max_tracks: ", id="no tracks"),
        pytest.param(
            {"fractions": [0.7, 0.2, 0.2]},
            "fractions: shares of train, eval and test must be 0 or more and add up to 1",
            id="too much",
        ),
        pytest.param({"fractions": [1.2, -0.1, -0.1]}, "fractions: shares ", id="negative"),
        pytest.param({"fractions": [0.5, 0.5]}, "fractions.2: is missing", id="two shares"),
        pytest.param({"boxes_from": "fake"}, "boxes_from: Input should be 'own' or ", id="boxes"),
        pytest.param({"runner": "hadoop"}, "runner: Input should be 'direct', ", id="runner"),
        pytest.param({"workers": 0}, "workers: ", id="no workers"),
        pytest.param({"time_limit_s": 0}, "time_limit_s: ", id="no time"),
    ],
)
def test_mistakes_are_named_by_their_path(changes, message, tmp_path):
    path = write(tmp_path, **changes)
    with pytest.raises(UsageError) as raised:
        yaml_config.load(ExtractionConfig, path)
    assert str(raised.value).startswith(f"{path}: {message}")


def test_options_alone_make_a_configuration():
    config = extraction_config.from_command_line(
        None,
        {"dataset": "uadfv", "input": "UADFV", "splits": None, "official": None},
        {"output": "out", "faces.max_tracks": 2, "faces.every_nth_frame": None, "workers": 3},
        (),
    )
    expected = {
        "datasets": [{"dataset": "uadfv", "input": "UADFV"}],
        "output": "out",
        "faces": {"max_tracks": 2},
        "workers": 3,
    }
    assert config == ExtractionConfig(**expected)


def test_options_go_before_the_file(tmp_path):
    config = extraction_config.from_command_line(
        write(tmp_path, workers=2, output="a"),
        {"dataset": None},
        {"output": "b: c", "workers": None, "faces.max_tracks": 3},
        ["workers=5", "faces.max_tracks=1"],
    )
    assert (config.workers, config.output, config.faces.max_tracks) == (5, "b: c", 3)


@pytest.mark.parametrize(
    ("source", "output", "overrides", "with_file", "message"),
    [
        pytest.param(
            {"dataset": "uadfv"}, None, (), True, "--dataset: --config .* names the", id="both"
        ),
        pytest.param(
            {}, "out", ("a=1",), False, "--set a=1: changes a key of --config", id="set alone"
        ),
        pytest.param({"dataset": "uadfv"}, None, (), False, "--input, --output: give", id="less"),
        pytest.param(
            {"dataset": "ffpp", "input": "a"},
            "out",
            (),
            False,
            "options: datasets.0.dataset: there is no such dataset",
            id="unknown dataset",
        ),
    ],
)
def test_wrong_command_lines(source, output, overrides, with_file, message, tmp_path):
    path = write(tmp_path) if with_file else None
    with pytest.raises(UsageError, match=message):
        extraction_config.from_command_line(path, source, {"output": output}, overrides)


def test_every_nth_frame_alone(tmp_path):
    config = yaml_config.load(ExtractionConfig, write(tmp_path, faces={"every_nth_frame": 15}))
    assert config.faces.every_nth_frame == 15


def test_cannot_be_changed(tmp_path):
    config = yaml_config.load(ExtractionConfig, write(tmp_path))
    with pytest.raises(pydantic.ValidationError):
        config.workers = 2


def test_a_configuration_does_not_pay_for_tensorflow_or_beam():
    command = "import sys, data.extraction; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    )
    assert not {"tensorflow", "apache_beam"} & set(done.stdout.split())


@pytest.mark.parametrize(
    ("dataset", "input", "output", "refused"),
    [
        pytest.param("dfdc", "D", "D/out", True, id="below"),
        pytest.param("dfdc", "D/", "D", True, id="the folder itself"),
        pytest.param("uadfv", "link", "D/deeper/out", True, id="by a link"),
        pytest.param("dfdc", "D", "{here}/D/out", True, id="by another path"),
        pytest.param("dfdc", "gs://bucket/D", "gs://bucket/D/out", True, id="in a bucket"),
        pytest.param("dfdc", "gs://bucket/D", "gs://bucket/D2", False, id="beside, in a bucket"),
        pytest.param("dfdc", "D", "D-out", False, id="beside"),
        pytest.param("dfdc", "D/in", "D", False, id="above"),
        pytest.param("manifest", "D", "D/out", False, id="a manifest reads what it lists"),
    ],
)
def test_an_output_in_the_datasets_folder_is_refused(
    dataset, input, output, refused, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "D").mkdir()
    (tmp_path / "link").symlink_to("D")
    entry = DatasetConfig(dataset=dataset, input=input)
    config = ExtractionConfig(datasets=[entry], output=output.format(here=tmp_path))
    if refused:
        with pytest.raises(UsageError, match="lies in the dataset's own folder"):
            config.check_output_is_apart()
    else:
        config.check_output_is_apart()
