"""WebSocket frames of a server (RFC 6455, section 5.2), encoded once for all who get them."""

from __future__ import annotations

import struct
from typing import Final

_FINAL_TEXT: Final = 0x81
_SHORT: Final = 125
_TWO_BYTES: Final = 0xFFFF


def text_frame(payload: bytes) -> bytes:
    """One unfragmented, unmasked, uncompressed text frame around UTF-8 `payload`."""
    size = len(payload)
    if size <= _SHORT:
        return struct.pack("!BB", _FINAL_TEXT, size) + payload
    if size <= _TWO_BYTES:
        return struct.pack("!BBH", _FINAL_TEXT, 126, size) + payload
    return struct.pack("!BBQ", _FINAL_TEXT, 127, size) + payload
