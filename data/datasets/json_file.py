"""JSON files that datasets are described by."""

import json
from typing import Any

from data.utils import files
from data.utils.errors import UsageError


def read_json(path: str, cure: str) -> Any:
    """Reads a JSON file.

    Args:
        path: local or a URL.
        cure: what to do if it cannot be used; ends the message.

    Returns:
        Its value; all text in it is valid Unicode.

    Raises:
        UsageError: there is no such file, or it is not JSON.
    """
    if not files.exists(path):
        raise UsageError(f"{path}: there is no such file; {cure}")
    try:
        value = json.loads(files.read_bytes(path))
        json.dumps(value, ensure_ascii=False).encode()  # an escape can stand for half a character
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}); {cure}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not JSON ({error}); {cure}") from error
    return value
