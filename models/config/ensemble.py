"""How several models of a run form an ensemble: a typed, validated section of its config."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from models.config.served import ServedConfig

MAX_MEMBERS = 6
"""Largest number of members of an ensemble."""


class EnsembleConfig(ServedConfig):
    """One ensemble of a run.

    Example:
        >>> EnsembleConfig(name="blend", members=["xception", "meso4"]).method
        'weighted'
    """

    members: list[str] = Field(
        min_length=2, max_length=MAX_MEMBERS, description="names of models of the same run"
    )
    method: Literal["weighted", "stacked"] = Field(
        default="weighted",
        description="`weighted`: mean of the members' calibrated probabilities; `stacked`: "
        "logistic regression on their logits, fitted on `eval`",
    )
    weights: list[Annotated[float, Field(ge=0, allow_inf_nan=False)]] | None = Field(
        default=None,
        description="of `weighted`: one number a member, of any sum; null fits them on `eval`",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "EnsembleConfig":
        if len(set(self.members)) < len(self.members):
            raise ValueError("a member stands twice; give it more weight instead")
        if self.weights is None:
            return self
        if self.method != "weighted":
            raise ValueError("weights belong to `method: weighted`; `stacked` fits its own")
        if len(self.weights) != len(self.members):
            raise ValueError(f"{len(self.weights)} weights for {len(self.members)} members")
        if sum(self.weights) <= 0:
            raise ValueError("weights may not all be 0")
        return self
