"""Published training settings by name; keys of a config override those of its `preset`."""

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # Rössler et al., "FaceForensics++" (ICCV 2019), appendix: ImageNet weights; three epochs of
    # the new last layer alone, then the whole network; Adam, 2e-4, batches of 32.
    "faceforensics_xception": {
        "model": "xception",
        "image_size": 299,
        "weights": "imagenet",
        "batch_size": 32,
        "learning_rate": 2e-4,
        "schedule": {"warmup_fraction": 0.0, "decay": "constant"},
        "fine_tuning": {"head_steps": 1000},
    },
    # A common setting of transfer learning in Keras (keras.io/guides/transfer_learning): first the
    # head for a short time, then the last layers, with batch normalisation frozen.
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
    # Afchar et al., "MesoNet" (WIFS 2018), section 3.2: from scratch, Adam, 1e-3, batches of 75.
    # Here batches of 76, because a batch holds as many reals as fakes, and our cosine decay where
    # the authors divide the rate by 10 every 1,000 steps.
    "mesonet": {
        "image_size": 256,
        "weights": None,
        "batch_size": 76,
        "learning_rate": 1e-3,
        "dropout": 0.5,
    },
    # The winner of the DFDC (github.com/selimsef/dfdc_deepfake_challenge, configs/b7.json and
    # training/pipelines/train_classifier.py): SGD with Nesterov momentum, 0.01, gradients clipped
    # to a norm of 1; its pooling of a video's frames. Its weight decay of 1e-4 is applied through
    # the momentum of 0.9, ours is not, so that 10 times as much has the same effect. Our cosine
    # decay replaces its nearly linear one.
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
    """Adds the keys of a preset to those of a config, which override them.

    Args:
        values: of a model's config, before validation; may hold `preset`.

    Returns:
        The values and the preset's; sections are merged key by key.

    Raises:
        ValueError: there is no such preset.

    Example:
        >>> expand({"preset": "mesonet", "batch_size": 32})["batch_size"]
        32
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
