"""What a run's config says of a served model, whether a single network or an ensemble."""

from typing import Literal

from pydantic import Field

from data.utils.yaml_config import Section

CalibrationMethod = Literal["temperature", "platt", "isotonic"]


class ServedConfig(Section):
    """Name, signatures and calibration of a served model."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$", description="what it is served as")
    track_length: int = Field(
        default=32, ge=1, le=256, description="faces in a row of the signature `serving_tracks`"
    )
    calibration: CalibrationMethod = Field(
        default="temperature",
        description="from scores to probabilities: `temperature` (one number), `platt` (slope and "
        "intercept: for scores that are off to one side) or `isotonic` (any rising curve: needs "
        "500 eval videos of each class)",
    )
    false_positive_rate: float = Field(
        default=0.05, gt=0, lt=0.5, description="share of real videos that may be called fake"
    )
    false_negative_rate: float = Field(
        default=0.05, gt=0, lt=0.5, description="share of fake videos that may be called real"
    )
