"""Cash between shards, by the client over real sockets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from core.exchange.endpoints import KalshiExchange
from core.exchange.port import Ambiguous, Rejected
from core.units import money_from_dollars

if TYPE_CHECKING:
    from tests.contract.venue import Venue

TEN = money_from_dollars(10)


def client(venue: Venue) -> KalshiExchange:
    assert isinstance(venue.exchange, KalshiExchange)
    return venue.exchange


def cash(venue: Venue, shard: int) -> int:
    return sum(part.cash for part in venue.exchange.balance().shards if part.shard == shard)


def test_cash_moves_to_the_other_shard_and_the_transfer_completes(served: Venue) -> None:
    before = cash(served, 2)
    moved = client(served).transfer(2, 0, TEN, "t-1")
    assert client(served).is_transferred(moved)
    assert (cash(served, 0), cash(served, 2)) == (TEN, before - TEN)


def test_a_transfer_whose_answer_is_lost_is_asked_for_again_and_moves_once(served: Venue) -> None:
    assert served.running is not None
    control = f"{served.running.announcement.base_url}/local/faults"
    fault = {"kind": "lost_after", "match": "POST /portfolio/intra_exchange_instance_transfer"}
    assert requests.post(control, json=fault, timeout=60).status_code == 201
    with pytest.raises(Ambiguous):
        client(served).transfer(2, 0, TEN, "t-1")
    with pytest.raises(Rejected) as again:
        client(served).transfer(2, 0, TEN, "t-1")
    assert again.value.status == 409
    assert cash(served, 0) == TEN


@pytest.mark.parametrize("amount", [0, -TEN, TEN + 1])
def test_an_amount_that_cannot_be_told_is_refused_here(served: Venue, amount: int) -> None:
    with pytest.raises(ValueError, match="transfer"):
        client(served).transfer(2, 0, type(TEN)(amount), "t-1")
    assert cash(served, 0) == 0
