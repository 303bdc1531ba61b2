"""`run.py doctor`: examines settings, key, machine and exchange; `core.exchange.doctor` judges.

Nothing is changed anywhere: no order, no cash. Against `local` a local exchange is started for the
examination, in a folder of its own, and ended again.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from actors.doctor_machine import examine_machine
from actors.doctor_venue import Patient, VenueVisit
from actors.venue_found import find_local_exchange
from actors.venue_process import VenueAddress, VenueProcess, VenueProcessError
from actors.venues import account_key, account_signer
from config.settings import Settings, SettingsError, load
from core.clock import Clock, ScaledClock, SystemClock
from core.domain.series import UnknownSeriesError
from core.exchange.auth import InvalidKey, Signer, kind_of
from core.exchange.doctor import key, venue
from core.exchange.doctor.diagnosis import Diagnosis, Finding, fail, ok

if TYPE_CHECKING:
    from collections.abc import Iterator

SETTINGS = "settings"


@click.command()
@click.option("--against", type=click.Choice(["local"]), help="A local exchange of its own.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(*, against: str | None, as_json: bool) -> None:
    """Examine settings, key, exchange, account and machine; exit 1 on warnings, 2 on failures."""
    diagnosis = diagnose(against_local=against == "local")
    click.echo(diagnosis.to_json() if as_json else diagnosis.to_text())
    sys.exit(diagnosis.exit_code)


def diagnose(*, against_local: bool) -> Diagnosis:
    """Examine everything. Blocks for some seconds; raises nothing that can be expected."""
    try:
        settings = load()
    except SettingsError as error:
        faults = str(error).splitlines()
        remedy = "mend the setting; run.py config shows all of them"
        return Diagnosis(findings=tuple(fail(SETTINGS, fault, remedy) for fault in faults))
    first = ok(SETTINGS, f"mode {settings.mode}, series {', '.join(settings.series)}")
    try:
        found = _against_local(settings) if against_local else _as_set(settings)
    except UnknownSeriesError as error:
        found = [fail(SETTINGS, str(error), "name series that are known")]
    except VenueProcessError as error:
        found = [_not_running(error)]
    return Diagnosis(findings=(first, *found, *examine_machine(settings)))


def _as_set(settings: Settings) -> list[Finding]:
    """The exchange that the settings name; without credentials only what everybody may see."""
    found, usable = _key(settings)
    address = None
    if settings.exchange_is_here and settings.kalshi_api_key is not None:
        try:
            address = find_local_exchange(settings)
        except VenueProcessError as error:
            return [*found, _not_running(error)]
    signer = account_signer(settings, address, _clock(address)) if usable else None
    return [*found, *_visit(settings, address, signer)]


def _key(settings: Settings) -> tuple[list[Finding], bool]:
    """Findings about the credentials, and whether they can be used."""
    where = "KALSHI_PRIVATE_KEY" if settings.kalshi_private_key is not None else "a file"
    first = key.credentials(settings.kalshi_api_key, where)
    if settings.kalshi_api_key is None:
        return [first], False
    try:
        return [first, key.key_format(kind_of(account_key(settings)))], True
    except InvalidKey as error:
        return [first, key.unreadable_key(error)], False


def _not_running(error: VenueProcessError) -> Finding:
    return fail(venue.REACHABLE, str(error), "start the local exchange, or unset KALSHI_BASE_URL")


def _against_local(settings: Settings) -> list[Finding]:
    """A local exchange of its own, with the key that it makes."""
    with _local_exchange(settings) as address:
        signer = account_signer(settings, address, _clock(address))
        found = [
            ok(key.CREDENTIALS, "those of the local exchange"),
            key.key_format(signer.kind),
        ]
        here = {"kalshi_base_url": address.base_url, "kalshi_ws_url": address.ws_url}
        return [*found, *_visit(settings.model_copy(update=here), address, signer)]


@contextmanager
def _local_exchange(settings: Settings) -> Iterator[VenueAddress]:
    with tempfile.TemporaryDirectory(prefix="doctor-") as folder:
        own = {"state_dir": Path(folder), "exchange_port": 0, "speed": 1.0}
        process = VenueProcess(settings.model_copy(update=own))
        try:
            yield process.address
        finally:
            process.stop()


def _visit(
    settings: Settings, address: VenueAddress | None, signer: Signer | None
) -> list[Finding]:
    visit = VenueVisit(
        Patient(
            rest_url=settings.rest_url if address is None else address.base_url,
            stream_url=settings.stream_url if address is None else address.ws_url,
            clock=_clock(address),
            signer=signer,
        ),
        settings,
    )
    try:
        return visit.examine()
    finally:
        visit.close()


def _clock(address: VenueAddress | None) -> Clock:
    return SystemClock() if address is None else ScaledClock.from_spec(address.clock)
