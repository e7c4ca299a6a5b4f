"""How well each method of calibration holds on videos that it was not fitted to.

Usage: python -m benchmarks.calibration [SCORES.json ...]

Half of a set's videos are fitted, the other half judged; means of 20 splits. Beside our methods
stand scikit-learn's logistic and isotonic regression and a plain temperature, all with both classes
weighing the same. Sets are made with two normal distributions of logits, a share of saturated
videos and a share of mislabelled ones; or they are read from files in the form in which the authors
of GenConViT published their scores (github.com/erprogs/GenConViT, folder `result`): `video` with
`pred`, probabilities, and `correct_label`, REAL or FAKE. The last lines are JSON, one a set: the
calibration error of `automatic`, whose target is a plain temperature's.
"""

import json
import pathlib
import sys
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight

from benchmarks.utils.figures import print_figure
from models.calibration import METHODS, fit_method
from models.evaluation import log_loss, reliability

Scores = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int8]
Fit = Callable[[Scores, Labels], Callable[[Scores], Scores]]
"""Fits scores and labels; what it returns gives log odds of scores."""

SPLITS = 20
_SATURATED = 10.0
_LEAST_PROBABILITY = 1e-7


def make_set(
    reals: int, fakes: int, distance: float, saturated: float, mislabelled: float
) -> tuple[Scores, Labels]:
    """Makes logits of videos.

    Args:
        reals: number of them.
        fakes: number of them.
        distance: between the classes' means, in standard deviations.
        saturated: share of videos at the end of the scale.
        mislabelled: share of videos whose score is the other class's.

    Returns:
        Logits and labels.
    """
    random = np.random.default_rng(reals + fakes)
    labels = np.repeat([0, 1], [reals, fakes]).astype(np.int8)
    signs = 2.0 * labels - 1
    logits = 2 * random.normal(signs * distance / 2)
    logits = np.where(random.random(len(labels)) < saturated, _SATURATED * signs, logits)
    return np.where(random.random(len(labels)) < mislabelled, -logits, logits), labels


def read_set(path: pathlib.Path) -> tuple[Scores, Labels]:
    """Reads published scores; see the module's docstring."""
    videos = json.loads(path.read_text())["video"]
    probabilities = np.clip(videos["pred"], _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    return logit(probabilities), np.array(
        [label == "FAKE" for label in videos["correct_label"]], np.int8
    )


def _ours(method: str) -> Fit:
    def fit(logits: Scores, labels: Labels) -> Callable[[Scores], Scores]:
        return fit_method(method, logits, labels, np.arange(len(labels))).log_odds

    return fit


def _plain_temperature(logits: Scores, labels: Labels) -> Callable[[Scores], Scores]:
    fitted = minimize_scalar(
        lambda slope: log_loss(slope * logits, labels), bounds=(0.05, 20), method="bounded"
    )
    return lambda scores: fitted.x * scores


def _sklearn_logistic(logits: Scores, labels: Labels) -> Callable[[Scores], Scores]:
    model = LogisticRegression(penalty=None, class_weight="balanced").fit(logits[:, None], labels)
    return lambda scores: model.decision_function(scores[:, None])


def _sklearn_isotonic(logits: Scores, labels: Labels) -> Callable[[Scores], Scores]:
    model = IsotonicRegression(out_of_bounds="clip")
    model.fit(logits, labels, compute_sample_weight("balanced", labels))
    return lambda scores: logit(
        np.clip(model.predict(scores), _LEAST_PROBABILITY, 1 - _LEAST_PROBABILITY)
    )


_FITS: Mapping[str, Fit] = {
    "uncalibrated": lambda logits, labels: lambda scores: scores,
    **{f"unmask {method}": _ours(method) for method in ("automatic", *METHODS)},
    "plain temperature": _plain_temperature,
    "scikit-learn logistic": _sklearn_logistic,
    "scikit-learn isotonic": _sklearn_isotonic,
}


def measure(fit: Fit, scores: Scores, labels: Labels) -> tuple[float, float]:
    """Mean calibration error and mean log loss of the halves that were not fitted."""
    results = []
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(labels))
        fitted, judged = np.array_split(order, 2)
        log_odds = fit(scores[fitted], labels[fitted])(scores[judged])
        error = reliability(expit(log_odds), labels[judged]).expected_calibration_error
        results.append((error, log_loss(log_odds, labels[judged])))
    error, loss = np.mean(results, axis=0)
    return float(error), float(loss)


def main() -> None:
    """Measures and prints."""
    sets = {pathlib.Path(path).stem: read_set(pathlib.Path(path)) for path in sys.argv[1:]} or {
        "few reals, nearly separated": make_set(77, 323, 4.5, 0.3, 0.002),
        "400 videos": make_set(200, 200, 3.5, 0.2, 0.01),
        "1,200 videos, mislabelled": make_set(600, 600, 2.5, 0.1, 0.02),
        "2,000 videos": make_set(1300, 700, 4.0, 0.2, 0.005),
    }
    figures = []
    for name, (scores, labels) in sets.items():
        reals, fakes = np.bincount(labels)
        print(
            f"\n{name}: {reals} reals, {fakes} fakes\n\n| fitted by | error, 15 bins | log loss |"
        )
        print("| --- | --- | --- |")
        results = {fitted: measure(fit, scores, labels) for fitted, fit in _FITS.items()}
        for fitted, (error, loss) in results.items():
            print(f"| {fitted} | {error:.3f} | {loss:.3f} |", flush=True)
        figures.append((name, results["unmask automatic"][0], results["plain temperature"][0]))
    print()
    for name, value, target in figures:
        print_figure(f"calibration error, {name}", value, unit="probability", target=target)


if __name__ == "__main__":
    main()
