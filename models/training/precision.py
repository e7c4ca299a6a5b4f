"""Which dtype policy a network is trained under."""

import dataclasses
import pathlib

import tensorflow as tf

_CPU_INFO = pathlib.Path("/proc/cpuinfo")
_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


@dataclasses.dataclass(frozen=True)
class Precision:
    """A dtype policy and how it came to be chosen.

    Attributes:
        policy: name of a Keras dtype policy.
        reason: for people, for example `GPU found`.
    """

    policy: str
    reason: str


def choose_precision(
    wanted: str,
    *,
    gpus: int | None = None,
    cpu_flags: frozenset[str] | None = None,
) -> Precision:
    """Chooses the precision of training.

    float16 is fast on GPUs alone (40 times slower than float32 on a CPU); bfloat16 is fast on
    CPUs with instructions for it, and emulated on others.

    Args:
        wanted: `auto`, or the name of a policy, which is used as it is.
        gpus: number of GPUs; those that TensorFlow sees if None.
        cpu_flags: flags of the CPU; those of this machine if None.

    Returns:
        `mixed_float16` on a GPU, `mixed_bfloat16` on a CPU with bfloat16 instructions and
        `float32` on another, unless `wanted` names a policy.

    Example:
        >>> choose_precision("auto", gpus=0, cpu_flags=frozenset({"avx512_bf16"})).policy
        'mixed_bfloat16'
    """
    gpus = len(tf.config.list_physical_devices("GPU")) if gpus is None else gpus
    if wanted != "auto":
        return Precision(wanted, "as configured")
    if gpus:
        return Precision("mixed_float16", "GPU found")
    flags = read_cpu_flags() if cpu_flags is None else cpu_flags
    if flags & _BFLOAT16_FLAGS:
        return Precision("mixed_bfloat16", "CPU with bfloat16 instructions")
    return Precision("float32", "CPU without bfloat16 instructions")


def read_cpu_flags() -> frozenset[str]:
    """The CPU's flags as Linux lists them; none elsewhere."""
    if not _CPU_INFO.is_file():
        return frozenset()
    for line in _CPU_INFO.read_text().splitlines():
        if line.startswith("flags"):
            return frozenset(line.partition(":")[2].split())
    return frozenset()
