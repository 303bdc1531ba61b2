"""Manual orders, changes of open ones, parameters of strategies, bankroll and mode.

What people write (dollars, contracts) becomes a command in the units of the books here; the rest is
the business of the roles. Nothing is decided here but whether a request makes sense.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import request

from core import messages as m
from core.exchange.records import Outcome
from core.screen.trade import OPEN
from core.units import DOLLAR_PRICE, ONE_CONTRACT, Price, Quantity, money_from_dollars
from web.auth import caller
from web.errors import ApiError, json_response
from web.promotion import switch
from web.requests import body
from web.results import Results
from web.schema import (
    AmendBody,
    BankrollBody,
    CashBody,
    CloseBody,
    CommandBody,
    DecreaseBody,
    ModeBody,
    OrderBody,
    ParametersBody,
)

if TYPE_CHECKING:
    from flask import Response

    from core.messages import ControlRequest
    from core.screen.trading_rows import TradeRow
    from web.commands import Build, Commands
    from web.sources import Sources

_LONGEST_NAME = 100


class Writes(Results):
    """Commands that are not about the trading state. Thread-safe."""

    def __init__(self, sources: Sources, commands: Commands) -> None:
        super().__init__(sources)
        self._commands = commands

    # --- orders ----------------------------------------------------------------------------------

    def place(self) -> Response:
        """A manual order, or with `preview` what it would do."""
        given = body(OrderBody)
        price, quantity = _price(given.price), _quantity(given.quantity)

        def build(asked: ControlRequest) -> m.PlaceManually:
            return m.PlaceManually(
                command_id=asked.command_id,
                ticker=given.ticker,
                outcome=Outcome(given.side),
                price=price,
                quantity=quantity,
                style="take" if given.order_type == "ioc" else "make",
                probability=given.probability,
                preview=given.preview,
                by=asked.by,
                reason=asked.reason,
            )

        return self._order(f"order {given.ticker}", build, given)

    def close_position(self, ticker: str) -> Response:
        """Sell what is held in a market, also while paused; with `preview` what it would bring."""
        known_id(ticker, "no market has this name")
        given = body(CloseBody)

        def build(asked: ControlRequest) -> m.ClosePosition:
            return m.ClosePosition(
                command_id=asked.command_id,
                ticker=ticker,
                least=None if given.least_price is None else _price(given.least_price),
                quantity=None if given.quantity is None else _quantity(given.quantity),
                preview=given.preview,
                by=asked.by,
                reason=asked.reason,
            )

        return self._order(f"close {ticker}", build, given)

    def cancel(self, trade_id: str) -> Response:
        """Take an open order off the book. Works without any picture."""
        known_id(trade_id)
        given = body(CommandBody)
        return self._operate(f"cancel {trade_id}", lambda asked: _cancel(trade_id, asked), given)

    def decrease(self, trade_id: str) -> Response:
        """Leave less of an open order, in its place in the queue."""
        known_id(trade_id)
        given = body(DecreaseBody)
        remaining = _quantity(given.quantity)

        def build(asked: ControlRequest) -> m.DecreaseOwn:
            return m.DecreaseOwn(
                command_id=asked.command_id,
                order_id=trade_id,
                remaining=remaining,
                by=asked.by,
                reason=asked.reason,
            )

        return self._operate(f"decrease {trade_id}", build, given)

    def amend(self, trade_id: str) -> Response:
        """Cancel an open order and place one with another price or size, through all gates."""
        row, given = self._trade(trade_id), body(AmendBody)
        if row.status not in OPEN:
            raise ApiError(409, "order_not_open", "nothing of this order rests")
        price = _price(row.price if given.price is None else given.price)
        quantity = _quantity(row.remaining_quantity if given.quantity is None else given.quantity)
        filled = _quantity(row.filled_quantity)

        def build(asked: ControlRequest) -> m.Amendment:
            order = m.PlaceManually(
                command_id=asked.command_id,
                ticker=row.ticker,
                outcome=Outcome(row.side),
                price=price,
                quantity=quantity,
                style="make",
                replaces=row.trade_id,
                by=asked.by,
                reason=asked.reason,
            )
            return m.Amendment(cancel=_cancel(row.trade_id, asked), order=order, filled=filled)

        return self._operate(f"amend {row.trade_id}", build, given)

    def _trade(self, trade_id: str) -> TradeRow:
        self.present()
        found = next((row for row in self._hub.rows("order") if row.trade_id == trade_id), None)
        if found is None:
            raise ApiError(404, "not_found", "no trade has this id")
        row: TradeRow = found
        return row

    # --- strategies, bankroll, mode --------------------------------------------------------------

    def set_parameters(self, name: str) -> Response:
        """Other parameters for a strategy: validated, written down, in force at once."""
        known_name(name)
        given = body(ParametersBody)

        def build(asked: ControlRequest) -> m.SetParameters:
            return m.SetParameters(
                command_id=asked.command_id,
                strategy=name,
                values=tuple(given.params.items()),
                by=asked.by,
                reason=asked.reason,
            )

        return self._operate(f"parameters {name}", build, given)

    def set_bankroll(self) -> Response:
        """What stakes are computed from at most."""
        given = body(BankrollBody)
        bankroll = money_from_dollars(round(given.bankroll, 2))

        def build(asked: ControlRequest) -> m.SetBankroll:
            return m.SetBankroll(
                command_id=asked.command_id, bankroll=bankroll, by=asked.by, reason=asked.reason
            )

        return self._operate("bankroll", build, given)

    def book_cash(self) -> Response:
        """Explain what the exchange has more or less than the books."""
        given = body(CashBody)
        amount = money_from_dollars(round(given.amount, 4))

        def build(asked: ControlRequest) -> m.BookCash:
            return m.BookCash(
                command_id=asked.command_id, amount=amount, by=asked.by, reason=asked.reason
            )

        return self._operate("cash", build, given)

    def clear_lock(self, name: str) -> Response:
        """End the pause of a protection; it counts anew from now on."""
        given = body(CommandBody)
        if len(name) > _LONGEST_NAME:
            raise ApiError(404, "not_found", "no lock has this name")

        def build(asked: ControlRequest) -> m.ClearLock:
            return m.ClearLock(
                command_id=asked.command_id, name=name, by=asked.by, reason=asked.reason
            )

        return self._operate(f"clear lock {name}", build, given)

    def set_mode(self) -> Response:
        """The same mode: done. Another one needs a restart: refused with what it would take."""
        given = body(ModeBody)
        self.present()
        try:
            return json_response(switch(given, self._hub, self.checks()))
        except ApiError as refusal:
            self._commands.note(f"mode {given.mode}", given, self._who(), refusal)
            raise

    def _order(self, name: str, build: Build, given: OrderBody | CloseBody) -> Response:
        if given.preview:
            return json_response(self._commands.preview(build, self._who()))
        return self._operate(name, build, given)

    def _operate(self, name: str, build: Build, given: CommandBody) -> Response:
        return json_response(self._commands.operate(name, build, given, self._who()))

    def _who(self) -> str:
        return f"web {caller(request)}"


def known_id(text: str, missing: str = "no trade has this id") -> None:
    """404 for what cannot be the id of a trade, or the name of a market."""
    if len(text) > _LONGEST_NAME or not text.isprintable():
        raise ApiError(404, "not_found", missing)


def known_name(name: str) -> None:
    """404 for what cannot be a strategy's name."""
    if len(name) > _LONGEST_NAME or not name.isidentifier():
        raise ApiError(404, "not_found", "no strategy has this name")


def _cancel(trade_id: str, asked: ControlRequest) -> m.CancelOwn:
    return m.CancelOwn(
        command_id=asked.command_id, order_id=trade_id, by=asked.by, reason=asked.reason
    )


def _price(dollars: float) -> Price:
    """Exact: the body takes multiples of 0.0001 only."""
    return Price(round(dollars * DOLLAR_PRICE))


def _quantity(contracts: float) -> Quantity:
    """Exact: the body takes multiples of 0.01 only."""
    return Quantity(round(contracts * ONE_CONTRACT))
