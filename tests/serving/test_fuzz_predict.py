"""A bounded part of Predict's fuzzing; `python -m tests.serving.fuzz_predict` runs the whole."""

import collections

from tests.serving import fuzz_predict


def test_no_request_breaks_predict():
    codes = collections.Counter()
    with fuzz_predict.serve() as channel:
        fuzz_predict.run(channel, 150, 1, lambda code: codes.update([code.name]))
    assert codes["OK"]
    assert codes["INVALID_ARGUMENT"]
