"""How a message is recognised that brought its host down before.

The same news come again with other arrival times (a fill is reported by the stream, then by every
look at the account), so a fingerprint is that of type and content without the message's own times.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.topology import CONTROL, WRITERS
from core.units import Nanos

if TYPE_CHECKING:
    from core.messages import Message

LONGEST_CONTENT: Final = 300
_NEVER: Final = frozenset({m.Begin, m.Tick, m.Heartbeat, m.Scheduled, *CONTROL, *WRITERS})
"""Never set aside: time, commands, and events, which the journal would bring back anyway."""
_BYTES: Final = 8


def fingerprint(message: Message) -> str:
    """Sixteen hexadecimal digits; "" for a message that must never be set aside."""
    kind = type(message)
    if kind in _NEVER or kind.__module__.partition(".")[0] != "core":
        return ""
    values = [getattr(message, name) for name in _telling(kind)]
    text = msgspec.json.encode((kind.__name__, values))
    return blake2b(text, digest_size=_BYTES).hexdigest()


def content(message: Message) -> str:
    """The message as text, cut to what a log line bears."""
    return repr(message)[:LONGEST_CONTENT]


@lru_cache(maxsize=256)
def _telling(kind: type[Message]) -> tuple[str, ...]:
    """Names of the fields that are not a time."""
    return tuple(field.name for field in msgspec.structs.fields(kind) if field.type is not Nanos)
