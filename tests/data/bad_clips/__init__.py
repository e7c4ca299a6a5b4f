"""Makes small clips and files that are good, odd or broken in one known way each.

Which of them tests expect to end how stands in `tests.data.bad_inputs`.
"""

from tests.data.bad_clips.broken import (
    make_audio_only,
    make_damaged,
    make_truncated,
)
from tests.data.bad_clips.encoding import FPS, FRAME_COUNT, HEIGHT, WIDTH
from tests.data.bad_clips.files import make_empty, make_text
from tests.data.bad_clips.odd import make_good, make_no_face, make_rotated

__all__ = [
    "FPS",
    "FRAME_COUNT",
    "HEIGHT",
    "WIDTH",
    "make_audio_only",
    "make_damaged",
    "make_empty",
    "make_good",
    "make_no_face",
    "make_rotated",
    "make_text",
    "make_truncated",
]
