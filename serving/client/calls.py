"""What the client asks a model server, whatever carries it: gRPC or REST."""

import dataclasses
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

FACES = "faces"
FRAMES = "frames"
"""Names of the inputs that pictures go to."""


@dataclasses.dataclass(frozen=True)
class PredictCall:
    """Runs a signature; answered by its outputs, name -> array.

    Attributes:
        signature: its name.
        input_name: of the signature's one input.
        values: bytes of any shape, one row for each row of the outputs.
        outputs: those wanted, and their types.
        version: of the model; None for the latest.
    """

    signature: str
    input_name: str
    values: npt.NDArray[np.object_]
    outputs: Mapping[str, npt.DTypeLike]
    version: int | None


@dataclasses.dataclass(frozen=True)
class SignaturesCall:
    """Asks for the signatures of the latest version; answered by `Signatures`."""


@dataclasses.dataclass(frozen=True)
class Signatures:
    """What a version of a model takes.

    Attributes:
        version: that describes itself.
        shapes: (signature, input) -> its shape, -1 where any size goes.
    """

    version: int
    shapes: Mapping[tuple[str, str], tuple[int, ...]]


Call = PredictCall | SignaturesCall
Answer = Mapping[str, npt.NDArray] | Signatures
