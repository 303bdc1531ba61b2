"""What must hold after each step, judged from outside: journal, permits, and the exchange's books.

Nothing here asks the daemon for its opinion, except whether it says why it does not trade.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from core import messages as m
from core.exchange.records import OrderStatus, Outcome, Side
from core.units import ONE_DOLLAR, SECOND, Money, Nanos, complement, dollars, notional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.exchange.records import OrderRequest
    from core.messages import Message
    from tests.recovery.market import Market

HALT_SECONDS = 8.0
"""On a line that fails now and then, nothing may rest any more so long after a halt."""


class Watch:
    """The books of the watcher. `violations` is empty as long as all is well."""

    def __init__(self, market: Market, most_exposed: Money, most_a_market: Money) -> None:
        self._market = market
        self._most_exposed = most_exposed
        self._most_a_market = most_a_market
        self._states: list[m.TradingStateChanged] = []
        self._leased_until = Nanos(0)
        self._sent: Counter[str] = Counter()
        self._booked: Counter[str] = Counter()
        self._halted_since: Nanos | None = None
        self.violations: list[str] = []
        self.orders = 0
        self.most_seen = Money(0)

    def violated(self, what: str) -> None:
        """Note it once."""
        if len(self.violations) < 20 and what not in self.violations:
            self.violations.append(what)

    # --- what happens ----------------------------------------------------------------------------

    def journalled(self, events: Sequence[Message]) -> None:
        """An entry was written, by whichever process."""
        for event in events:
            if isinstance(event, m.TradingStateChanged):
                self._state(event)
            elif isinstance(event, m.OrderFilled):
                self._booked[event.trade_id] += 1
                if self._booked[event.trade_id] > 1:
                    self.violated(f"fill {event.trade_id} was booked twice")

    def _state(self, change: m.TradingStateChanged) -> None:
        before = self._states[-1] if self._states else None
        if before is not None:
            if before.state == "HALTED" and change.state != "HALTED" and change.code != "reset":
                self.violated(f"unlatched: HALTED became {change.state} by {change.code}")
            together = before.state == change.state == "HALTED" and before.ts == change.ts
            if change.epoch < before.epoch + (not together):
                self.violated(f"epoch went from {before.epoch} to {change.epoch}")
        if not change.code or not change.reason:
            self.violated(f"{change.state} without a reason")
        self._states.append(change)
        if change.state != "HALTED":
            self._halted_since = None
        elif self._halted_since is None:
            self._halted_since = change.ts

    def permitted(self, permit: m.Permit) -> None:
        """A permit was issued."""
        if permit.state == "ACTIVE":
            self._leased_until = max(self._leased_until, permit.expires)

    def order_leaves(self, request: OrderRequest) -> None:
        """An order is handed to the line: was anybody allowed to?

        At the very moment of a change, what is just leaving may leave: it is waited for.
        """
        now = self._market.clock.now()
        self.orders += 1
        before = [change for change in self._states if change.ts < now]
        state = before[-1].state if before else "STARTING"
        if state != "ACTIVE":
            self.violated(f"an order left while {state}")
        if now >= self._leased_until:
            self.violated("an order left without a permit that is valid")
        self._sent[request.client_order_id] += 1
        if self._sent[request.client_order_id] > 1:
            self.violated(f"order {request.client_order_id} was sent twice")

    # --- after each step -------------------------------------------------------------------------

    def look(self) -> None:
        """At the exchange's own books."""
        account, now = self._market.account, self._market.clock.now()
        each: Counter[tuple[str, Outcome]] = Counter()
        for held in account.positions():
            each[held.ticker, Outcome.YES if held.quantity > 0 else Outcome.NO] += held.cost
        resting = account.orders(status=OrderStatus.RESTING)
        for order in resting:
            price = order.price if order.side is Side.BID else complement(order.price)
            wanted = order.side.buys
            each[order.ticker, wanted] += notional(price, order.remaining)
        total = Money(sum(each.values()))
        self.most_seen = max(self.most_seen, total)
        if total > self._most_exposed:
            self.violated(f"exposure of {dollars(total):.2f}: more than allowed")
        for (ticker, wanted), cost in each.items():
            if cost > self._most_a_market:
                at_risk = f"{dollars(Money(cost)):.2f} at risk for {wanted.name}"
                self.violated(f"{ticker}: {at_risk}, more than allowed")
        since = self._halted_since
        if resting and since is not None and now - since > HALT_SECONDS * SECOND:
            self.violated(f"{len(resting)} orders rest {HALT_SECONDS:g} s after the halt")

    def unbooked(self) -> int:
        """Fills of the exchange that nobody booked."""
        return sum(fill.trade_id not in self._booked for fill in self._market.account.fills())

    @property
    def state(self) -> m.TradingStateChanged | None:
        """The last journalled change."""
        return self._states[-1] if self._states else None


CENT = Money(ONE_DOLLAR // 100)
