import grpc
import pytest

from serving.server import errors


@pytest.mark.parametrize("code", grpc.StatusCode)
def test_canonical_codes_have_tensorflows_numbers(code):
    error = errors.from_number(code.value[0], "why")
    assert (error.code, error.message, str(error)) == (code, "why", "why")


def test_an_error_of_the_request():
    assert errors.invalid_argument("why").code is grpc.StatusCode.INVALID_ARGUMENT
