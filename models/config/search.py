"""What a search for hyper-parameters may try."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from data.utils.yaml_config import Section


class Dimension(Section):
    """What one key may be: a number of a range, or one of several values.

    Example:
        Dimension(low=1e-5, high=1e-3, log=True)
        Dimension(choices=["adam", "sgd"])
    """

    low: float | None = Field(default=None, description="least number, itself among them")
    high: float | None = Field(
        default=None, description="largest number; whole numbers where the key takes only these"
    )
    log: bool = Field(
        default=False, description="whether each order of magnitude is as likely as the next"
    )
    choices: list[Any] | None = Field(
        default=None, min_length=1, description="values, whole sections too; in place of a range"
    )

    @model_validator(mode="after")
    def _range_or_choices(self) -> "Dimension":
        if self.choices is not None:
            if self.low is not None or self.high is not None or self.log:
                raise ValueError("give either choices, or low and high")
        elif self.low is None or self.high is None:
            raise ValueError("give low and high, or choices")
        elif self.low >= self.high:
            raise ValueError(f"low {self.low:g} must be below high {self.high:g}")
        elif self.log and self.low <= 0:
            raise ValueError(f"low {self.low:g} must be above 0 where log is true")
        return self

    def examples(self, *, whole: bool) -> list[Any]:
        """Values that must be possible if all of the dimension are.

        Args:
            whole: whether the range is of whole numbers alone.

        Returns:
            The ends of the range, and of whole numbers the second; or all choices.
        """
        if self.choices is not None:
            return self.choices
        assert self.low is not None
        return [self.low, self.high, *([self.low + 1] if whole else [])]


class SearchConfig(Section):
    """A random search (Bergstra and Bengio, JMLR 2012) that comes before a model's training.

    Each trial trains on `train` with values drawn from the space, and counts by the best video
    AUC that it reaches on `eval`.
    """

    trials: int = Field(
        ge=1,
        le=1000,
        description="trainings; fewer where the space holds no more combinations",
    )
    steps: int = Field(ge=1, description="training batches of a trial, in place of `steps`")
    space: dict[str, Dimension] = Field(
        min_length=1,
        description="what is searched: a key of the model, `optimizer.weight_decay` say, and what "
        "it may be",
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="of what is drawn")

    def of_trial(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """All that a trial changes of its model's configuration, by key.

        Args:
            values: drawn from the space.
        """
        return {**values, "steps": self.steps, "search": None}
