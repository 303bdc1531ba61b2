"""The token buckets of the local exchange: a signed request pays, or is answered with a bare 429.

Buckets refill with the exchange's own clock, however fast that goes. Requests without a signature
and those below `/local` are free (kalshi.md 2.10).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

import msgspec
from flask import Flask, Response, g, request

from core.exchange.costs import BALANCE, READ, Call, bill
from core.exchange.throttle import BucketSize, TokenBucket
from core.exchange.tiers import SLOW_BALANCE
from core.exchange.wire.errors import bare_error

if TYPE_CHECKING:
    from core.clock import Clock
    from core.exchange.costs import Bill
    from core.exchange.listing import Limits

_TOO_MANY: Final = 429
_BALANCE_RATES: Final = {True: 1, False: 5}


class _Billed(msgspec.Struct, frozen=True):
    """What of a body decides the cost."""

    exchange_index: int | None = None
    orders: tuple[msgspec.Raw, ...] = ()


class Tollgate:
    """The buckets of every account. Any thread."""

    def __init__(self, limits: Limits, clock: Clock) -> None:
        balance = _BALANCE_RATES[limits.tier in SLOW_BALANCE]
        self._sizes = {
            READ: BucketSize(refill=limits.read_refill, capacity=limits.read_capacity),
            BALANCE: BucketSize(refill=balance, capacity=balance),
        }
        self._write = BucketSize(refill=limits.write_refill, capacity=limits.write_capacity)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], TokenBucket] = {}

    def resize(self, limits: Limits) -> None:
        """Another tier from now on; buckets begin full."""
        fresh = Tollgate(limits, self._clock)
        with self._lock:
            self._sizes, self._write = fresh._sizes, fresh._write
            self._buckets.clear()

    def admits(self, account: str, due: Bill) -> bool:
        """Take what a request costs from all of its buckets, or nothing when one has too little."""
        with self._lock:
            now = self._clock.now()
            drawn = [(self._bucket(account, name), tokens) for name, tokens in due]
            if any(bucket.tokens(now) < tokens for bucket, tokens in drawn):
                return False
            for bucket, tokens in drawn:
                bucket.take(tokens, now)
            return True

    def _bucket(self, account: str, name: str) -> TokenBucket:
        found = self._buckets.get((account, name))
        if found is None:
            size = self._sizes.get(name, self._write)
            found = self._buckets[account, name] = TokenBucket(size, self._clock.now())
        return found


def install_limits(app: Flask, prefix: str, gate: Tollgate) -> None:
    """Let signed requests below `prefix` pay."""

    @app.before_request
    def pay() -> Response | None:
        path = request.path.removeprefix(prefix)
        if path == request.path or path.startswith("/local/") or "account" not in g:
            return None
        if gate.admits(g.account, bill(_call(path))):
            return None
        body = bare_error("too many requests")
        return Response(body, _TOO_MANY, mimetype="application/json")


def _call(path: str) -> Call:
    """What the current request is billed as; a body that cannot be read is billed as one order."""
    told = _Billed()
    if request.method != "GET":
        try:
            told = msgspec.json.decode(request.get_data(), type=_Billed)
        except (msgspec.DecodeError, UnicodeDecodeError):
            told = _Billed()
    shard = told.exchange_index
    if shard is None:
        shard = request.args.get("exchange_index", type=int)
    return Call(method=request.method, path=path, shard=shard, items=max(1, len(told.orders)))
