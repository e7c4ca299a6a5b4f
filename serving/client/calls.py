"""The client's calls and their answers, the same for gRPC and REST."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

FACES = "faces"
FRAMES = "frames"
"""Names of the inputs that take images."""


@dataclasses.dataclass(frozen=True)
class PredictCall:
    """Runs a signature; the answer is its outputs, name -> array.

    Attributes:
        signature: its name.
        input_name: of the signature's only input.
        values: bytes, of any shape; each row gives one row of the outputs.
        outputs: the outputs to return, and their types; `str` of UTF-8 text.
        version: of the model; None for the latest.
    """

    signature: str
    input_name: str
    values: npt.NDArray[np.object_]
    outputs: Mapping[str, npt.DTypeLike]
    version: int | None


@dataclasses.dataclass(frozen=True)
class SignaturesCall:
    """Reads the signatures of the latest version; the answer is `Signatures`."""


@dataclasses.dataclass(frozen=True)
class Signatures:
    """The inputs and outputs of a version of a model.

    Attributes:
        version: its number.
        shapes: (signature, input) -> shape, -1 for any size.
        outputs: (signature, output) of each output.
    """

    version: int
    shapes: Mapping[tuple[str, str], tuple[int, ...]]
    outputs: frozenset[tuple[str, str]] = frozenset()


Call = PredictCall | SignaturesCall
Answer = Mapping[str, npt.NDArray] | Signatures
