"""Where a long list is cut."""

import pytest

from serving.server.errors import StatusError
from serving.server.rest_api import long_lists
from serving.server.rest_api.long_lists import PIECE_BYTES

ROW = "[1],"
ROWS = PIECE_BYTES // len(ROW) + 1  # of a piece: it ends at the first end of a row after its length


def pieces(text):
    return list(long_lists.split(f'{{"inputs": {text}}}'.encode())["inputs"])


def test_a_piece_ends_with_an_element():
    first, second = pieces(f"[{ROW * ROWS}[2]]")
    assert first == [[1]] * ROWS
    assert second == [[2]]


@pytest.mark.parametrize(
    "text",
    [f"[{ROW * ROWS}]", "[]", "[1] [2]", '["],", 1'],
    ids=["a comma at the cut", "empty", "two lists", "open"],
)
def test_what_is_no_list_of_elements_is_refused(text):
    with pytest.raises(StatusError):
        pieces(text)


@pytest.mark.parametrize("document", ['{"a": [1]}', '{"a": "[", "inputs": "]"}', '"]["', "{}"])
def test_a_document_without_such_a_list_is_refused(document):
    with pytest.raises(StatusError):
        long_lists.split(document.encode())


def test_lists_of_one_element_are_opened():
    rows = long_lists.split(f'{{"inputs": {{"x": [[ [{ROW * 9}[2]] ]]}}}}'.encode())["inputs"]["x"]
    assert rows.nesting == 2
    assert list(rows) == [[[1]] * 9 + [[2]]]
