"""A bounded part of the REST API's fuzzing; `python -m tests.serving.fuzz_rest` runs the whole."""

import collections

from tests.serving import fuzz_rest
from tests.serving.server import rest_model


def test_no_request_breaks_the_rest_api():
    codes = collections.Counter()
    with rest_model.serve() as url:
        fuzz_rest.run(url, 100, 1, lambda code: codes.update([code]))
    assert codes[200]
    assert codes[400]
