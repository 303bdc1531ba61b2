"""Nothing secret in a log line: known secrets by value, unknown ones by their look.

Applied to the finished text, after messages, values and tracebacks were put together, so there is
no road around it. It errs on the side of hiding.
"""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "(hidden)"
_SHORTEST: Final = 8
"""A secret shorter than this would blank out innocent text."""

_PEM: Final = re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL)
_PEM_EDGE: Final = re.compile(r"-----(?:BEGIN|END) [A-Z ]+-----")
_SCHEME: Final = re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]+", re.IGNORECASE)
_VALUE: Final = r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s"'&;,)}\]]+)"""
_NAMED: Final = re.compile(
    r"""
    (?<![\w-])
    ((?:[\w-]*(?:token|secret|password|passwd|signature|authorization|cookie)
        |kalshi-access-key|[\w-]*api[_-]?key|[\w-]*private[_-]?key)
     ["']?\s*[:=,]\s*)    # token=..., "token": "...", ('token', '...')
    """
    + _VALUE,
    re.IGNORECASE | re.VERBOSE,
)
_LONG_BASE64: Final = re.compile(
    r"(?<![A-Za-z0-9+/])(?=[A-Za-z0-9+/]*[A-Z])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[0-9])"
    r"[A-Za-z0-9+/]{60,}={0,2}"
)
"""Signatures (88 characters and more) and lines of a PEM body (64)."""


class Redactor:
    """Replaces secrets in text. `hide` and `clean` may be called on any thread."""

    def __init__(self) -> None:
        self._known: tuple[str, ...] = ()

    def hide(self, secret: str) -> None:
        """Never let this text through again; of several lines (PEM), none of them.

        Raises ValueError for a text too short to be told from ordinary words.
        """
        lines = [line.strip() for line in secret.replace("\\n", "\n").splitlines()]
        told = {line for line in lines if line and not _PEM_EDGE.match(line)}
        kept = {line for line in told if len(line) >= _SHORTEST}
        if told and not kept:
            msg = f"a secret needs at least {_SHORTEST} characters to be hidden in logs"
            raise ValueError(msg)
        self._known = tuple(sorted({*self._known, *kept}, key=len, reverse=True))

    def clean(self, text: str) -> str:
        """The text without secrets."""
        text = _PEM.sub(HIDDEN, text)
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        text = _SCHEME.sub(rf"\1 {HIDDEN}", text)
        text = _NAMED.sub(rf"\1{HIDDEN}", text)
        return _LONG_BASE64.sub(HIDDEN, text)
