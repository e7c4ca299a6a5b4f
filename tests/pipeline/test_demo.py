"""Parts of the demo; `make demo` runs the whole of it."""

import json

import pytest
from PIL import Image

from data.video.reader import Video
from pipeline import demo
from serving.prediction import Verdict
from tests.data.bad_clips.encoding import encode, face_frames
from tests.serving.answers import answer, track


@pytest.fixture
def run_config(demo_config, tmp_path):
    """A run whose version 3 of the model `tiny` calls 0.6 and more fake."""
    card = tmp_path / "serving" / "tiny" / "3" / "assets.extra" / "model.json"
    card.parent.mkdir(parents=True)
    thresholds = {"real_below": 0.4, "fake_above": 0.6}
    card.write_text(json.dumps({"name": "tiny", "thresholds": thresholds, "calibration": {}}))
    return demo_config.model_copy(update={"serving_root": str(tmp_path / "serving")})


def test_pictures_show_the_dataset_and_a_prediction(run_config, tmp_path):
    clip = tmp_path / "clip.mp4"
    encode(clip, face_frames())
    prediction = answer(track({0.0: 0.9, 0.5: 0.9, 1.0: 0.9, 1.5: 0.9}), path=str(clip))
    demo.draw_pictures(tmp_path / "pictures", run_config, prediction)
    for name in ("contact_sheet.png", "timeline.png"):
        with Image.open(tmp_path / "pictures" / name) as picture:
            assert picture.format == "PNG"
    annotated = Video(str(tmp_path / "pictures" / "annotated.mp4"))
    assert len(list(annotated.sample(4))) == 4


def test_without_a_served_model_only_the_dataset_is_drawn(run_config, tmp_path):
    demo.draw_pictures(tmp_path / "pictures", run_config, None)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["contact_sheet.png"]


@pytest.mark.parametrize(
    ("verdict", "probability", "truth", "cell"),
    [
        pytest.param(Verdict.FAKE, 0.9, "fake", "[green]fake[/green] 0.90", id="right"),
        pytest.param(Verdict.FAKE, 0.9, "real", "[red]fake[/red] 0.90", id="wrong"),
        pytest.param(
            Verdict.UNCERTAIN, 0.5, "real", "[yellow]uncertain[/yellow] 0.50", id="unsure"
        ),
    ],
)
def test_verdicts_are_coloured_by_the_truth(verdict, probability, truth, cell):
    prediction = answer(track({0.0: probability}, verdict=verdict, probability=probability))
    assert demo._colour(prediction, truth) == cell


def test_an_abstention_says_why():
    assert demo._colour(answer(), "real") == "abstain: no face in the 4 frames looked at"
