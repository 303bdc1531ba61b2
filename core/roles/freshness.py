"""Whether a picture is young and whole enough to have an opinion on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.domain.fees import has_formula
from core.units import SECOND

if TYPE_CHECKING:
    from core.messages import MarketView, Values
    from core.roles.strategy import StrategyTerms
    from core.units import Nanos

_INDEX_STALE: Final = "index_stale"
_NO_PRINT: Final = "no_print_yet"
NO_PRICE: Final = (_INDEX_STALE, _NO_PRINT)
"""Codes that no change of a book takes back."""


def stale_input(view: MarketView, terms: StrategyTerms, now: Nanos) -> tuple[str, Values] | None:
    """The code of the older input, or of what is not there yet, and its age; None if it is fresh.

    Ages are by the inputs' own time. A fee that no formula describes is not there either: what an
    order would cost is not known.
    """
    if not has_formula(view.market):
        return "fee_unknown", ()
    if not view.ts_index:
        return _NO_PRINT, ()
    index_age, book_age = now - view.ts_index, now - view.ts_book
    if index_age > terms.index_fresh:
        return _INDEX_STALE, (("age_s", index_age / SECOND),)
    if not view.ts_book:
        return "no_book_yet", ()
    if not view.book_fresh or book_age > terms.book_fresh:
        return "book_stale", (("age_s", book_age / SECOND),)
    return None
