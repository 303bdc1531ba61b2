"""From paper to live: the checklist, and why the mode is changed by a restart and not by a request.

Each mode has a venue, a clock and a journal of its own, and live asks for its phrase before
anything is started. So a daemon that runs never becomes another one: a request for another mode is
refused with the state of the checklist and the command that starts it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from config.trading import LIVE_PHRASE
from core.domain.verdict import LEAST
from core.messages import ControlAnswer, Part
from web.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from core.screen.market_rows import WindowRow
    from core.screen.score_rows import CalibrationRow
    from web.hub import Hub
    from web.schema import ModeBody
    from web.settings import WebSettings

_COMMANDS: Final = {
    "local": "KALSHI_API_KEY= python run.py trade",
    "paper": "DRY_RUN_MODE=true python run.py trade",
    "live": "DRY_RUN_MODE=false python run.py trade",
}
_WINDOWS: Final = 96
"""A day of one series."""


class Check(Part, frozen=True, kw_only=True):
    """One line of the checklist."""

    name: str
    passed: bool
    value: str
    needed: str


def checklist(hub: Hub, windows: Iterable[WindowRow], settings: WebSettings) -> tuple[Check, ...]:
    """What must hold before real money is traded, as far as this run can tell."""
    status, account = hub.single("status_update"), hub.single("account")
    played = [row for row in windows if row.orders or row.position]
    board = hub.single("calibration")
    verdict = board.verdict if board is not None else None
    key = any(row.name == "KALSHI_API_KEY" and row.value for row in settings.config)
    open_orders = status.order_summary.open
    positions = len(account.positions) if account is not None else 0
    meters = hub.single("meters")
    differences = meters.differences if meters is not None else None
    return (
        _check("api_key", key, "set" if key else "not set", "KALSHI_API_KEY and its private key"),
        _check("no_open_orders", not open_orders, str(open_orders), "0"),
        _check("no_open_positions", not positions, str(positions), "0"),
        _check("not_halted", status.state != "HALTED", status.state, "not HALTED"),
        _check(
            "all_healthy",
            status.client_health.healthy,
            "healthy" if status.client_health.healthy else "degraded",
            "every actor runs and every stream is open",
        ),
        _check(
            "books_agree",
            differences == 0,
            "not compared yet" if differences is None else f"{differences} differences",
            "no difference to the exchange's books",
        ),
        _check("enough_windows", len(played) >= _WINDOWS, str(len(played)), f"{_WINDOWS} traded"),
        _check(
            "evidence_of_edge",
            verdict is not None and verdict.has_edge,
            "not told yet" if verdict is None else verdict.sentence,
            f"after {LEAST} windows",
        ),
        calibrated(board),
    )


def calibrated(board: CalibrationRow | None) -> Check:
    """Whether the fair value has forecast as well as the market's price, by the journal's scores.

    Held against each other over the same looks at the same windows, in every series: who trades on
    a forecast that is worse than the price pays for the difference.
    """
    rows = board.series if board is not None else ()
    scored = [(row, row.log_loss) for row in rows if row.log_loss is not None]
    told = "; ".join(
        f"{row.series} {loss.blend:.4f} against {loss.market:.4f} in {row.windows} windows"
        for row, loss in scored
    )
    passed = len(scored) == len(rows) > 0 and all(
        row.windows >= _WINDOWS and loss.blend <= loss.market for row, loss in scored
    )
    needed = f"log loss of the fair value at most the market's, over {_WINDOWS} windows a series"
    return _check("calibrated", passed, told or "not scored yet", needed)


def switch(wanted: ModeBody, hub: Hub, checks: tuple[Check, ...]) -> ControlAnswer:
    """Done where it is the mode already. Raises ApiError 409 that says what it would take."""
    status = hub.single("status_update")
    if wanted.mode == status.mode:
        text = f"the mode is {wanted.mode} already"
        return ControlAnswer(verdict="done", message=text, state=status.state, epoch=status.epoch)
    failed = [check.name for check in checks if not check.passed]
    details: dict[str, Any] = {
        "command": _COMMANDS[wanted.mode],
        "checklist": msgspec.to_builtins(checks),
    }
    if status.order_summary.open:
        raise ApiError(409, "open_orders", "orders are open: cancel them first", details)
    if wanted.mode == "live":
        if " ".join(wanted.confirmation.split()).lower() != LIVE_PHRASE:
            text = f"live trades real money: send confirmation {LIVE_PHRASE!r}"
            raise ApiError(409, "confirmation_needed", text, details)
        if failed:
            text = f"the checklist does not hold: {', '.join(failed)}"
            raise ApiError(409, "checklist_failed", text, details)
    text = f"a running daemon keeps its venue and books: stop it, then {_COMMANDS[wanted.mode]}"
    raise ApiError(409, "restart_required", text, details)


def _check(name: str, passed: bool, value: str, needed: str) -> Check:  # noqa: FBT001 - the answer
    return Check(name=name, passed=passed, value=value, needed=needed)
