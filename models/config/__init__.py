"""Typed, validated sections of a run's config that describe models.

Open `model` first: `ModelConfig` holds the other sections, except `EnsembleConfig`.
"""

from models.config.augmentation import AugmentationConfig
from models.config.ensemble import MAX_MEMBERS, EnsembleConfig
from models.config.model import ModelConfig, takes_whole_numbers
from models.config.search import SearchConfig
from models.config.served import CalibrationMethod, ServedConfig
from models.config.training import FineTuningConfig, OptimizerConfig, ScheduleConfig

__all__ = [
    "MAX_MEMBERS",
    "AugmentationConfig",
    "CalibrationMethod",
    "EnsembleConfig",
    "FineTuningConfig",
    "ModelConfig",
    "OptimizerConfig",
    "ScheduleConfig",
    "SearchConfig",
    "ServedConfig",
    "takes_whole_numbers",
]
