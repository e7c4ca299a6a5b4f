"""From crops to batches: sampling, decoding, augmentation and self-blended images.

Open `input_pipeline` first: it puts the others together. The sheet of `unmask augmentations`,
which needs drawing, is imported from its file, `augmentation_sheet`.
"""

from models.inputs import image_ops
from models.inputs.augmentation import augment
from models.inputs.crop_source import (
    CropIndex,
    CropSource,
    require_both_classes,
    sample_tracks,
)
from models.inputs.input_pipeline import Batch, scoring_batches, training_batches

__all__ = [
    "Batch",
    "CropIndex",
    "CropSource",
    "augment",
    "image_ops",
    "require_both_classes",
    "sample_tracks",
    "scoring_batches",
    "training_batches",
]
