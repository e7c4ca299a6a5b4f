import pytest

from serving.server.batching.parameters import BatchingParameters
from serving.server.batching.server_batching import MODEL_PARAMETERS, ServerBatching
from serving.server.errors import StatusError

COMMON = BatchingParameters(max_batch_size=7)


@pytest.mark.parametrize(
    ("per_model", "text", "expected"),
    [
        pytest.param(False, None, 7, id="common"),
        pytest.param(False, "max_batch_size { value: 3 }", 7, id="common, own ones are ignored"),
        pytest.param(True, None, None, id="per model without own ones: not batched"),
        pytest.param(True, "max_batch_size { value: 3 }", 3, id="per model"),
    ],
)
def test_parameters_of_a_model(tmp_path, per_model, text, expected):
    if text is not None:
        (tmp_path / MODEL_PARAMETERS).write_text(text)
    parameters = ServerBatching(COMMON, per_model=per_model).of_model(tmp_path)
    assert (None if parameters is None else parameters.max_batch_size) == expected


def test_own_parameters_that_do_not_fit_together_are_refused(tmp_path):
    (tmp_path / MODEL_PARAMETERS).write_text("allowed_batch_sizes: 2")
    with pytest.raises(StatusError, match="Last entry in allowed_batch_sizes must match"):
        ServerBatching(COMMON, per_model=True).of_model(tmp_path)
