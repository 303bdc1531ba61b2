"""What a client sends on a stream: encoded from `SendCommand`, decoded by the local exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from core.messages import SendCommand

INDEX_CHANNELS: Final = frozenset({"cfbenchmarks_value", "cfbenchmarks_value_5hz"})
BOOK_CHANNEL: Final = "orderbook_delta"
GROUP_CHANNEL: Final = "order_group_updates"
"""Own order groups; sequenced, and without a filter."""
_UPDATES: Final = frozenset({"add_markets", "delete_markets", "get_snapshot"})


class CommandParams(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`params` of all commands together; which ones count depends on the command."""

    channels: tuple[str, ...] | None = None
    market_ticker: str | None = None
    market_tickers: tuple[str, ...] | None = None
    index_ids: tuple[str, ...] | None = None
    sid: int | None = None
    sids: tuple[int, ...] | None = None
    action: str | None = None
    use_yes_price: bool | None = None
    send_initial_snapshot: bool = False
    skip_ticker_ack: bool = False

    def tickers(self) -> tuple[str, ...]:
        """Both ways to name markets, as one."""
        single = () if self.market_ticker is None else (self.market_ticker,)
        return single + (self.market_tickers or ())


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`{"id", "cmd", "params"}`; an id of 0 wants no id in the replies."""

    id: int = 0
    cmd: str = ""
    params: CommandParams | None = None


def decode_command(text: str | bytes) -> Command:
    """A client's command. Raises msgspec.DecodeError."""
    return msgspec.json.decode(text, type=Command)


def encode_command(command: SendCommand) -> bytes:
    """A command of the feed as JSON.

    On index channels `tickers` are index ids. `use_yes_price` is always sent: the venue's default
    will change, and each leg's own prices are what the book expects.
    """
    return msgspec.json.encode(
        Command(
            id=command.command_id,
            cmd="update_subscription" if command.command in _UPDATES else command.command,
            params=_params(command),
        )
    )


def _params(command: SendCommand) -> CommandParams:
    tickers = command.tickers or None
    if command.command in _UPDATES:
        return CommandParams(sid=command.sid, action=command.command, market_tickers=tickers)
    if command.command == "unsubscribe":
        return CommandParams(sids=(command.sid,))
    if INDEX_CHANNELS.issuperset(command.channels):
        return CommandParams(channels=command.channels, index_ids=tickers)
    return CommandParams(
        channels=command.channels,
        market_tickers=tickers,
        use_yes_price=False if BOOK_CHANNEL in command.channels else None,
    )
