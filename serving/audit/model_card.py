"""What a pushed model states beside its graph: thresholds, calibration, fingerprint."""

import hashlib
import pathlib
from typing import Any

import numpy as np
import pydantic

from data.utils.errors import UsageError
from serving.prediction import Verdict, VideoPrediction


class Thresholds(pydantic.BaseModel):
    """Limits of verdicts: real below, fake above, uncertain between them and at them."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

    real_below: float = pydantic.Field(ge=0, le=1)
    fake_above: float = pydantic.Field(ge=0, le=1)

    def verdict(self, probability: float) -> Verdict:
        """The verdict for a calibrated probability, 0 to 1, of a track or video.

        Example:
            >>> thresholds = Thresholds(real_below=0.3, fake_above=0.6)
            >>> [thresholds.verdict(probability).value for probability in (0.2, 0.3, 0.7)]
            ['real', 'uncertain', 'fake']
        """
        # The graph compares float32, which matters for a probability at a threshold.
        exact = np.float32(probability)
        if exact < np.float32(self.real_below):
            return Verdict.REAL
        return Verdict.FAKE if exact > np.float32(self.fake_above) else Verdict.UNCERTAIN


class ModelCard(pydantic.BaseModel):
    """The part of a version's `assets.extra/model.json` that an answer can be checked against.

    Attributes:
        name: of the model.
        scope: what its verdicts are about.
        thresholds: of its verdicts.
        calibration: method and numbers of the mapping to probabilities.
        variables_sha256: of the weights, 64 hexadecimal digits; None for an ensemble.
        code_version: hash of the code that trained it.
        sha256: of `model.json` itself, 64 hexadecimal digits.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="ignore")

    name: str
    scope: str | None = None
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
    """Describes what in an answer does not follow from a card; None if all does.

    A server does not state which weights it serves. This check shows at least that its verdicts
    and its scope are those of the card.
    """
    if None not in (card.scope, prediction.scope) and card.scope != prediction.scope:
        return f"its scope is '{prediction.scope}', but the card's is '{card.scope}'"
    for number, track in enumerate(prediction.tracks, 1):
        if track.fake_probability is None:
            continue
        expected = card.thresholds.verdict(track.fake_probability)
        if track.verdict is not expected:
            return (
                f"track {number}'s {track.fake_probability:.6f} is called {track.verdict.value}, "
                f"but by the thresholds {card.thresholds.real_below:g} and "
                f"{card.thresholds.fake_above:g} it is {expected.value}"
            )
    return None
