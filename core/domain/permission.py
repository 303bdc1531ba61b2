"""Which orders a permit lets leave: one rule for execution and for the last look before the wire.

    ACTIVE     any order of the permit's epoch
    REDUCING   of those, the ones that are reduce-only
    else       none

Every change of the trading state raises the epoch, and risk approves under the epoch in which it
judges. So an order that may add risk was judged while ACTIVE and leaves under that very permit, or
never; a pause or a halt in between makes it worthless, whatever overtakes what. What is reduce-only
is held to that by the exchange itself, which cuts it to the position it finds: it can end a holding
and cannot begin one, however old our picture of it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.exchange.records import OrderRequest
    from core.messages import Permit, TradingState
    from core.units import Nanos

LEASED: Final[frozenset[TradingState]] = frozenset({"ACTIVE", "REDUCING"})
"""States whose permits last until they expire; in the others nothing may leave."""


def may_leave(permit: Permit | None, request: OrderRequest, now: Nanos) -> bool:
    """Whether a permit, valid now, is for an order of this kind. Its epoch is asked apart."""
    if permit is None or now >= permit.expires:
        return False
    return permit.state == "ACTIVE" or (permit.state == "REDUCING" and request.reduce_only)
