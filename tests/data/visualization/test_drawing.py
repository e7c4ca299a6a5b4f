import pytest

from data.visualization import drawing


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name_1.mp4", "plain name_1.mp4"),
        ("視频.mp4", r"\u8996\u9891.mp4"),
        ("фильм", r"\u0444\u0438\u043b\u044c\u043c"),
        ("two\nlines\ttab", r"two\nlines\ttab"),
        ("😀", r"\U0001f600"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("", ""),
    ],
)
def test_what_the_font_lacks_is_escaped(text, shown):
    assert drawing.printable(text) == shown


@pytest.mark.parametrize("width", [5, 40, 100, 333])
def test_texts_fit(width):
    text = "manipulated_sequences/Deepfakes/c23/videos/519_515.mp4"
    fitted = drawing.fit(text, 16, width)
    lines = drawing.wrap(text, 16, width, 3)
    assert len(lines) <= 3
    if width > 20:
        assert all(drawing.text_width(line, 16) <= width for line in [fitted, *lines])
    assert fitted[0] == "m"
    if width > 40:
        assert fitted.endswith("4")


def test_lines_break_where_words_end():
    lines = drawing.wrap("first/second/third fourth", 16, 110, 3)
    assert lines == ["first/second/", "third fourth"]
    assert drawing.wrap("", 16, 100, 3) == []
