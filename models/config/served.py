"""The keys of a run's config that single networks and ensembles share."""

from typing import Literal

from pydantic import Field

from data.contract import SCOPE
from data.utils.yaml_config import Section

CalibrationMethod = Literal["automatic", "temperature", "platt", "isotonic"]


class ServedConfig(Section):
    """Name, signatures and calibration of a served model."""

    name: str = Field(pattern=r"^[A-Za-z0-9_-]+$", description="name under which it is served")
    scope: str = Field(
        default=SCOPE,
        max_length=200,
        pattern=r"^\S(.*\S)?$",
        description="what its verdicts are about, one line; served with every answer, and shown "
        "beside it where it is not the default",
    )
    track_length: int = Field(
        default=32, ge=1, le=256, description="faces in a row of the signature `serving_tracks`"
    )
    calibration: CalibrationMethod = Field(
        default="automatic",
        description="how scores become probabilities: `temperature` (one number), `platt` (slope "
        "and intercept, for scores that are shifted to one side), `isotonic` (any rising curve, "
        "needs 500 eval videos of each class) or `automatic` (of these the one with the least "
        "cross-fitted log loss; temperature below 50 eval videos of a class)",
    )
    false_positive_rate: float = Field(
        default=0.05, gt=0, lt=0.5, description="share of real videos that may be called fake"
    )
    false_negative_rate: float = Field(
        default=0.05, gt=0, lt=0.5, description="share of fake videos that may be called real"
    )
