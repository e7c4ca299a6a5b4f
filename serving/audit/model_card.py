"""What a pushed model tells of itself beside its graph: thresholds, calibration, fingerprint."""

import hashlib
import pathlib
from typing import Any

import numpy as np
import pydantic

from data.utils.errors import UsageError
from serving.prediction import Verdict, VideoPrediction


class Thresholds(pydantic.BaseModel):
    """What a probability is called: real below, fake above, uncertain between, both included."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    real_below: float = pydantic.Field(ge=0, le=1)
    fake_above: float = pydantic.Field(ge=0, le=1)

    def verdict(self, probability: float) -> Verdict:
        """The verdict on a track's or video's calibrated probability, 0 to 1."""
        # As the graph compares: a probability may be a threshold, and that is rounded.
        exact = np.float32(probability)
        if exact < np.float32(self.real_below):
            return Verdict.REAL
        return Verdict.FAKE if exact > np.float32(self.fake_above) else Verdict.UNCERTAIN


class ModelCard(pydantic.BaseModel):
    """What `assets.extra/model.json` of a version says that an answer can be checked by.

    Attributes:
        name: of the model.
        thresholds: on its probabilities.
        calibration: method and numbers of the mapping to probabilities.
        variables_sha256: of the weights, 64 hexadecimal digits; None in an ensemble's.
        code_version: hash of the code that trained it.
        sha256: of `model.json` itself, 64 hexadecimal digits.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    name: str
    thresholds: Thresholds
    calibration: dict[str, Any]
    variables_sha256: str | None = None
    code_version: str | None = None
    sha256: str


def read_model_card(root: pathlib.Path, model: str, version: int) -> ModelCard:
    """Reads the card of a version under a serving root, `root/<model>/<version>/`.

    Raises:
        UsageError: there is no such version, or its card cannot be read.
    """
    path = root / model / str(version) / "assets.extra" / "model.json"
    try:
        content = path.read_bytes()
        card = pydantic.TypeAdapter(dict[str, Any]).validate_json(content)
        return ModelCard.model_validate(card | {"sha256": hashlib.sha256(content).hexdigest()})
    except OSError as error:
        raise UsageError(
            f"{path}: cannot be read ({error.strerror}); --models names the serving root that the "
            f"server answers from, and version {version} of '{model}' answered"
        ) from error
    except pydantic.ValidationError as error:
        problem = error.errors()[0]
        place = ".".join(map(str, problem["loc"]))
        raise UsageError(f"{path}: {place}: {problem['msg']}; did unmask push it?") from error


def find_contradiction(card: ModelCard, prediction: VideoPrediction) -> str | None:
    """Where an answer does not follow from a card's thresholds; None if it does everywhere.

    A server does not tell what it serves: so much can be checked, that its verdicts are those
    of the card.
    """
    for number, track in enumerate(prediction.tracks, 1):
        if track.fake_probability is None:
            continue
        expected = card.thresholds.verdict(track.fake_probability)
        if track.verdict is not expected:
            return (
                f"person {number}'s {track.fake_probability:.6f} is called {track.verdict.value}, "
                f"but by the thresholds {card.thresholds.real_below:g} and "
                f"{card.thresholds.fake_above:g} it is {expected.value}"
            )
    return None
