"""The role `strategy:<name>`: runs one strategy on fresh pictures, and not too often.

What a strategy says becomes a message here: a signal gets its id and its expiry, a pass is passed
on when it says something new. A strategy that raises takes its host down: it is restarted and, if
it goes on failing, quarantined, while the others trade on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core.roles.base import HandlingRole
from core.topology import STRATEGY
from core.units import Nanos, seconds

if TYPE_CHECKING:
    from core.messages import Message
    from core.strategies.base import Strategy


class StrategyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Patience of a strategy's host, in the clock's own time."""

    cooldown: Nanos = seconds(15.0)
    """After a signal, no other in the same market for this long."""
    signal_ttl: Nanos = seconds(2.0)
    index_fresh: Nanos = seconds(3.0)
    book_fresh: Nanos = seconds(10.0)
    repeat_pass: Nanos = seconds(1.0)
    """The same refusal of the same market is told again after this."""


class StrategyRole(HandlingRole):
    """One strategy as a role."""

    def __init__(self, strategy: Strategy, terms: StrategyTerms) -> None:
        super().__init__(
            f"{STRATEGY}:{strategy.name}",
            {m.MarketView: self._viewed, m.EnableStrategy: self._switched},
        )
        self._strategy = strategy
        self._terms = terms
        self._enabled = True
        self._quiet_until: dict[str, Nanos] = {}
        self._passed: dict[str, tuple[str, Nanos]] = {}

    def _viewed(self, view: m.MarketView, now: Nanos) -> list[Message]:
        """Hot: every picture of every market comes through here."""
        ticker = view.market.ticker
        if not self._enabled or now < self._quiet_until.get(ticker, 0):
            return []
        stale = self._stale(view, now)
        if stale is not None:
            return self._pass(stale, now)
        opinion = self._strategy.evaluate(view, now)
        if isinstance(opinion, m.Pass):
            return self._pass(opinion, now)
        self._forget(now)
        self._quiet_until[ticker] = Nanos(now + self._terms.cooldown)
        self._passed.pop(ticker, None)
        return [
            msgspec.structs.replace(
                opinion,
                signal_id=f"{self._strategy.name}:{ticker}:{view.ts_recv}",
                expires=Nanos(now + self._terms.signal_ttl),
            )
        ]

    def _stale(self, view: m.MarketView, now: Nanos) -> m.Pass | None:
        """The picture is too old to have an opinion on; names the older input."""
        index_age, book_age = now - view.ts_index, now - view.ts_book
        if index_age > self._terms.index_fresh:
            return self._refusal(view, "index_stale", index_age, now)
        if not view.book_fresh or book_age > self._terms.book_fresh:
            return self._refusal(view, "book_stale", book_age, now)
        return None

    def _refusal(self, view: m.MarketView, code: str, age: int, now: Nanos) -> m.Pass:
        return m.Pass(
            strategy=self._strategy.name,
            ticker=view.market.ticker,
            code=code,
            values=(("age_s", age / 1e9),),
            created=now,
        )

    def _pass(self, passed: m.Pass, now: Nanos) -> list[Message]:
        code, since = self._passed.get(passed.ticker, ("", Nanos(0)))
        if code == passed.code and now - since < self._terms.repeat_pass:
            return []
        self._passed[passed.ticker] = (passed.code, now)
        return [passed]

    def _forget(self, now: Nanos) -> None:
        """Markets end; what is kept of them must too."""
        for ticker, until in list(self._quiet_until.items()):
            if now > until:
                del self._quiet_until[ticker]
                self._passed.pop(ticker, None)

    def _switched(self, switch: m.EnableStrategy, now: Nanos) -> list[Message]:
        del now
        if switch.strategy == self._strategy.name:
            self._enabled = switch.enabled
        return []
