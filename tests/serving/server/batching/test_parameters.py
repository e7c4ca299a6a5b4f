import grpc
import pytest

from serving.server.batching.parameters import BatchingParameters, read
from serving.server.errors import StatusError

# The example of TensorFlow Serving's batching guide, and every other field.
WHOLE = """
max_batch_size { value: 128 }
batch_timeout_micros { value: 1000 }
max_enqueued_batches { value: 1000000 }
num_batch_threads { value: 8 }
thread_pool_name { value: "pool" }
allowed_batch_sizes: 8
allowed_batch_sizes: 128
pad_variable_length_inputs: true
"""


def test_every_field_is_read(tmp_path):
    path = tmp_path / "batching.txt"
    path.write_text(WHOLE)
    assert read(path) == BatchingParameters(
        max_batch_size=128,
        batch_timeout_micros=1000,
        max_enqueued_batches=1_000_000,
        num_batch_threads=8,
        allowed_batch_sizes=(8, 128),
        pad_variable_length_inputs=True,
    )


def test_defaults_are_tensorflow_servings(tmp_path):
    path = tmp_path / "batching.txt"
    path.write_text("num_batch_threads { value: 3 }")
    assert read(path) == BatchingParameters(1000, 0, 10, 3, (), False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("max_batch_size: 4", "Invalid protobuf file: '", id="number without value"),
        pytest.param("max_batch { value: 4 }", 'no field named "max_batch"', id="unknown field"),
        pytest.param(
            "max_batch_size { value: 16 } allowed_batch_sizes: [2, 8]",
            "Last entry in allowed_batch_sizes must match max_batch_size; "
            "last entry was 8; expected 16",
            id="last size",
        ),
        pytest.param(
            "allowed_batch_sizes: 8",
            "Last entry in allowed_batch_sizes must match max_batch_size; "
            "last entry was 8; expected 1000",
            id="last size, default maximum",
        ),
        pytest.param(
            "max_batch_size { value: 8 } allowed_batch_sizes: [4, 4, 8]",
            "allowed_batch_sizes entries must be monotonically increasing",
            id="sizes out of order",
        ),
        pytest.param(
            "max_batch_size { value: 0 }",
            "input_batch_size_limit must be positive; was 0",
            id="no rows",
        ),
        pytest.param(
            "batch_timeout_micros { value: -1 }",
            "batch_timeout_micros must be non-negative; was -1",
            id="timeout",
        ),
        pytest.param(
            "max_enqueued_batches { value: -1 }",
            "max_enqueued_batches must be positive; was -1",
            id="queue",
        ),
        pytest.param(
            "num_batch_threads { value: 0 }",
            "num_batch_threads must be positive; was 0",
            id="threads",
        ),
    ],
)
def test_bad_parameters_are_errors_that_name_the_file(tmp_path, text, message):
    path = tmp_path / "batching.txt"
    path.write_text(text)
    with pytest.raises(StatusError) as caught:
        read(path)
    assert caught.value.code is grpc.StatusCode.INVALID_ARGUMENT
    assert str(path) in caught.value.message
    assert message in caught.value.message


@pytest.mark.parametrize(("rows", "padded"), [(0, 2), (1, 2), (2, 2), (3, 8), (8, 8)])
def test_rows_are_filled_to_the_next_allowed_size(rows, padded):
    parameters = BatchingParameters(max_batch_size=8, allowed_batch_sizes=(2, 8))
    assert parameters.padded_size(rows) == padded
    assert BatchingParameters().padded_size(rows) == rows
