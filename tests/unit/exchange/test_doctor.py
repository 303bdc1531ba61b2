"""What the doctor concludes: every way a check can end, with a remedy unless all is well."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from core.domain.grid import TAPERED_DECI_CENT
from core.exchange.auth import InvalidKey, KeyKind
from core.exchange.doctor import account, key, machine, venue
from core.exchange.doctor.diagnosis import Diagnosis, Finding, Verdict, fail, ok, warn
from core.exchange.listing import (
    ExchangeStatus,
    FeeType,
    Limits,
    Market,
    MarketStatus,
    PriceRange,
    Series,
    ShardStatus,
)
from core.exchange.port import Unauthorized, Unavailable
from core.exchange.records import Balance, ShardBalance
from core.exchange.throttle import BASIC
from core.exchange.wire.keys import ApiKeyJson
from core.units import MILLISECOND, Money, Nanos, Price, Quantity, money_from_dollars, seconds

OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL
SERIES = Series(
    ticker="KXSOL15M",
    title="SOL",
    fee_type=FeeType.QUADRATIC,
    fee_multiplier_bps=10_000,
    shard=2,
)
MARKET = Market(
    ticker="KXSOL15M-26NOV221015-15",
    event_ticker="KXSOL15M-26NOV221015",
    series_ticker="KXSOL15M",
    status=MarketStatus.ACTIVE,
    opens=Nanos(0),
    closes=Nanos(1),
    strike=None,
    round_digits=4,
    result=None,
    settlement_value=None,
    settled=None,
    price_ranges=TAPERED_DECI_CENT,
    yes_bid=Price(0),
    yes_ask=Price(0),
    yes_bid_size=Quantity(0),
    yes_ask_size=Quantity(0),
    last_price=Price(0),
    volume=Quantity(0),
    open_interest=Quantity(0),
    shard=2,
)
WANTED = money_from_dollars(1_000)


def says(found: Finding, verdict: Verdict, *words: str) -> None:
    """The verdict, and words of detail or remedy; a remedy wherever something is not well."""
    assert found.verdict is verdict, found
    text = f"{found.detail} {found.remedy}"
    assert all(word in text for word in words), text
    assert bool(found.remedy) == (verdict is not OK)


# --- the diagnosis


def test_the_worst_finding_decides_the_exit_code() -> None:
    good, doubtful, bad = ok("a", "fine"), warn("b", "hm", "look"), fail("c", "no", "mend")
    assert Diagnosis(findings=(good, good)).exit_code == 0
    assert Diagnosis(findings=(good, doubtful, good)).exit_code == 1
    assert Diagnosis(findings=(doubtful, bad, good)).exit_code == 2


def test_as_json_every_check_has_verdict_detail_and_remedy() -> None:
    shown = json.loads(Diagnosis(findings=(ok("a", "fine"), fail("c", "no", "mend"))).to_json())
    assert shown == {
        "verdict": "fail",
        "checks": [
            {"check": "a", "verdict": "ok", "detail": "fine", "remedy": ""},
            {"check": "c", "verdict": "fail", "detail": "no", "remedy": "mend"},
        ],
    }


def test_as_text_a_remedy_stands_under_its_check() -> None:
    lines = Diagnosis(findings=(ok("a", "fine"), fail("ccc", "no", "mend"))).to_text().splitlines()
    assert lines[0].split() == ["ok", "a", "fine"]
    assert lines[1].split() == ["FAIL", "ccc", "no"]
    assert lines[2].split() == ["->", "mend"]


# --- the key


def test_without_credentials_the_dry_run_is_named() -> None:
    says(key.credentials(None, "a file"), FAIL, "none are set", "--against local")


def test_credentials_are_shown_by_the_beginning_of_their_id() -> None:
    found = key.credentials("0c5d0b9e-64f8-4f2a", "a file")
    says(found, OK, "0c5d0b9e...", "a file")
    assert "64f8" not in found.detail


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        (KeyKind("RSA", 2048), OK),
        (KeyKind("RSA", 4096), OK),
        (KeyKind("RSA", 1024), WARN),
        (KeyKind("Ed25519", 256), OK),
    ],
)
def test_keys_of_both_kinds_are_good_and_short_ones_are_told(
    kind: KeyKind, verdict: Verdict
) -> None:
    says(key.key_format(kind), verdict, kind.algorithm, str(kind.bits))


def test_a_key_that_cannot_be_read_names_file_and_remedy() -> None:
    error = InvalidKey("private key k.pem: damaged or cut off; paste the whole text")
    found = key.unreadable_key(error)
    assert (found.detail, found.remedy) == (
        "private key k.pem: damaged or cut off",
        "paste the whole text",
    )
    says(key.unreadable_key(InvalidKey("strange")), FAIL, "PEM")


def test_sign_in_tells_a_wrong_key_from_a_forbidden_one_and_from_silence() -> None:
    says(key.sign_in(None, "prod"), OK)
    wrong = Unauthorized("INCORRECT_API_KEY_SIGNATURE", 401)
    says(key.sign_in(wrong, "demo"), FAIL, "KALSHI_ENV=demo", "clock")
    says(key.sign_in(Unauthorized("insufficient_scope", 403), "prod"), FAIL, "write::trade")
    says(key.sign_in(Unavailable("503"), "prod"), FAIL, "503")


@pytest.mark.parametrize(
    ("scopes", "places", "verdict"),
    [
        (("read", "write"), True, OK),
        (("read", "write::trade"), True, OK),
        (("read", "write::transfer"), True, FAIL),
        (("read",), True, FAIL),
        (("read",), False, WARN),
        (("write",), True, FAIL),
        (("write",), False, FAIL),
        ((), False, FAIL),
    ],
)
def test_a_key_must_read_and_where_orders_are_placed_trade(
    scopes: tuple[str, ...],
    places: bool,
    verdict: Verdict,
) -> None:
    listed = (
        ApiKeyJson(api_key_id="other", scopes=("read", "write")),
        ApiKeyJson(api_key_id="mine", scopes=scopes),
    )
    says(key.permissions("mine", listed, places=places), verdict, *scopes)


def test_a_key_bound_to_a_subaccount_is_told() -> None:
    bound = ApiKeyJson(api_key_id="mine", scopes=("read", "write"), subaccount=3)
    says(key.permissions("mine", (bound,), places=True), WARN, "subaccount 3")


def test_permissions_that_cannot_be_known_are_told() -> None:
    says(key.permissions("mine", (), places=True), WARN, "not in the account's list")
    says(key.unknown_permissions(Unavailable("500")), WARN, "500")


# --- the venue


def test_reachable_or_not() -> None:
    says(venue.reachable("https://x", Nanos(42 * MILLISECOND)), OK, "42 ms")
    says(venue.unreachable("https://x", Unavailable("no route")), FAIL, "no route", "KALSHI_ENV")
    says(venue.skipped("clock", "nobody there"), FAIL, "nobody there")
    says(venue.unanswered("clock", Unavailable("500")), FAIL, "500")


@pytest.mark.parametrize(
    ("lowest", "highest", "verdict"),
    [
        (-0.1, 0.1, OK),
        (0.3, 0.5, OK),
        (-2.0, 2.0, OK),
        (0.51, 0.9, WARN),
        (-0.9, -0.51, WARN),
        (1.01, 1.2, FAIL),
        (-7.0, -6.8, FAIL),
    ],
)
def test_the_clock_counts_by_the_least_difference_that_is_certain(
    lowest: float, highest: float, verdict: Verdict
) -> None:
    says(venue.clock(seconds(lowest), seconds(highest)), verdict, f"{lowest:.2f} to {highest:.2f}")


def test_an_exchange_that_tells_no_time_leaves_the_clock_unknown() -> None:
    says(venue.unknown_clock(), WARN)


def shard(number: int, **flags: bool) -> ShardStatus:
    given = {"exchange_active": True, "trading_active": True, "transfers_active": True, **flags}
    return ShardStatus(shard=number, **given)


@pytest.mark.parametrize(
    ("flags", "verdict", "word"),
    [
        ({}, OK, "trading on"),
        ({"transfers_active": False}, WARN, "no cash can be moved"),
        ({"trading_active": False}, WARN, "cancels only"),
        ({"trading_active": False, "exchange_active": False}, FAIL, "not even cancels"),
    ],
)
def test_every_shard_has_its_status_and_only_ours_can_warn(
    flags: dict[str, bool], verdict: Verdict, word: str
) -> None:
    status = ExchangeStatus(
        exchange_active=True,
        trading_active=True,
        shards=(shard(0, **flags), shard(2, **flags)),
        resumes=None,
    )
    other, ours = venue.shards(status, {2})
    says(other, OK, "nothing of ours")
    says(ours, verdict, word)
    assert (other.check, ours.check) == ("status of shard 0", "status of shard 2")


def test_without_a_list_of_shards_the_flags_of_all_count_for_ours() -> None:
    status = ExchangeStatus(exchange_active=True, trading_active=False, shards=(), resumes=None)
    (ours,) = venue.shards(status, {2})
    says(ours, WARN, "cancels only")


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, OK),
        ({"fee_multiplier_bps": 20_000}, WARN),
        ({"fee_type": FeeType.QUADRATIC_WITH_MAKER_FEES}, WARN),
        ({"fee_type": FeeType.FLAT}, FAIL),
    ],
)
def test_the_fee_schedule_is_usual_known_or_unknown(
    changes: dict[str, object], verdict: Verdict
) -> None:
    says(venue.fees(msgspec.structs.replace(SERIES, **changes)), verdict, "multiplier")


CENTS = (PriceRange(start=Price(0), end=Price(10_000), step=Price(100)),)
NONSENSE = (PriceRange(start=Price(0), end=Price(10_000), step=Price(0)),)


@pytest.mark.parametrize(
    ("changes", "verdict", "word"),
    [
        ({}, OK, "0.1000-0.9000 by 0.0100"),
        ({"price_ranges": CENTS}, WARN, "not the usual grid"),
        ({"price_ranges": NONSENSE}, FAIL, "does not advance"),
        ({"price_ranges": ()}, FAIL, "no tradable price"),
        ({"shard": 3}, WARN, "shard 3"),
    ],
)
def test_the_grid_of_the_market_is_usual_unusual_or_useless(
    changes: dict[str, object], verdict: Verdict, word: str
) -> None:
    market = msgspec.structs.replace(MARKET, **changes)
    says(venue.grid(SERIES, market, unreadable=0), verdict, word)


def test_no_market_is_a_break_and_an_unreadable_one_a_changed_format() -> None:
    says(venue.grid(SERIES, None, unreadable=0), WARN, "no market")
    says(venue.grid(SERIES, None, unreadable=2), FAIL, "2 listed markets", "format")


def test_the_index_is_fresh_old_or_missing() -> None:
    says(venue.index("SOLUSD_RTI", seconds(0.3), seconds(3)), OK, "0.30 s old")
    says(venue.index("SOLUSD_RTI", seconds(4), seconds(3)), WARN, "INDEX_FRESH_SECONDS")
    says(venue.no_index("SOLUSD_RTI", "refused with error 24"), FAIL, "error 24")


# --- the account


def balance(*cash: tuple[int, float]) -> Balance:
    return Balance(
        cash=money_from_dollars(sum(amount for _, amount in cash)),
        portfolio_value=Money(0),
        shards=tuple(
            ShardBalance(shard=number, cash=money_from_dollars(amount)) for number, amount in cash
        ),
        updated=Nanos(0),
    )


@pytest.mark.parametrize(
    ("cash", "verdict", "word"),
    [
        (((0, 0), (2, 5_000)), OK, "$5,000.00"),
        (((0, 9_000), (2, 500)), WARN, "MAX_POSITION_SIZE"),
        (((0, 9_000), (2, 0)), FAIL, "intra_exchange_instance_transfer"),
        (((0, 9_000),), FAIL, "$9,000.00 on other shards"),
        (((0, 0), (2, 0)), FAIL, "deposit"),
    ],
)
def test_money_must_lie_where_the_orders_are_paid_from(
    cash: tuple[tuple[int, float], ...], verdict: Verdict, word: str
) -> None:
    says(account.funding(balance(*cash), 2, WANTED, places=True), verdict, word)


def test_on_paper_an_empty_shard_is_only_worth_a_look() -> None:
    says(account.funding(balance((0, 9_000), (2, 0)), 2, WANTED, places=False), WARN)


def test_a_balance_that_is_not_split_counts_whole_and_says_so() -> None:
    whole = msgspec.structs.replace(balance((0, 5_000)), shards=())
    says(account.funding(whole, 2, WANTED, places=True), OK, "does not say how it is split")


def test_limits_are_shown_and_those_below_the_lowest_tier_told() -> None:
    says(account.limits(BASIC), OK, "basic", "200/s up to 600", "100/s up to 100")
    cut = Limits(
        tier="basic", read_refill=200, read_capacity=600, write_refill=10, write_capacity=10
    )
    says(account.limits(cut), WARN, "below the lowest")


# --- the machine


@pytest.mark.parametrize(
    ("megabytes", "verdict"), [(50_000, OK), (1_999, WARN), (200, WARN), (199, FAIL)]
)
def test_a_full_disk_is_told_in_time(megabytes: int, verdict: Verdict) -> None:
    says(machine.disk(Path("var"), megabytes * 1_000_000), verdict, f"{megabytes:,} MB")


def test_a_folder_that_cannot_be_written_is_told_with_its_reason() -> None:
    says(machine.unwritable(Path("var"), OSError(13, "Permission denied")), FAIL, "Permission")


def test_a_halt_file_is_told() -> None:
    says(machine.halt_file(Path("var/HALT"), stands=True), WARN, "rm var/HALT")
    says(machine.halt_file(Path("var/HALT"), stands=False), OK)


def test_a_journal_is_whole_missing_or_damaged() -> None:
    path = Path("var/journal.sqlite")
    says(machine.journal(path, 1_234, 2), OK, "1,234 entries", "2 open orders")
    says(machine.no_journal(path), OK, "none yet")
    damaged = machine.unreadable_journal(ValueError("entry 7 is gone; restore a backup"))
    assert (damaged.detail, damaged.remedy) == ("entry 7 is gone", "restore a backup")
    says(machine.unreadable_journal(ValueError("strange")), FAIL, "start the daemon")
