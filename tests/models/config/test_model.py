import pydantic
import pytest

from models.config.model import ModelConfig
from models.config.search import Dimension, SearchConfig


def test_json_round_trip():
    config = ModelConfig(
        model="xception", image_size=96, weights=None, augmentation={"shift": 0.3}, seed=7
    )
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config
    assert config.augmentation.shift == 0.3


def test_defaults_are_for_real_use():
    config = ModelConfig(model="efficientnet_v2_b0")
    assert (config.weights, config.precision, config.track_length) == ("imagenet", "auto", 32)
    assert ModelConfig(model="meso4").weights is None
    assert ModelConfig(model="xception", weights=None).weights is None


@pytest.mark.parametrize(
    ("changes", "place", "message"),
    [
        pytest.param({"model": "vgg"}, ("model",), "choose one of efficientnet_v2_b0", id="name"),
        pytest.param({"stepz": 3}, ("stepz",), "Extra inputs", id="unknown key"),
        pytest.param({"augmentation": {"tilt": 1}}, ("augmentation", "tilt"), "Extra", id="nested"),
        pytest.param({"steps": 0}, ("steps",), "greater than or equal to 1", id="steps"),
        pytest.param({"learning_rate": 0}, ("learning_rate",), "greater than 0", id="rate"),
        pytest.param({"precision": "float64"}, ("precision",), "mixed_bfloat16", id="precision"),
        pytest.param({"weights": "noisy"}, ("weights",), "null to train", id="weights"),
        pytest.param(
            {"model": "xception", "image_size": 64}, (), "xception needs 71", id="too small"
        ),
        pytest.param(
            {"model": "meso4", "weights": "imagenet"}, (), "none of meso4", id="no such weights"
        ),
        pytest.param(
            {"head": "lstm", "pooling": "max"}, (), "pooling max does nothing", id="nothing to pool"
        ),
        pytest.param(
            {"head": "lstm", "strategy": "tpu"}, (), "not work with strategy tpu", id="tpu"
        ),
        pytest.param(
            {"augmentation": {"jpeg_min_quality": 101}},
            ("augmentation", "jpeg_min_quality"),
            "less than or equal to 100",
            id="quality",
        ),
        pytest.param(
            {"fakes": "self_blended", "sampling": "natural"},
            (),
            "makes pairs of its own",
            id="self-blended fakes, sampled otherwise",
        ),
        pytest.param(
            {"steps": 10, "optimizer": {"accumulate": 4}},
            (),
            "must be multiples of optimizer.accumulate 4",
            id="leftover batches",
        ),
        pytest.param(
            {"optimizer": {"accumulate": 4}, "strategy": "mirrored"},
            (),
            "does not work with strategy mirrored",
            id="accumulation over devices",
        ),
        pytest.param(
            {"steps": 5, "fine_tuning": {"head_steps": 5}},
            (),
            "fine_tuning.head_steps 5 must be below steps 5",
            id="nothing after the head",
        ),
        *(
            pytest.param(
                {"search": {"trials": 2, "steps": 5, "space": space}, **changes},
                place,
                message,
                id=f"search: {name}",
            )
            for name, space, changes, place, message in [
                (
                    "unknown key",
                    {"optimizer.decay": {"low": 0, "high": 1}},
                    {},
                    (),
                    "search.space.optimizer.decay: a model has no such key",
                ),
                (
                    "key below a number",
                    {"dropout.rate": {"low": 0, "high": 1}},
                    {},
                    (),
                    "search.space.dropout.rate: a model has no such key",
                ),
                (
                    "end of a range",
                    {"dropout": {"low": 0, "high": 1}},
                    {},
                    (),
                    "search.space.dropout: 1.0: Input should be less than 1",
                ),
                (
                    "number in a range",
                    {"batch_size": {"low": 8, "high": 32}},
                    {},
                    (),
                    "search.space.batch_size: 9.0: Input should be a multiple of 2",
                ),
                (
                    "choice",
                    {"optimizer.algorithm": {"choices": ["adam", "lion"]}},
                    {},
                    (),
                    "search.space.optimizer.algorithm: 'lion': Input should be 'adam', 'adamw'",
                ),
                (
                    "range of names",
                    {"sampling": {"low": 0, "high": 1}},
                    {},
                    (),
                    "search.space.sampling: is no number; give choices",
                ),
                (
                    "what trials have in common",
                    {"steps": {"low": 5, "high": 10}},
                    {},
                    (),
                    "search.space.steps: cannot be searched: a trial trains for `search.steps`",
                ),
                (
                    "too short for the head",
                    {"dropout": {"low": 0, "high": 0.5}},
                    {"fine_tuning": {"head_steps": 5}},
                    (),
                    "fine_tuning.head_steps 5 must be below steps 5",
                ),
                (
                    "many machines",
                    {"dropout": {"low": 0, "high": 0.5}},
                    {"strategy": "multi_worker"},
                    (),
                    "search: trials run on one machine",
                ),
                (
                    "half a range",
                    {"dropout": {"low": 0}},
                    {},
                    ("search", "space", "dropout"),
                    "give low and high, or choices",
                ),
                (
                    "range and choices",
                    {"dropout": {"low": 0, "high": 0.5, "choices": [0]}},
                    {},
                    ("search", "space", "dropout"),
                    "give either choices, or low and high",
                ),
                (
                    "empty range",
                    {"dropout": {"low": 0.5, "high": 0.5}},
                    {},
                    ("search", "space", "dropout"),
                    "low 0.5 must be below high 0.5",
                ),
                (
                    "logarithm of 0",
                    {"dropout": {"low": 0, "high": 0.5, "log": True}},
                    {},
                    ("search", "space", "dropout"),
                    "low 0 must be above 0 where log is true",
                ),
                ("nothing", {}, {}, ("search", "space"), "at least 1 item"),
            ]
        ),
    ],
)
def test_refusals(changes, place, message):
    with pytest.raises(pydantic.ValidationError) as error:
        ModelConfig(**{"model": "efficientnet_v2_b0", **changes})
    (first,) = error.value.errors()
    assert first["loc"] == place
    assert message in first["msg"]


def test_every_field_is_described():
    def describe(model):
        for name, field in model.model_fields.items():
            assert field.description or field.annotation.model_fields, name

    describe(ModelConfig)
    describe(ModelConfig.model_fields["augmentation"].annotation)
    describe(SearchConfig)
    describe(Dimension)


def test_there_is_no_search_by_default():
    assert ModelConfig(model="xception").search is None


def test_other_values_by_key():
    config = ModelConfig(model="xception", preset="xception_last_20")
    changed = config.with_values({"optimizer.weight_decay": 0.01, "learning_rate": 1e-3})
    assert changed.optimizer.weight_decay == 0.01
    assert changed.learning_rate == 1e-3
    assert changed.with_values({"optimizer.weight_decay": 0.0, "learning_rate": 1e-4}) == config
    with pytest.raises(pydantic.ValidationError, match="multiple of 2"):
        config.with_values({"batch_size": 9})
