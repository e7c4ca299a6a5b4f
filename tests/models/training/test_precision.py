import pytest

from models.training import precision


@pytest.mark.parametrize(
    ("wanted", "gpus", "flags", "policy"),
    [
        pytest.param("auto", 1, {"avx512_bf16"}, "mixed_float16", id="gpu"),
        pytest.param("auto", 0, {"avx2", "avx512_bf16"}, "mixed_bfloat16", id="avx512_bf16"),
        pytest.param("auto", 0, {"amx_bf16"}, "mixed_bfloat16", id="amx"),
        pytest.param("auto", 0, {"avx2"}, "float32", id="old cpu"),
        pytest.param("float32", 1, {"amx_bf16"}, "float32", id="as configured"),
    ],
)
def test_choose(wanted, gpus, flags, policy):
    chosen = precision.choose_precision(wanted, gpus=gpus, cpu_flags=frozenset(flags))
    assert chosen.policy == policy


def test_this_machine_gets_a_policy_with_its_reason():
    chosen = precision.choose_precision("auto")
    assert chosen.policy in {"float32", "mixed_float16", "mixed_bfloat16"}
    assert chosen.reason
