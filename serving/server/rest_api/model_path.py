"""The paths of REST requests: `/v1/models/NAME[/versions/N|/labels/L][:METHOD|/metadata]`.

Starlette's routes match decoded paths, and case by case; TensorFlow Serving ignores case, keeps
an encoded slash in a name, and has messages for what does not match.
"""

import dataclasses
import re
import urllib.parse

from serving.server.errors import invalid_argument

_SPEC = r"(?:(?:/versions/(\d+))|(?:/labels/([^/:]+)))?"
_INFERENCE = re.compile(rf"(?i)/v1/models/([^/:]+){_SPEC}:(classify|regress|predict)", re.ASCII)
_MODEL = re.compile(rf"(?i)/v1/models(?:/([^/:]+))?{_SPEC}(?:/(metadata))?", re.ASCII)


@dataclasses.dataclass(frozen=True)
class ModelPath:
    """A parsed path.

    Attributes:
        model: name of the model.
        version: of the model, or None.
        label: of the version, or None; never both.
        method: `predict`, `classify`, `regress`, `metadata` or `status`.
    """

    model: str
    version: int | None
    label: str | None
    method: str


def parse(http_method: str, path: str) -> ModelPath:
    """Parses a path as TensorFlow Serving does (`http_rest_api_util.cc`).

    Example:
        >>> parse("POST", "/v1/models/xception/versions/3:predict")
        ModelPath(model='xception', version=3, label=None, method='predict')

    Args:
        http_method: in capital letters.
        path: as sent, percent-encoded, with its query.

    Raises:
        StatusError: INVALID_ARGUMENT, the API has no such path with this method.
    """
    malformed = invalid_argument(f"Malformed request: {http_method} {path}")
    pattern = {"POST": _INFERENCE, "GET": _MODEL}.get(http_method)
    match = pattern and pattern.fullmatch(path)
    if not match:
        raise malformed
    model, version, label, method = match.groups()
    if not model:
        raise invalid_argument("Missing model name in request.")
    if version is not None and int(version) >= 2**63:
        raise invalid_argument(f"Failed to convert version: {version} to numeric.")
    if http_method == "GET":
        method = method or "status"
    if method != method.lower():  # its pattern ignores case, what follows does not
        raise malformed
    return ModelPath(
        model=_decode(model, "model name"),
        version=None if version is None else int(version),
        label=None if label is None else _decode(label, "model version label"),
        method=method,
    )


def _decode(text: str, what: str) -> str:
    try:
        return urllib.parse.unquote(text, errors="strict")
    except UnicodeDecodeError as error:
        raise invalid_argument(f"Failed to decode {what}:{text}") from error
