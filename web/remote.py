"""`run.py status`: how the daemon that runs here stands, asked through its own API."""

from __future__ import annotations

import json
import ssl
import sys
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.table import Table

from config.presence import Presence, running
from config.refusal import refusing
from config.settings import SettingsError, load
from web.auth import TokenError, load_token

if TYPE_CHECKING:
    from config.settings import Settings

EXIT_NOT_TRADING: Final = 1
EXIT_NOT_RUNNING: Final = 3
"""As the init scripts of Linux have it."""
_ANSWER_S: Final = 5.0
_MODES: Final = ("live", "paper", "local")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--alive", is_flag=True, help="Exit 0 if it answers, trading or not.")
@refusing(SettingsError, TokenError)
def status(*, as_json: bool, alive: bool) -> None:
    """Tell how the running daemon stands; exit 0 trading, 1 not trading, 3 not running."""
    settings = load()
    found = find(settings)
    if found is None:
        told: dict[str, Any] = {"running": False, "state_dir": str(settings.state_dir)}
        click.echo(json.dumps(told) if as_json else f"no daemon runs on {settings.state_dir}")
        sys.exit(EXIT_NOT_RUNNING)
    told = ask(found, settings)
    if as_json:
        click.echo(json.dumps({"process": {"pid": found.pid, "address": found.address}, **told}))
    else:
        show(found, told)
    well = "error" not in told if alive else told.get("running")
    sys.exit(0 if well else EXIT_NOT_TRADING)


def find(settings: Settings) -> Presence | None:
    """The daemon on this state folder, of whatever mode; the one with money at risk first."""
    for mode in _MODES:
        found = running(settings.state_dir / mode)
        if found is not None:
            return found
    return None


def ask(found: Presence, settings: Settings) -> dict[str, Any]:
    """Its status row; `{"running": false, "error": ...}` where it does not answer."""
    if not found.address:
        text = f"process {found.pid} is still starting; ask again in a few seconds"
        return {"running": False, "error": text}
    token = load_token(settings.token_path.with_name("token-viewer"))
    request = urllib.request.Request(  # noqa: S310 - the daemon's own word, on this machine
        f"{found.address}/api/status", headers={"Authorization": f"Bearer {token}"}
    )
    try:
        context = own_certificate(settings)
        with urllib.request.urlopen(  # noqa: S310 - same
            request, timeout=_ANSWER_S, context=context
        ) as answer:
            told: dict[str, Any] = json.load(answer)
    except (OSError, ValueError) as error:
        return {"running": False, "error": f"process {found.pid} does not answer: {error}"}
    return told


def own_certificate(settings: Settings) -> ssl.SSLContext | None:
    """Trust in exactly the certificate that this daemon serves, whatever name it is made out to."""
    if settings.api_tls_cert is None:
        return None
    context = ssl.create_default_context(cafile=settings.api_tls_cert)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def show(found: Presence, told: dict[str, Any]) -> None:
    """For people: state, money, limits, connections."""
    console = Console()
    if "error" in told:
        console.print(told["error"], style="bold red", markup=False)
        return
    risk, clients = told["risk_metrics"], told["client_health"]
    table = Table(show_header=False, box=None)
    sick = [
        f"{name} {state}"
        for kind in ("streams", "actors")
        for name, state in clients[kind].items()
        if state not in ("open", "running")
    ]
    rows = {
        "mode": f"{told['mode'].upper()}  (process {found.pid}, {found.address})",
        "state": f"{told['state']}  {told['state_code']}: {told['state_reason']}",
        "day": f"{risk['daily_pnl']:+.2f} $",
        "exposure": f"{risk['total_exposure']:.2f} $ in {risk['total_positions']} markets",
        "orders": f"{risk['open_orders_count']} open, {told['order_summary']['unknown']} unknown",
        "strategies": ", ".join(told["enabled_strategies"]) or "none",
        "unwell": ", ".join(sick) or "nothing",
        "as of": told["timestamp"],
    }
    for name, text in rows.items():
        table.add_row(name, text)
    console.print(table, markup=False)
