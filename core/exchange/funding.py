"""Cash between the account's shards, over REST (kalshi.md 2.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from core.exchange.wire.transfers import (
    CENTICENT,
    EVENT_CONTRACTS,
    TransferIdJson,
    TransferPage,
    TransferRequestJson,
)

if TYPE_CHECKING:
    from core.exchange.endpoints import Http
    from core.units import Money

TRANSFER: Final = "/portfolio/intra_exchange_instance_transfer"


class FundingEndpoints:
    """The part of the client that moves money; nothing in the daemon calls it by itself."""

    _http: Http

    def transfer(
        self, source: int, destination: int, amount: Money, client_transfer_id: str
    ) -> str:
        """Move cash to another shard; the transfer's id. It is under way, not yet done.

        `Ambiguous` when the answer is lost: ask again with the same id of ours, and take
        `Rejected` 409 for "it had landed". Raises ValueError for an amount that is not positive or
        finer than $0.0001.
        """
        if amount <= 0 or amount % CENTICENT:
            msg = f"a transfer of {amount}: it must be positive, and whole in $0.0001"
            raise ValueError(msg)
        body = TransferRequestJson(
            source=EVENT_CONTRACTS,
            destination=EVENT_CONTRACTS,
            amount=amount // CENTICENT,
            source_exchange_shard=source,
            destination_exchange_shard=destination,
            client_transfer_id=client_transfer_id,
        )
        return self._http.write("POST", TRANSFER, TransferIdJson, body=body).transfer_id

    def is_transferred(self, transfer_id: str) -> bool:
        """Whether a transfer is complete."""
        page = self._http.read(f"{TRANSFER}s/{transfer_id}", TransferPage, signed=True)
        return page.transfer.status == "complete"
