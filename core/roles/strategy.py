"""The role `strategy:<name>`: runs one strategy on fresh pictures, and not too often.

What a strategy says becomes a message here: a signal gets its id and its expiry, a pass is passed
on when it says something new. A strategy that raises takes its host down: it is restarted and, if
it goes on failing, quarantined, while the others trade on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from core import messages as m
from core import strategies
from core.domain.fold import StateFolded
from core.domain.orders import EXECUTED
from core.domain.recent import Newest
from core.roles.base import HandlingRole
from core.roles.departures import Departures
from core.roles.freshness import NO_PRICE, stale_input
from core.roles.own_quotes import OwnQuotes
from core.strategies import StrategyError
from core.strategies.base import Learner, Standing, Steady, passed
from core.topology import STRATEGY
from core.units import NEVER, Nanos, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.messages import Message
    from core.roles.own_quotes import Quote
    from core.strategies.base import Strategy, StrategyParams


class StrategyTerms(msgspec.Struct, frozen=True, kw_only=True):
    """Patience of a strategy's host, in the clock's own time."""

    cooldown: Nanos = seconds(15.0)
    """After a signal, no other in the same market for this long."""
    signal_ttl: Nanos = seconds(2.0)
    index_fresh: Nanos = seconds(3.0)
    book_fresh: Nanos = seconds(10.0)
    repeat_pass: Nanos = seconds(1.0)
    """The same refusal of the same market is told again after this."""
    quote_lease: Nanos = seconds(6.0)
    """So long an order of ours goes on resting by one word of ours."""
    repeat_quote: Nanos = seconds(1.0)
    """Between two words about the same order."""
    own_shown: bool = False
    """The venue's book contains our own orders; that of paper and of a tape does not."""


class _Passed:
    """A pass, and how long it stands once somebody asked."""

    __slots__ = ("at", "code", "standing", "view")

    def __init__(self, view: m.MarketView, code: str, at: Nanos) -> None:
        self.view = view
        self.code = code
        self.at = at
        self.standing: Standing | None = None


class StrategyRole(HandlingRole):
    """One strategy as a role."""

    def __init__(
        self,
        strategy: Strategy,
        terms: StrategyTerms,
        given: Mapping[str, object] | None = None,
    ) -> None:
        """`given`: the parameters of the settings, with which `strategy` was made."""
        super().__init__(
            f"{STRATEGY}:{strategy.name}",
            {
                m.MarketView: self._viewed,
                m.EnableStrategy: self._switched,
                m.SetParameters: self._parameters,
            },
        )
        self._strategy = strategy
        self._steady = _steady(strategy)
        self._terms = terms
        self._given = dict(given or {})
        self._enabled = True
        self._changed: dict[str, m.ParameterValue] = {}
        """Parameters that the operator has set."""
        self._quiet_until: dict[str, Nanos] = {}
        self._passed: Newest[tuple[str, Nanos]] = Newest()
        self._last: _Passed | None = None
        """The last picture, where the strategy passed on it."""
        self._quotes = OwnQuotes(strategy.name, terms)
        self._departures = Departures(strategy, self.params)

    @property
    def params(self) -> StrategyParams:
        """The parameters in force."""
        return strategies.params_of(type(self._strategy), {**self._given, **self._changed})

    def _viewed(self, view: m.MarketView, now: Nanos) -> list[Message]:
        """Hot: every picture of every market comes through here."""
        ticker = view.market.ticker
        if not self._enabled:
            return []
        quote = self._quotes.of(ticker)
        if quote is not None:
            self._last = None
            return self._tend(quote, view, now)
        if now < self._quiet_until.get(ticker, 0):
            return []
        self._last = None
        stale = self._stale(view, now)
        if stale is not None:
            return self._pass(stale, now)
        view = self._departures.told(view)
        opinion = self._opinion(view, now)
        if isinstance(opinion, m.Pass):
            if not self._departures.watches(view):
                self._last = _Passed(view, opinion.code, now)
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

    def _opinion(self, view: m.MarketView, now: Nanos) -> m.Signal | m.Pass:
        return self._departures.wish(view, now) or self._strategy.evaluate(view, now)

    # --- an order that rests ---------------------------------------------------------------------

    def _tend(self, quote: Quote, view: m.MarketView, now: Nanos) -> list[Message]:
        """Say on every picture whether it may go on resting: where it is, and at all."""
        opinion: m.Signal | m.Pass | None = self._stale(view, now)
        if opinion is None:
            seen = self._departures.told(self._quotes.without(view, quote))
            opinion = self._opinion(seen, now)
        if isinstance(opinion, m.Pass):
            return [*self._pass(opinion, now), *self._quotes.withdrawn(quote, opinion.code, now)]
        own = quote.own
        same = (opinion.outcome, opinion.price) == (own.outcome, own.price)
        if opinion.style == "make" and same:
            return self._quotes.kept(quote, now)
        return self._quotes.withdrawn(quote, "moved", now)

    def _ended(self, ended: Quote, event: Message) -> None:
        """After its fill the market is left alone as after any signal; else a moment."""
        if isinstance(event, m.OrderClosed | m.OrderRejected):
            filled = isinstance(event, m.OrderClosed) and event.reason == EXECUTED
            pause = self._terms.cooldown if filled else seconds(self.params.requote_seconds)
            self._quiet_until[ended.ticker] = Nanos(event.ts + pause)

    def deaf_until(self, ticker: str) -> Nanos:
        """Until then no picture of this market would change anything here or be answered.

        Holds as long as nothing but its book changes: a price that was too old stays so.
        """
        if not self._enabled:
            return NEVER
        if self._quotes.of(ticker) is not None:
            return Nanos(0)
        code, since = self._passed.get(ticker, ("", Nanos(0)))
        told = Nanos(since + self._terms.repeat_pass) if code in NO_PRICE else Nanos(0)
        return max(told, self._quiet_until.get(ticker, Nanos(0)))

    def standing(self, ticker: str) -> tuple[Standing, Nanos] | None:
        """How far this market's book may move before it is news here, and how old it may get; None
        where that is not known, or the last picture was of another market.
        """
        last = self._last
        if last is None or last.view.market.ticker != ticker:
            return None
        if last.standing is None:
            last.standing = self._stands(last)
        return last.standing, self._terms.book_fresh

    def _stands(self, last: _Passed) -> Standing:
        view, terms = last.view, self._terms
        _, since = self._passed.get(view.market.ticker, ("", Nanos(0)))
        found = None
        if self._steady is not None:
            found = self._steady.standing(view, last.code, last.at)
        if found is None:
            return Standing(until=Nanos(0))
        until = min(found.until, since + terms.repeat_pass, view.ts_index + terms.index_fresh)
        return msgspec.structs.replace(found, until=Nanos(until))

    def _stale(self, view: m.MarketView, now: Nanos) -> m.Pass | None:
        found = stale_input(view, self._terms, now)
        return None if found is None else passed(self._strategy.name, view, now, found)

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

    # --- the operator ----------------------------------------------------------------------------

    def _switched(self, switch: m.EnableStrategy, now: Nanos) -> list[Message]:
        if switch.strategy != self._strategy.name:
            return []
        answer = m.CommandAnswered(command_id=switch.command_id)
        if switch.enabled == self._enabled:
            return [answer]
        changed = m.StrategySet(
            strategy=switch.strategy,
            enabled=switch.enabled,
            values=tuple(self._changed.items()),
            by=switch.by,
            reason=switch.reason,
            ts=now,
        )
        leaving = [] if switch.enabled else self._quotes.all_withdrawn("disabled", now)
        return [changed, answer, *leaving]

    def _parameters(self, command: m.SetParameters, now: Nanos) -> list[Message]:
        """Other parameters, if they are valid together; effective from the next picture on."""
        if command.strategy != self._strategy.name:
            return []
        wanted = {**self._changed, **dict(command.values)}
        try:
            strategies.params_of(type(self._strategy), {**self._given, **wanted})
        except StrategyError as error:
            answer = m.CommandAnswered(
                command_id=command.command_id, refusal="invalid_parameters", text=str(error)
            )
            return [answer]
        changed = m.StrategySet(
            strategy=command.strategy,
            enabled=self._enabled,
            values=tuple(wanted.items()),
            by=command.by,
            reason=command.reason,
            ts=now,
        )
        return [changed, m.CommandAnswered(command_id=command.command_id)]

    def apply(self, event: Message) -> None:
        """Fold what the operator has set, and what became of our own orders."""
        self._departures.apply(event)
        match event:
            case StateFolded():
                self._quotes.load(event)
                for kept in event.strategies:
                    self._set(kept)
            case m.StrategySet():
                self._set(event)
            case _:
                if isinstance(event, m.OrderFilled):
                    self._last = None
                ended = self._quotes.apply(event)
                if ended is not None:
                    self._ended(ended, event)

    def _set(self, event: m.StrategySet) -> None:
        """Parameters that a newer version of the strategy does not take any more are left out."""
        if event.strategy != self._strategy.name:
            return
        self._enabled = event.enabled
        self._last = None
        wanted = dict(event.values)
        if wanted == self._changed:
            return
        try:
            after = strategies.build(type(self._strategy), {**self._given, **wanted})
        except StrategyError:
            return
        if isinstance(after, Learner):
            after.take_over(self._strategy)
        self._strategy, self._steady, self._changed = after, _steady(after), wanted
        self._departures.follow(after, self.params)


def _steady(strategy: Strategy) -> Steady | None:
    """The strategy where it knows how long its passes stand: asked once, for that is slow."""
    return strategy if isinstance(strategy, Steady) else None
