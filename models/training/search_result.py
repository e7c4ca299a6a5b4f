"""The result of a search for hyper-parameters, as the Tuner passes it to the Trainer.

TFX passes nothing but keras-tuner's hyper-parameters: names with plain values.
"""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import keras_tuner

_PREFIX = "search."  # no key of a model that can be searched begins so


def to_value(choice: Any) -> str:
    """A choice as keras-tuner takes it: all of one type, and none of them None.

    Example:
        >>> to_value(None)
        'null'
    """
    return json.dumps(choice)


def from_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of keras-tuner's hyper-parameters as the model's configuration takes them.

    Args:
        values: by name; numbers of ranges, and choices as `to_value` makes them.

    Example:
        >>> from_values({"learning_rate": 0.01, "head": '"lstm"', "search.trials": 5})
        {'learning_rate': 0.01, 'head': 'lstm'}
    """
    return {
        key: json.loads(value) if isinstance(value, str) else value
        for key, value in values.items()
        if not key.startswith(_PREFIX)
    }


@dataclasses.dataclass(frozen=True)
class SearchResult:
    """The outcome of a search.

    Attributes:
        chosen: value by key of the model's configuration.
        auc: video AUC on `eval` of the trial that had these.
        trials: all, including failed ones.
        failed: trials that diverged or whose values excluded each other.
        evaluations: on `eval`, over all trials.
    """

    chosen: Mapping[str, Any]
    auc: float
    trials: int
    failed: int
    evaluations: int

    @classmethod
    def from_hyperparameters(cls, config: Mapping[str, Any]) -> "SearchResult":
        """Reads what `to_hyperparameters` wrote.

        Args:
            config: `HyperParameters.get_config()`.
        """
        values = config["values"]
        fields = [field.name for field in dataclasses.fields(cls) if field.name != "chosen"]
        return cls(from_values(values), **{name: values[_PREFIX + name] for name in fields})

    def to_hyperparameters(self, best: keras_tuner.HyperParameters) -> keras_tuner.HyperParameters:
        """The hyper-parameters of the best trial, with the facts of the search beside them."""
        extended = best.copy()
        for name, value in self.to_json().items():
            if name != "chosen":
                extended.Fixed(_PREFIX + name, value)
        return extended

    def to_json(self) -> dict[str, Any]:
        """Content of `model.json`."""
        return dataclasses.asdict(self)

    @property
    def warning(self) -> str:
        """What the reader of figures measured on `eval` must know."""
        return (
            f"{', '.join(self.chosen)} chosen of {self.trials} trials by their AUC on the eval "
            "videos: what is measured on these is optimistic, what is measured on test is not"
        )
