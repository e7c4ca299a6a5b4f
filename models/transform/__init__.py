"""What TFX's Transform computes for training, evaluation and slicing.

Open `preprocessing` first: it is the component's entry. `transform_features` applies its graph
to serialised Examples.
"""

from models.transform import preprocessing
from models.transform.transform_features import TransformFeatures, label_only

__all__ = ["TransformFeatures", "label_only", "preprocessing"]
