"""The account: is there money where it is needed, and how much may be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.exchange.doctor.diagnosis import Finding, fail, ok, warn
from core.exchange.throttle import BASIC
from core.units import dollars

if TYPE_CHECKING:
    from core.exchange.listing import Limits
    from core.exchange.records import Balance
    from core.units import Money

FUNDING: Final = "funding"
LIMITS: Final = "rate limits"


def funding_check(shard: int) -> str:
    """The name of the check of one shard."""
    return f"{FUNDING} of shard {shard}"


def funding(balance: Balance, shard: int, wanted: Money, *, places: bool) -> Finding:
    """Cash where the orders are paid from (kalshi.md 2.11): elsewhere it buys nothing.

    `wanted` is the largest position that the settings allow; `places`: orders go to this account,
    on paper they do not.
    """
    check, cash = funding_check(shard), balance.on_shard(shard)
    where = "" if balance.shards else " (the venue does not say how it is split)"
    told = f"${dollars(cash):,.2f}{where}"
    judge = fail if places else warn
    if cash <= 0 < balance.cash:
        return judge(
            check,
            f"{told}, but ${dollars(balance.cash):,.2f} on other shards, which buy nothing here",
            f"move cash to shard {shard}: kalshi.com/account/exchange-indexes, or "
            f"POST /portfolio/intra_exchange_instance_transfer with "
            f"destination_exchange_shard {shard}",
        )
    if cash <= 0:
        return judge(check, told, f"deposit, and move the money to shard {shard}")
    if cash < wanted:
        return warn(
            check,
            f"{told}, less than one position of ${dollars(wanted):,.2f}",
            f"move more to shard {shard}, or lower MAX_POSITION_SIZE",
        )
    return ok(check, told)


def limits(told: Limits) -> Finding:
    """The account's token buckets."""
    shown = (
        f"{told.tier}: reads {told.read_refill}/s up to {told.read_capacity}, "
        f"writes {told.write_refill}/s up to {told.write_capacity}"
    )
    if told.read_refill < BASIC.read_refill or told.write_refill < BASIC.write_refill:
        return warn(LIMITS, f"{shown}: below the lowest public tier", "ask Kalshi's support why")
    return ok(LIMITS, shown)
