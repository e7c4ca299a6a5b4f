"""What TFX's Transform computes for training, evaluation and slicing.

Open `preprocessing` first: it is the component's entry. `transform_features` applies its graph
to serialised Examples, `example_spec` tells TensorFlow how to parse them.
"""

from models.transform.example_spec import example_spec
from models.transform.preprocessing import BUCKETS, LABEL, RAW_FEATURES, preprocessing_fn
from models.transform.transform_features import TransformFeatures, label_only

__all__ = [
    "BUCKETS",
    "LABEL",
    "RAW_FEATURES",
    "TransformFeatures",
    "example_spec",
    "label_only",
    "preprocessing_fn",
]
