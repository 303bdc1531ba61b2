"""The doctor at a real exchange: a healthy one, and one thing wrong at a time."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from actors.doctor import diagnose
from actors.doctor_venue import Patient, VenueVisit
from config.settings import Settings, load
from core.clock import ScaledClock, SystemClock
from core.exchange.auth import Signer, generate_ed25519, read_private_key, write_private_key
from core.exchange.doctor.diagnosis import Diagnosis, Finding, Verdict
from core.journal_sqlite import SqliteJournal
from core.messages import CapitalSet
from core.units import Money, Nanos, seconds
from tests.contract.venue import CASH, Venue, served_venue
from web.exchange import ACCOUNT, serve_exchange
from web.exchange_options import ExchangeOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from core.exchange.auth import PrivateKey

pytestmark = pytest.mark.timeout(300)

SETTINGS = Settings(connect_timeout_seconds=30, request_timeout_seconds=60)
OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL
PRIVATE = ("sign-in", "permissions", "funding", "rate limits", "index SOLUSD_RTI")


class Ward:
    """A served exchange in which nothing happens by itself, and a patient's way to it."""

    def __init__(self, venue: Venue) -> None:
        self.venue = venue
        assert venue.running is not None
        told = venue.running.announcement
        assert told.private_key_path is not None
        self.key = read_private_key(Path(told.private_key_path))
        self.key_id = told.key_id
        self.patient = Patient(
            rest_url=told.base_url,
            stream_url=told.ws_url,
            clock=venue.clock,
            signer=self.signer(self.key),
            index_seconds=0.2,
        )

    def signer(self, key: PrivateKey) -> Signer:
        return Signer(self.key_id, key, self.venue.clock)

    def examine(self, settings: Settings = SETTINGS, **changes: object) -> dict[str, Finding]:
        visit = VenueVisit(msgspec.structs.replace(self.patient, **changes), settings)
        try:
            found = visit.examine()
        finally:
            visit.close()
        assert len({finding.check for finding in found}) == len(found)
        return {finding.check: finding for finding in found}


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    venue = served_venue(tmp_path)
    assert venue.running is not None
    try:
        venue.later(180)
        yield Ward(venue)
    finally:
        venue.exchange.close()  # type: ignore[attr-defined]
        venue.running.stop()


@pytest.fixture
def nowhere() -> str:
    """The place of a server that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.fixture
def healthy(tmp_path: Path) -> Iterator[Patient]:
    """A local exchange with a market that runs by itself."""
    running = serve_exchange(ExchangeOptions(state=tmp_path, key_type="ed25519", streams=2))
    told = running.announcement
    assert told.clock is not None
    assert told.private_key_path is not None
    clock = ScaledClock.from_spec(told.clock)
    yield Patient(
        rest_url=told.base_url,
        stream_url=told.ws_url,
        clock=clock,
        signer=Signer(told.key_id, read_private_key(Path(told.private_key_path)), clock),
        index_seconds=60,
    )
    running.stop()


def test_at_a_healthy_exchange_all_is_well(healthy: Patient) -> None:
    """Its market and status are left out: on a Thursday morning it rests like the real one."""
    visit = VenueVisit(healthy, SETTINGS)
    try:
        found = {finding.check: finding for finding in visit.examine()}
    finally:
        visit.close()
    for check in (*PRIVATE, "exchange reachable", "clock", "fees of KXSOL15M"):
        name = "funding of shard 2" if check == "funding" else check
        assert found[name].verdict is OK, found[name]


def test_what_stands_still_is_well_but_for_the_index(ward: Ward) -> None:
    found = ward.examine()
    bad = {check: finding.verdict for check, finding in found.items() if finding.verdict is not OK}
    assert bad == {"index SOLUSD_RTI": FAIL}
    assert found["index SOLUSD_RTI"].detail == "no print came in time"
    assert found["price grid of KXSOL15M"].detail.startswith("KXSOL15M-26NOV221015-15")


def test_an_exchange_that_is_not_there_is_told_once_and_nothing_else_is_asked(
    ward: Ward, nowhere: str
) -> None:
    found = ward.examine(rest_url=f"http://{nowhere}/trade-api/v2")
    assert {finding.verdict for finding in found.values()} == {FAIL}
    assert "refused" in found["exchange reachable"].detail
    assert set(PRIVATE) <= found.keys()
    assert all("cannot be reached" in found[check].detail for check in PRIVATE)


def test_without_a_key_only_what_everybody_may_see_is_asked(ward: Ward) -> None:
    found = ward.examine(signer=None)
    assert all(found[check].verdict is FAIL for check in PRIVATE)
    assert all("no usable key" in found[check].detail for check in PRIVATE)
    assert found["fees of KXSOL15M"].verdict is OK
    assert found["status of shard 2"].verdict is OK


def test_a_key_that_is_not_the_accounts_is_refused_and_no_more_is_tried(ward: Ward) -> None:
    found = ward.examine(signer=ward.signer(generate_ed25519()))
    assert "401" in found["sign-in"].detail
    assert "KALSHI_ENV=prod" in found["sign-in"].remedy
    assert "not accepted" in found["rate limits"].detail


def test_a_clock_that_is_wrong_is_told(ward: Ward) -> None:
    class Late(SystemClock):
        """The exchange's time, but slow by five seconds."""

        def now(self) -> Nanos:
            return Nanos(ward.venue.clock.now() - seconds(5))

    late = ward.examine(clock=Late(), signer=None)["clock"]
    assert late.verdict is FAIL
    assert "synchronise" in late.remedy
    assert ward.examine(signer=None)["clock"].verdict is OK


def test_money_on_another_shard_is_told(ward: Ward) -> None:
    ward.venue.control(lambda engine, now: engine.transfer(ACCOUNT, 2, 0, CASH, now))
    found = ward.examine()["funding of shard 2"]
    assert found.verdict is FAIL
    assert "intra_exchange_instance_transfer" in found.remedy


def test_on_paper_an_empty_shard_is_a_warning(ward: Ward, tmp_path: Path) -> None:
    write_private_key(generate_ed25519(), tmp_path / "key.pem")
    paper = Settings(
        kalshi_api_key="key",
        kalshi_private_key_path=tmp_path / "key.pem",
        connect_timeout_seconds=30,
        request_timeout_seconds=60,
    )
    assert paper.mode == "paper"
    ward.venue.control(lambda engine, now: engine.transfer(ACCOUNT, 2, 0, CASH, now))
    assert ward.examine(paper)["funding of shard 2"].verdict is WARN


def test_a_break_in_trading_and_a_closed_exchange_are_told(ward: Ward) -> None:
    ward.venue.control(lambda engine, now: engine.pause_trading(2, now))
    assert ward.examine()["status of shard 2"].verdict is WARN
    ward.venue.control(lambda engine, now: engine.pause_exchange(2, now))
    assert ward.examine()["status of shard 2"].verdict is FAIL


def test_a_series_that_the_exchange_does_not_have_is_told(ward: Ward) -> None:
    more = SETTINGS.model_copy(update={"series": ("KXSOL15M", "KXBTC15M")})
    found = ward.examine(more)
    assert found["fees of KXBTC15M"].verdict is FAIL
    assert found["fees of KXSOL15M"].verdict is OK
    assert "index BRTI" in found


def test_a_stream_that_refuses_is_told_with_its_reason(ward: Ward, nowhere: str) -> None:
    found = ward.examine(stream_url=f"ws://{nowhere}/trade-api/ws/v2")
    assert "the stream was lost" in found["index SOLUSD_RTI"].detail


# --- the whole diagnosis, from the settings


def of(diagnosis: Diagnosis, check: str) -> Finding:
    return next(found for found in diagnosis.findings if found.check == check)


@pytest.fixture
def unreachable(bare: Path, monkeypatch: pytest.MonkeyPatch, nowhere: str) -> Path:
    """Settings of an empty folder, with an exchange that is not there."""
    monkeypatch.setenv("KALSHI_BASE_URL", f"http://{nowhere}/trade-api/v2")
    monkeypatch.setenv("KALSHI_WS_URL", f"ws://{nowhere}/trade-api/ws/v2")
    return bare


@pytest.mark.usefixtures("bare")
def test_settings_that_are_wrong_are_findings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIN_EDGE", "much")
    monkeypatch.setenv("SPEED", "-1")
    diagnosis = diagnose(against_local=False)
    assert diagnosis.exit_code == 2
    assert sorted("MIN_EDGE" in found.detail for found in diagnosis.findings) == [False, True]


@pytest.mark.usefixtures("unreachable")
def test_without_credentials_that_is_the_first_thing_told() -> None:
    diagnosis = diagnose(against_local=False)
    assert diagnosis.exit_code == 2
    assert of(diagnosis, "settings").verdict is OK
    assert of(diagnosis, "credentials").verdict is FAIL
    assert of(diagnosis, "disk").verdict in (OK, WARN, FAIL)
    assert of(diagnosis, "journal").detail.startswith("none yet")


def test_a_key_that_cannot_be_read_is_told(
    unreachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = unreachable / "key.pem"
    path.write_text("-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n")
    path.chmod(0o600)
    monkeypatch.setenv("KALSHI_API_KEY", "key")
    monkeypatch.setenv("KALSHI_PRIVATE_KEY_PATH", str(path))
    found = of(diagnose(against_local=False), "key format")
    assert found.verdict is FAIL
    assert "key.pem" in found.detail
    assert "paste the whole text" in found.remedy


def test_a_local_exchange_that_does_not_run_is_told(
    unreachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_private_key(generate_ed25519(), unreachable / "key.pem")
    monkeypatch.setenv("KALSHI_API_KEY", "key")
    monkeypatch.setenv("KALSHI_PRIVATE_KEY_PATH", str(unreachable / "key.pem"))
    diagnosis = diagnose(against_local=False)
    assert of(diagnosis, "key format").verdict is OK
    assert of(diagnosis, "exchange reachable").verdict is FAIL


@pytest.mark.usefixtures("unreachable")
def test_a_state_folder_that_cannot_be_written_is_told(
    unreachable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (unreachable / "file").write_text("in the way")
    monkeypatch.setenv("STATE_DIR", str(unreachable / "file" / "var"))
    assert of(diagnose(against_local=False), "disk").verdict is FAIL


def test_a_halt_file_is_told(unreachable: Path) -> None:
    (unreachable / "var").mkdir()
    (unreachable / "var" / "HALT").touch()
    found = of(diagnose(against_local=False), "halt file")
    assert found.verdict is WARN
    assert "no order leaves" in found.detail


def test_a_whole_journal_is_counted_and_a_damaged_one_told(unreachable: Path) -> None:
    path = load().mode_dir / "journal-abc.sqlite"
    path.parent.mkdir(parents=True)
    journal = SqliteJournal(path)
    journal.append((CapitalSet(cash=Money(1_000_000), source="test", ts=Nanos(1)),), Nanos(1))
    journal.close()
    whole = of(diagnose(against_local=False), "journal")
    assert whole.verdict is OK
    assert whole.detail.startswith("1 entries")
    path.write_bytes(b"not a journal at all" * 100)
    damaged = of(diagnose(against_local=False), "journal")
    assert damaged.verdict is FAIL
    assert damaged.remedy
    assert unreachable.exists()


def test_nothing_is_left_behind(unreachable: Path) -> None:
    diagnose(against_local=False)
    left = [path for path in unreachable.rglob("*") if path.is_file()]
    assert left == []
