"""The operator's own orders, strategy parameters and bankroll, on their way to the roles and back.

Part of the control door, on web threads. A command goes to its one role as an `ask`, so it is never
parked for a host that is down; what became of it comes by message (`actors.answers`). An order is
answered when the exchange has spoken, and so is a cancel: what is not known in time is told so.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import msgspec

from core import messages as m
from core.domain.orders import EXECUTED
from core.messages import ControlAnswer
from core.screen.quotes import quote_row
from core.topology import EXECUTION, RISK, STRATEGY
from core.units import Quantity, contracts

if TYPE_CHECKING:
    from actors.answers import Answers, OrderNews
    from core.messages import Amendment, Message, OperatorCommand

Ask = Callable[[str, "Message", float], object]
"""Name, message, seconds; raises NoAnswerError."""

_REASONS: Final = {
    "not_trading_halted": "trading is halted: reset the breaker with a reason, then start trading",
    "not_trading_disarmed": "trading is stopped: start it first",
    "not_trading_starting": "the books are being reconciled with the exchange: try again shortly",
    "not_trading_reducing": "trading is paused: positions can be closed, none can be opened",
    "nothing_held": "nothing is held in this market",
    "no_room_held": "less than that is held there",
    "market_unknown": "no market of this name is being watched",
    "capital_unknown": "the account has not been read yet",
    "fee_unknown": "the market's fees are not known, so no order is placed there",
    "not_found": "no order of this id",
    "no_lock": "no lock of this name holds",
    "order_not_open": "nothing of this order rests",
    "order_unknown": "what became of this order is not known yet: it is being asked",
}
_TERMINAL: Final = (m.OrderRejected, m.OrderUnknown, m.OrderClosed)


class NoAnswerError(Exception):
    """A role is gone or did not answer in time."""


class Desk:
    """Carries out one command at a time per web thread; thread-safe."""

    def __init__(self, ask: Ask, answers: Answers) -> None:
        self._ask = ask
        self._answers = answers

    def operate(self, command: OperatorCommand, timeout: float) -> ControlAnswer:
        """Obey, and say what became of it within `timeout` seconds of the machine."""
        deadline = time.monotonic() + timeout
        match command:
            case m.PlaceManually():
                return self._place(command, deadline)
            case m.ClosePosition():
                return self._place(command, deadline)
            case m.CancelOwn():
                return self._cancel(command, deadline)
            case m.DecreaseOwn():
                return self._decrease(command, deadline)
            case m.Amendment():
                return self._amend(command, deadline)
            case m.SetParameters():
                return self._told(f"{STRATEGY}:{command.strategy}", command, deadline)
            case m.SetBankroll() | m.BookCash() | m.ClearLock():
                return self._told(RISK, command, deadline)

    # --- orders --------------------------------------------------------------------------------

    def _place(self, order: m.PlaceManually | m.ClosePosition, deadline: float) -> ControlAnswer:
        told = self._told(RISK, order, deadline)
        if told.verdict != "done" or order.preview:
            return told
        rests = isinstance(order, m.PlaceManually) and order.style == "make"
        wanted = (m.OrderAccepted, *_TERMINAL) if rests else _TERMINAL
        news = self._answers.news(told.trade_id, 0, lambda n: isinstance(n, wanted), deadline)
        return _placed(told, news)

    def _cancel(self, command: m.CancelOwn, deadline: float) -> ControlAnswer:
        told, news = self._changed(command, deadline)
        if told.verdict != "done":
            return told
        if isinstance(news, m.OrderClosed):
            return _with(told, message=news.reason, order_status="cancelled", news=news)
        return _unproven(told, news)

    def _decrease(self, command: m.DecreaseOwn, deadline: float) -> ControlAnswer:
        told, news = self._changed(command, deadline)
        if told.verdict != "done":
            return told
        if isinstance(news, m.DecreaseAccepted):
            rests = f"{contracts(news.remaining):g} contracts rest"
            return _with(told, message=rests, order_status="open", news=None)
        if isinstance(news, m.OrderClosed):
            return _refused("order_not_open", f"it ended before: {news.reason}", told.trade_id)
        return _unproven(told, news)

    def _changed(
        self, command: m.CancelOwn | m.DecreaseOwn, deadline: float
    ) -> tuple[ControlAnswer, OrderNews | None]:
        """The role's answer, and the news that says how it ended, if any came in time."""
        seen = self._answers.count(command.order_id)
        told = self._told(EXECUTION, command, deadline)
        if told.verdict != "done":
            return told, None
        ends = (m.OrderClosed, m.DecreaseAccepted, m.DecreaseRefused)
        news = self._answers.news(
            command.order_id, seen, lambda n: isinstance(n, ends), deadline
        ) or self._answers.news(
            command.order_id, seen, lambda n: isinstance(n, m.CancelRefused), deadline
        )
        return told, news

    def _amend(self, change: Amendment, deadline: float) -> ControlAnswer:
        """Cancel, wait for the proof, place anew: at no moment can both orders fill.

        The new order is tried at risk's gates first, so that a refusal leaves the old one alone.
        """
        trial = msgspec.structs.replace(
            change.order, preview=True, command_id=f"{change.order.command_id}:trial"
        )
        told = self._told(RISK, trial, deadline)
        if told.verdict != "done":
            return told
        if told.quote is not None and told.quote.refusal is not None:
            gate = told.quote.refusal
            text = "the new order would be refused; the old one stays"
            return _refused(gate.gate, text, change.cancel.order_id, told)
        told, news = self._changed(change.cancel, deadline)
        if told.verdict != "done":
            return told
        if not isinstance(news, m.OrderClosed):
            return _unproven(told, news)
        more = max(0, news.filled - change.filled)
        left = Quantity(change.order.quantity - more)
        if left <= 0:
            return _with(told, message="it filled meanwhile", order_status="filled", news=news)
        order = msgspec.structs.replace(change.order, quantity=left, replaces="")
        placed = self._place(order, deadline)
        if placed.verdict == "refused":
            text = f"the old order is cancelled, the new one was refused: {placed.message}"
            return msgspec.structs.replace(placed, message=text)
        return placed

    # --- one role ------------------------------------------------------------------------------

    def _told(self, role: str, command: Message, deadline: float) -> ControlAnswer:
        """What the role said to a command."""
        command_id: str = command.command_id  # type: ignore[attr-defined] # all commands have one
        try:
            self._ask(role, command, max(0.0, deadline - time.monotonic()))
        except NoAnswerError as silence:
            return ControlAnswer(verdict="unanswered", actor=role, message=str(silence))
        answer = self._answers.answer(command_id, max(0.0, deadline - time.monotonic()))
        if answer is None:
            return ControlAnswer(verdict="unanswered", actor=role, message="no answer came")
        quote = quote_row(answer.quote) if answer.quote is not None else None
        is_preview = isinstance(command, m.PlaceManually | m.ClosePosition) and command.preview
        if answer.refusal and not (is_preview and quote is not None):
            text = answer.text or _REASONS.get(answer.refusal, "")
            text = text or f"{answer.value:g} against a limit of {answer.limit:g}"
            return ControlAnswer(
                verdict="refused",
                code=answer.refusal,
                message=text,
                trade_id=answer.order_id,
                quote=quote,
            )
        return ControlAnswer(verdict="done", trade_id=answer.order_id, quote=quote)


def _placed(told: ControlAnswer, news: OrderNews | None) -> ControlAnswer:
    match news:
        case m.OrderRejected():
            text = f"the exchange refused it: {news.text}".rstrip(": ")
            return _refused(news.code, text, told.trade_id, told)
        case m.OrderClosed():
            status = "filled" if news.reason == EXECUTED else "cancelled"
            return _with(told, message=news.reason, order_status=status, news=news)
        case m.OrderAccepted():
            return _with(told, message="it rests", order_status="open", news=news)
        case m.OrderUnknown():
            text = f"outcome unknown, it is being asked: {news.reason}"
            return _with(told, message=text, order_status="unknown", news=None)
        case _:
            text = "approved; the exchange has not answered yet"
            return _with(told, message=text, order_status="submitted", news=None)


def _with(
    told: ControlAnswer,
    *,
    message: str,
    order_status: str,
    news: m.OrderAccepted | m.OrderClosed | None,
) -> ControlAnswer:
    return msgspec.structs.replace(
        told,
        message=message,
        order_status=order_status,
        filled_quantity=None if news is None else contracts(news.filled),
    )


def _unproven(told: ControlAnswer, news: OrderNews | None) -> ControlAnswer:
    """Sent, and no end seen: the exchange said no, or has not spoken."""
    if isinstance(news, m.CancelRefused | m.DecreaseRefused):
        return _refused(news.code, "the exchange refused; the order is being asked", told.trade_id)
    text = "sent; the exchange has not proven it yet"
    return _with(told, message=text, order_status="unknown", news=None)


def _refused(
    code: str, message: str, trade_id: str, told: ControlAnswer | None = None
) -> ControlAnswer:
    return ControlAnswer(
        verdict="refused",
        code=code,
        message=message,
        trade_id=trade_id,
        quote=told.quote if told is not None else None,
    )
