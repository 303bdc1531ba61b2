"""How the program would fall into each of the 48 traps: one small change of source for each.

`python -m tests.contract.mutants` makes each change in a copy of the tree and sees a test fail that
`test_traps.TRAPS` names for it. The texts must stand in the source as they are here: where the code
changes, its line changes here.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Mutant(NamedTuple):
    """A file of the tree, a text that stands in it once, and what takes its place."""

    path: str
    old: str
    new: str


_ENGINE: Final = "core/exchange/engine"
_WIRE: Final = "core/exchange/wire"
_ROLES: Final = "core/roles"
_DOMAIN: Final = "core/domain"

FALLS: Final[dict[int, tuple[Mutant, ...]]] = {
    1: (
        Mutant(
            f"{_ENGINE}/order_desk.py",
            "free = account.spendable(record.shard) + record.reserved",
            "free = sum(account.cash.values()) - account.reserved() + record.reserved",
        ),
    ),
    2: (
        Mutant(
            "core/exchange/endpoints.py",
            'query: Query = {"market_ticker": request.ticker, "exchange_index": request.shard}',
            "query: Query = {}",
        ),
    ),
    3: (
        Mutant(
            f"{_WIRE}/trading.py",
            "order_group_id=request.group or None,\n            exchange_index=request.shard,",
            "order_group_id=request.group or None,",
        ),
    ),
    4: (Mutant("web/exchange_orders.py", '"deprecated_v1_order_endpoint", _GONE', '"gone", 404'),),
    5: (
        Mutant(
            f"{_DOMAIN}/approvals.py",
            "price = signal.price if facts.side is Side.BID else complement(signal.price)",
            "price = signal.price",
        ),
    ),
    6: (
        Mutant(
            f"{_ENGINE}/change_desk.py",
            "remaining = Quantity(request.total - order.filled)\n        before",
            "remaining = Quantity(request.total)\n        before",
        ),
        Mutant(
            f"{_ENGINE}/change_desk.py",
            "remaining = Quantity(request.total - order.filled)\n        taker",
            "remaining = Quantity(request.total)\n        taker",
        ),
    ),
    7: (
        Mutant(
            f"{_ENGINE}/admission.py",
            "if request.reduce_only and request.time_in_force is not TimeInForce.IOC:",
            "if False:",
        ),
    ),
    8: (
        Mutant(
            f"{_ROLES}/order_news.py",
            "filled=answer.filled,\n            remaining=answer.remaining,",
            "filled=order.size,\n            remaining=answer.remaining,",
        ),
    ),
    9: (
        Mutant(
            f"{_ENGINE}/order_desk.py",
            "account.use_client_order_id(request.client_order_id, request.ticker)\n"
            "            raise refusals.fill_or_kill()",
            "raise refusals.fill_or_kill()",
        ),
    ),
    10: (
        Mutant(
            "core/exchange/kalshi.py",
            "if outgoing.is_write and not _never_sent(error):",
            "if False:",
        ),
    ),
    11: (
        Mutant(
            f"{_ROLES}/execution.py",
            "return [self._questions.ask_account(now)] if back else []",
            "return []",
        ),
        Mutant(
            f"{_ROLES}/order_news.py",
            "return fill.quantity > 0 and not self.book.knows_trade(fill.trade_id)",
            "return fill.quantity > 0",
        ),
    ),
    12: (
        Mutant(
            f"{_ROLES}/order_news.py",
            "order = self.book.find(order_id, fill.order_id)",
            'order = self.book.find("", fill.order_id)',
        ),
    ),
    13: (
        Mutant(
            f"{_ROLES}/execution.py",
            "return [self._questions.ask(order, now)] if order else []",
            "return []",
        ),
    ),
    14: (
        Mutant(
            "actors/exchange_sweep.py",
            "gone = sum(self._desk.cancel_listed(order) for order in listed)",
            "gone = len(listed)\n        self._exchange.cancel_all_orders()",
        ),
    ),
    15: (
        Mutant(
            f"{_ENGINE}/admission.py",
            "if not market.is_open:\n        raise refusals.market_inactive(market.status.value)",
            "if False:\n        raise refusals.market_inactive(market.status.value)",
        ),
    ),
    16: (
        Mutant(
            f"{_WIRE}/markets.py",
            "closes=s.rfc3339(self.close_time),",
            "closes=s.rfc3339(self.expected_expiration_time or self.close_time),",
        ),
    ),
    17: (
        Mutant(
            f"{_DOMAIN}/windows.py",
            "return datetime.fromtimestamp(moment // SECOND, tz=NEW_YORK)",
            'return datetime.fromtimestamp(moment // SECOND, tz=ZoneInfo("UTC"))',
        ),
    ),
    18: (
        Mutant(
            f"{_ENGINE}/index_series.py",
            "values = self.between(Nanos(close - MINUTE), close)",
            "values = self.between(Nanos(close - MINUTE + 1), Nanos(close + 1))",
        ),
    ),
    19: (
        Mutant(
            f"{_DOMAIN}/pricing.py",
            "reached = PRINTS * (2 * ceil_to(contract.strike, unit) - unit)",
            "reached = PRINTS * 2 * ceil_to(contract.strike, unit)",
        ),
        Mutant(f"{_ENGINE}/lifecycle.py", "and value >= strike", "and value > strike"),
    ),
    20: (
        Mutant(
            f"{_ROLES}/feed_market.py",
            "if terms.strike is None:\n            terms = ",
            "if False:\n            terms = ",
        ),
    ),
    21: (
        Mutant(
            f"{_ROLES}/feed_books.py",
            "if record.valid or record.phase is Phase.CLOSED:",
            "if record.valid:",
        ),
    ),
    22: (
        Mutant(
            "core/units.py",
            'whole, point, fraction = text.replace(",", "").partition(".")',
            'whole, point, fraction = text.partition(".")',
        ),
    ),
    23: (
        Mutant(
            f"{_WIRE}/scalars.py",
            "moment = datetime.fromisoformat(text)",
            'moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z")',
        ),
    ),
    24: (
        Mutant(
            f"{_ROLES}/feed_books.py",
            "elif now >= record.snapshot_due:",
            "elif False:",
        ),
    ),
    25: (
        Mutant(
            f"{_ROLES}/feed_books.py",
            "if record.valid and not record.book.crossed and not record.check(top):",
            "if False:",
        ),
    ),
    26: (
        Mutant(
            f"{_ROLES}/feed.py",
            "counted = reply.sid in subscriptions.sequences",
            "counted = False",
        ),
    ),
    27: (
        Mutant(
            f"{_WIRE}/commands.py",
            "use_yes_price=False if BOOK_CHANNEL in command.channels else None,",
            "use_yes_price=None,",
        ),
    ),
    28: (
        Mutant(
            f"{_WIRE}/books.py",
            "return tuple(sorted(read, key=lambda level: -level.price))",
            "return tuple(read)",
        ),
    ),
    29: (
        Mutant(
            f"{_WIRE}/books.py",
            "yes_dollars: tuple[LevelJson, ...]\n    no_dollars: tuple[LevelJson, ...]",
            "yes_dollars: tuple[LevelJson, ...] = ()\n    no_dollars: tuple[LevelJson, ...] = ()",
        ),
    ),
    30: (Mutant(f"{_DOMAIN}/offers.py", "if total < ONE_CONTRACT:", "if False:"),),
    31: (
        Mutant(
            f"{_DOMAIN}/grid.py",
            "PriceRange(start=Price(1_000), end=Price(9_000), step=Price(100))",
            "PriceRange(start=Price(1_000), end=Price(9_000), step=Price(10))",
        ),
    ),
    32: (
        Mutant(
            f"{_ENGINE}/order_desk.py",
            "if request.post_only and found.crosses:",
            "if False:",
        ),
    ),
    33: (
        Mutant(
            "core/exchange/batch_calls.py",
            "if item.error is not None:\n        return _refused(item.error)\n"
            "    try:\n        return item.placed()",
            "try:\n        return item.placed()",
        ),
    ),
    34: (Mutant("core/exchange/throttle.py", "Urgency.PLACE: 2,", "Urgency.PLACE: 0,"),),
    35: (Mutant("core/exchange/costs.py", "if call.path == _BALANCE_PATH:", "if False:"),),
    36: (Mutant("web/exchange_orders.py", "if body.subaccount:", "if False:"),),
    37: (
        Mutant(
            f"{_ENGINE}/groups.py",
            "if group is None or group.shard != market.spec.shard:",
            "if group is None:",
        ),
    ),
    38: (
        Mutant(
            f"{_ENGINE}/lifecycle.py",
            "self._cancel_all(market, UpdateReason.HALT_CANCEL)\n"
            "            market.status = MarketStatus.ACTIVE",
            "market.status = MarketStatus.ACTIVE",
        ),
    ),
    39: (
        Mutant(
            f"{_WIRE}/account.py",
            "side=self.book_side,\n            price=s.price(self.yes_price_dollars),\n"
            "            status=",
            'side=Side.BID if self.side == "yes" else Side.ASK,\n'
            "            price=s.price(self.yes_price_dollars),\n            status=",
        ),
    ),
    40: (
        Mutant(
            f"{_ROLES}/order_news.py", "elif answer.complete and not new and", "elif not new and"
        ),
        Mutant(
            "actors/exchange_sweep.py",
            "return quiet and reaches and not listed, 0, len(listed)",
            "return quiet and not listed, 0, len(listed)",
        ),
    ),
    41: (
        Mutant(
            f"{_ENGINE}/accounts.py",
            "total += _side_reservation(side, cover, claims, worst_fee)",
            "total = max(total, _side_reservation(side, cover, claims, worst_fee))",
        ),
    ),
    42: (
        Mutant(
            f"{_DOMAIN}/sizing.py",
            "average = (bought.cost + fees) / (",
            "average = bought.cost / (",
        ),
        Mutant(
            f"{_DOMAIN}/metrics.py",
            "return (paid - mid_after) / DOLLAR_PRICE",
            "return (mid_after - paid) / DOLLAR_PRICE",
        ),
    ),
    43: (
        Mutant(f"{_DOMAIN}/sizing.py", "COIN_CORRELATION: Final = 0.77", "COIN_CORRELATION = 0.0"),
    ),
    44: (
        Mutant(
            f"{_ENGINE}/matching.py",
            "quantity = min(left, chunk.remaining)",
            "quantity = left",
        ),
    ),
    45: (
        Mutant(
            f"{_ROLES}/supervision.py",
            "arm = self._terms.auto_arm or self._went_down_armed",
            "arm = True",
        ),
    ),
    46: (Mutant(f"{_ROLES}/questions.py", "if first and self._book.seen:", "if False:"),),
    47: (
        Mutant(
            f"{_ENGINE}/matching.py",
            "if isinstance(chunk, LiveOrder) and chunk.account == taker.account:",
            "if False:",
        ),
    ),
    48: (
        Mutant(
            f"{_ROLES}/feed_markets.py",
            "return record is None or record.terms.strike is None",
            "return record is None",
        ),
    ),
}
"""By the number of the trap in kalshi.md, section 10."""
