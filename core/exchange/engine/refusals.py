"""Every refusal of the simulated exchange, with the code and status that the venue uses.

| code | status | when |
|---|---|---|
| `invalid_parameters` | 400 | a field is malformed, or fields exclude each other |
| `invalid_price` | 400 | off the grid, or not inside 0 to 1 |
| `invalid_order` | 400 | post-only that would cross, amend to no more than what is filled |
| `insufficient_balance` | 400 | collateral is missing on the market's shard |
| `market_inactive` | 400 | not open yet, paused, or closed; cancels after the close too |
| `trading_is_paused` | 400 | the shard takes no orders; cancels pass |
| `exchange_paused` | 400 | the shard takes nothing |
| `market_not_found` | 404 | unknown, or not on the shard named |
| `order_not_found` | 404 | unknown, of another account, terminal, or not on the shard asked |
| `not_found` | 404 | no such account, series or index |
| `order_already_exists` | 409 | client order id used before, also by a killed fill-or-kill |
| `fill_or_kill_insufficient_resting_volume` | 409 | fill-or-kill that cannot fill |

The statuses of the three pauses are not documented (kalshi.md 2.9); 400 says plainly that nothing
happened, where a 503 would have to be read as "unknown".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.exchange.port import Rejected
from core.units import format_price

if TYPE_CHECKING:
    from core.units import Price

_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404
_CONFLICT: Final = 409


def invalid_parameters(details: str) -> Rejected:
    """A field is malformed or contradicts another."""
    return Rejected("invalid_parameters", _BAD_REQUEST, "invalid parameters", details)


def invalid_price(price: Price) -> Rejected:
    """A price that the market's grid does not have."""
    return Rejected("invalid_price", _BAD_REQUEST, "price is not on the grid", format_price(price))


def invalid_order(details: str) -> Rejected:
    """An order refused for what it would do."""
    return Rejected("invalid_order", _BAD_REQUEST, "invalid order", details)


def insufficient_balance(shard: int) -> Rejected:
    """Not enough spendable cash on the shard."""
    details = f"exchange_index {shard}"
    return Rejected("insufficient_balance", _BAD_REQUEST, "insufficient balance", details)


def market_inactive(details: str) -> Rejected:
    """The market takes no such request in its present state."""
    return Rejected("market_inactive", _BAD_REQUEST, "market inactive", details)


def trading_paused() -> Rejected:
    """The shard's trading is paused."""
    return Rejected("trading_is_paused", _BAD_REQUEST, "trading is paused")


def exchange_paused() -> Rejected:
    """The shard takes nothing at all."""
    return Rejected("exchange_paused", _BAD_REQUEST, "exchange is paused")


def market_not_found(ticker: str) -> Rejected:
    """No such market, or not on the shard asked."""
    return Rejected("market_not_found", _NOT_FOUND, "market not found", ticker)


def order_not_found(order_id: str) -> Rejected:
    """No such resting order of this account on the shard asked."""
    return Rejected("order_not_found", _NOT_FOUND, "order not found", order_id)


def not_found(kind: str, name: str) -> Rejected:
    """No such account, series or index."""
    return Rejected("not_found", _NOT_FOUND, f"{kind} not found", name)


def already_exists(client_order_id: str) -> Rejected:
    """The client order id was used before."""
    return Rejected("order_already_exists", _CONFLICT, "order already exists", client_order_id)


def fill_or_kill() -> Rejected:
    """Not all of a fill-or-kill could trade; its client order id is used up."""
    code = "fill_or_kill_insufficient_resting_volume"
    return Rejected(code, _CONFLICT, "fill or kill: insufficient resting volume")
