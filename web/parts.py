"""The page's files, held in memory under an address that names their content.

Every file is at `/static/VERSION/...`, where VERSION is a digest of all of them: what a browser has
it keeps and never asks for again, and a daemon of another version serves another address. Held
packed, because a start on a busy machine is thirty small answers.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from typing import TYPE_CHECKING, Final

import msgspec
from flask import Response, request

from web.errors import ApiError

if TYPE_CHECKING:
    from pathlib import Path

ROOT: Final = "/static/"
_DIGITS: Final = 12
_FOREVER: Final = "private, max-age=31536000, immutable"
_WORTH_PACKING: Final = 512


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One file."""

    kind: str
    plain: bytes
    packed: bytes
    """With gzip; empty where that is not worth it."""


class Parts:
    """All files below a folder, read once. Immutable, so any thread may ask."""

    def __init__(self, folder: Path) -> None:
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        contents = {str(path.relative_to(folder)): path.read_bytes() for path in files}
        digest = hashlib.sha256()
        for name, content in contents.items():
            digest.update(f"{name}:{len(content)}:".encode() + content)
        self.version = digest.hexdigest()[:_DIGITS]
        page = contents["index.html"].replace(ROOT.encode(), f"{ROOT}{self.version}/".encode())
        self._parts = {name: _part(name, content) for name, content in contents.items()}
        self._page = _part("index.html", page)

    def page(self) -> Response:
        """The page itself: asked for at every visit, so that it names the files of today."""
        return _answer(self._page, "no-cache")

    def answer(self, version: str, name: str) -> Response:
        """One file. Raises ApiError 404 for another version's, or for none of ours."""
        part = self._parts.get(name)
        if version != self.version or part is None:
            raise ApiError(404, "not_found", "no such file: reload the page")
        return _answer(part, _FOREVER)


def _part(name: str, content: bytes) -> Part:
    kind = mimetypes.guess_type(name)[0] or "text/plain"
    packed = gzip.compress(content, mtime=0) if len(content) >= _WORTH_PACKING else b""
    return Part(kind=kind, plain=content, packed=packed)


def _answer(part: Part, keep: str) -> Response:
    packs = part.packed and "gzip" in request.headers.get("Accept-Encoding", "")
    response = Response(part.packed if packs else part.plain, mimetype=part.kind)
    if packs:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = keep
    return response
