import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.metrics import roc_auc_score

from data.utils.errors import UsageError
from models.calibration import calibrate
from models.config import ServedConfig
from models.export.calibrated_export import EvalScores, export_calibrated
from models.scoring import NetworkScorer
from models.transform import label_only

CONFIG = ServedConfig(
    name="tiny",
    scope="knows nobody",
    track_length=4,
    calibration="platt",
    false_positive_rate=0.25,
    false_negative_rate=0.25,
)
LOGITS = np.array([-2, 1, -1, 3, 0, 2, -3, -0.5], np.float32)


def run(network, index, folder):
    (folder / "run").mkdir()
    return export_calibrated(
        NetworkScorer(network),
        EvalScores(LOGITS[: len(index.label)], index, 3, ["of the caller"]),
        CONFIG,
        label_only,
        folder=str(folder / "model"),
        run_folder=str(folder / "run"),
        card={"code_version": "1"},
    )


def test_card_says_how_well_the_calibrated_scores_do(network, videos, make_source, tmp_path):
    index = make_source(videos).index
    *warnings, summary = run(network, index, tmp_path)
    expected = calibrate(LOGITS, index.label, index.group, CONFIG, evaluations=3)
    card = json.loads((tmp_path / "model" / "assets.extra" / "model.json").read_text())
    assert (card["name"], card["code_version"], card["evaluations"]) == ("tiny", "1", 3)
    assert card["calibration"] == expected.decision.calibrator.to_json()
    assert card["thresholds"]["fake_above"] == expected.decision.fake_above
    assert card["warnings"] == [*expected.warnings, "of the caller"]
    assert card["scope"] == "knows nobody"
    loaded = tf.saved_model.load(str(tmp_path / "model"))
    answer = loaded.signatures["serving_tracks"](faces=tf.fill([2, 4], ""))
    assert answer["scope"].numpy().tolist() == [b"knows nobody"] * 2
    metrics = card["eval_metrics"]
    assert metrics["videos"] == 8
    assert metrics["auc"] == roc_auc_score(index.label, LOGITS)
    assert metrics["calibrated_log_loss"] == expected.calibrated_log_loss
    assert warnings == [f"warning: {warning}" for warning in card["warnings"]]
    assert summary.startswith(f"eval AUC {metrics['auc']:.3f}, platt calibration")
    assert Image.open(tmp_path / "run" / "reliability.png").format == "PNG"


def test_a_missing_class_leaves_no_model(network, videos, make_source, tmp_path):
    with pytest.raises(UsageError, match="the eval split holds no fake video"):
        run(network, make_source(videos[::2]).index, tmp_path)
    assert not (tmp_path / "model").exists()
