"""Training of one network: TFX's entries, the training loop, and the search for hyper-parameters.

Begin with `run_fn.py`, which TFX's Trainer calls, and `trainer.py`, the loop. `tuner_fn.py` is for
TFX's Tuner. TFX imports both by their dotted names, so they are not exported here.
"""

import data.utils.environment  # noqa: F401 - TFX enters here; before TensorFlow
from models.training.checkpoints import Checkpoints
from models.training.log import TrainingLog
from models.training.optimizer import build_optimizer
from models.training.precision import Precision, choose_precision
from models.training.train_step import build_train_step
from models.training.trainer import train_network

__all__ = [
    "Checkpoints",
    "Precision",
    "TrainingLog",
    "build_optimizer",
    "build_train_step",
    "choose_precision",
    "train_network",
]
