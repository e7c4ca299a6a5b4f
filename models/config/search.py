"""The search for hyper-parameters: a typed, validated section of a model's config."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from data.utils.yaml_config import Section


class Dimension(Section):
    """The values of one key: the numbers of a range, or a list of choices.

    Example:
        >>> Dimension(low=1e-5, high=1e-3, log=True).examples(whole=False)
        [1e-05, 0.001]
        >>> Dimension(choices=["adam", "sgd"]).examples(whole=False)
        ['adam', 'sgd']
    """

    low: float | None = Field(default=None, description="smallest number, inclusive")
    high: float | None = Field(
        default=None,
        description="largest number; only whole numbers are drawn for keys that take no others",
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
        """Values to validate: if the key takes these, it takes all of the dimension.

        Args:
            whole: whether the range holds whole numbers only.

        Returns:
            The ends of the range and, of whole numbers, the second; or all choices.
        """
        if self.choices is not None:
            return self.choices
        assert self.low is not None
        return [self.low, self.high, *([self.low + 1] if whole else [])]


class SearchConfig(Section):
    """A random search (Bergstra and Bengio, JMLR 2012) that comes before a model's training.

    Each trial trains on `train` with values drawn from the space; trials are compared by the best
    video AUC on `eval`.
    """

    trials: int = Field(
        ge=1,
        le=1000,
        description="number of trials, fewer if the space holds fewer combinations",
    )
    steps: int = Field(ge=1, description="training batches of a trial, in place of `steps`")
    space: dict[str, Dimension] = Field(
        min_length=1,
        description="keys of the model to search, for example `optimizer.weight_decay`, with their "
        "values",
    )
    seed: int = Field(default=0, ge=0, lt=2**31, description="of the random draws")

    def trial_values(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """All values by key that a trial sets in its model's configuration.

        Args:
            values: drawn from the space.
        """
        return {**values, "steps": self.steps, "search": None}
