"""Published training settings by name; keys of a config beside `preset` win over them."""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Rössler et al., "FaceForensics++" (ICCV 2019), appendix: ImageNet weights, the new last layer
    # alone for three epochs, then the whole network; Adam, 2e-4, batches of 32.
    "faceforensics_xception": {
        "model": "xception",
        "image_size": 299,
        "weights": "imagenet",
        "batch_size": 32,
        "learning_rate": 2e-4,
        "schedule": {"warmup_fraction": 0.0, "decay": "constant"},
        "fine_tuning": {"head_steps": 1000},
    },
    # A common setting of transfer learning in Keras (keras.io/guides/transfer_learning): a short
    # while for the head, then the last layers, batch normalisation left as it was.
    "xception_last_20": {
        "model": "xception",
        "image_size": 299,
        "weights": "imagenet",
        "learning_rate": 1e-4,
        "patience": 5,
        "schedule": {
            "warmup_fraction": 0.0,
            "decay": "constant",
            "plateau_factor": 0.7,
            "plateau_patience": 1,
        },
        "fine_tuning": {"head_steps": 500, "trainable_layers": 20, "frozen_batch_norm": True},
    },
    # Afchar et al., "MesoNet" (WIFS 2018), section 3.2: from scratch, Adam, 1e-3, batches of 75;
    # here 76, since a batch holds as many reals as fakes. Where they divide the rate by 10 now and
    # then, it falls by our cosine.
    "mesonet": {
        "image_size": 256,
        "weights": None,
        "batch_size": 76,
        "learning_rate": 1e-3,
        "dropout": 0.5,
    },
    # The winner of the DFDC (github.com/selimsef/dfdc_deepfake_challenge, configs/b7.json and
    # training/pipelines/train_classifier.py): SGD with Nesterov momentum, 0.01, gradients of norm
    # 1 at most; its pooling of a video's frames. Its weight decay of 1e-4 goes through the momentum
    # of 0.9, as ours does not: 10 times that is the same pull. Its nearly linear decay of the rate
    # is our cosine here.
    "dfdc_winner": {
        "optimizer": {
            "algorithm": "sgd",
            "momentum": 0.9,
            "weight_decay": 1e-3,
            "clip_norm": 1.0,
        },
        "learning_rate": 0.01,
        "pooling": "confident_mean",
    },
}


def expand(values: Mapping[str, Any]) -> dict[str, Any]:
    """Puts a preset's keys under those that a config gives itself.

    Args:
        values: of a model's config, before validation; may hold `preset`.

    Returns:
        The values with what the preset adds; sections are merged key by key.

    Raises:
        ValueError: there is no such preset.
    """
    name = values.get("preset")
    if name is None:
        return dict(values)
    if name not in PRESETS:
        raise ValueError(f"there is no preset {name!r}; choose one of {', '.join(sorted(PRESETS))}")
    merged = dict(values)
    for key, preset_value in PRESETS[name].items():
        own = merged.get(key)
        if isinstance(preset_value, Mapping) and isinstance(own, Mapping):
            merged[key] = {**preset_value, **own}
        else:
            merged.setdefault(key, preset_value)
    return merged
