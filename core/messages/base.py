"""The base of every message."""

from __future__ import annotations

import msgspec


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, gc=False):
    """An immutable message. Data are nouns, events are past tense, commands imperative.

    Costs about 0.15 us to build. `gc=False` keeps millions of them out of the garbage collector:
    no message may refer to itself.
    """


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An immutable piece of a message that is never sent alone."""
