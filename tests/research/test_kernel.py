"""The kernel of a sweep does what the roles do: the same orders, fills, fees and P&L."""

from __future__ import annotations

import math
from itertools import count, islice
from random import Random
from typing import TYPE_CHECKING, Final

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import Settings
from core import messages as m
from core.domain.blend import DEFAULT_BLEND
from core.exchange.fills import FILL_MODELS, Caution
from core.exchange.records import Outcome
from core.messages import MarketView, Message, Signal
from core.research.backtest import run_backtest
from core.research.importers import import_recorded
from core.research.kernel import refusal, run_kernel
from core.research.kernel_columns import columns, tabled
from core.research.kernel_screen import MARGIN, candidates, fair
from core.research.sweep_features import opened
from core.research.sweep_features_build import build
from core.research.sweep_replay import run_trial
from core.research.sweep_space import settings_for
from core.research.tape import SAMPLE_TAPE, TapeWriter, info, read
from core.strategies.judgement import Judgement, judge
from core.strategies.kelly_volatility import KellyVolatility, KellyVolatilityParams
from core.units import INDEX_DOLLAR, SECOND, IndexValue, Nanos, Price, Quantity, seconds
from tests.builders import CLOSE, terms, view
from tests.research.stage import STRIKE, Staged, staged, write

if TYPE_CHECKING:
    from pathlib import Path

    from core.research.sweep_features import About
    from core.research.sweep_replay import TrialResult

OWN: Final = "STRATEGY__KELLY_VOLATILITY__"
NAME: Final = "kelly_volatility"
FRESH_S: Final = 3.0
BOOK_FRESH_S: Final = 10.0


@pytest.fixture(scope="module")
def plain() -> Settings:
    return Settings(enabled_strategies=(NAME,))


@pytest.fixture(scope="module")
def sample(plain: Settings, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, About]:
    """Features of the tape that ships, every picture of it."""
    folder = tmp_path_factory.mktemp("sample")
    return folder, build(SAMPLE_TAPE, plain, Nanos(0), folder, lambda _: None)


def both(
    folder: Path, about: About, settings: Settings, caution: Caution = Caution.REALISTIC
) -> tuple[TrialResult, TrialResult]:
    """The same trial by the kernel and through the roles, each with its fills."""
    fills = FILL_MODELS[caution]
    by_kernel = run_kernel(folder, about.key, settings, fills, keep_fills=True)
    assert by_kernel.by_kernel
    through = run_trial(folder, about.key, settings, fills, keep_fills=True)
    return msgspec.structs.replace(by_kernel, by_kernel=False), through


# --- a kernel's trial is that of the roles


@pytest.mark.parametrize(
    "values",
    [
        {},
        {f"{OWN}MIN_EDGE": 0.0, "MIN_EDGE": 0.0},
        {f"{OWN}MIN_EDGE": 0.1},
        {f"{OWN}MIN_SECONDS_LEFT": 300.0},
        {f"{OWN}MAX_SECONDS_LEFT": 300.0},
        {f"{OWN}KELLY_FRACTION": 1.0, "KELLY_FRACTION": 1.0},
        {f"{OWN}CONTRACTS": 1},
        {f"{OWN}CONTRACTS": 5_000},
        {f"{OWN}VOLATILITY_ERROR": 0.0},
        {f"{OWN}VOLATILITY_ERROR": 0.6},
        {f"{OWN}TAIL_DEGREES": 3},
        {f"{OWN}TAIL_DEGREES": 60},
        {f"{OWN}PROXY_BPS": 0.0},
        {f"{OWN}PROXY_BPS": 20.0},
        {f"{OWN}MAX_MISSED": 0, f"{OWN}MIN_SECONDS_LEFT": 0.0, "MIN_SECONDS_LEFT": 0.0},
        {f"{OWN}MAX_MISSED": 60, f"{OWN}MIN_SECONDS_LEFT": 0.0, "MIN_SECONDS_LEFT": 0.0},
        {"MIN_EDGE": 0.08},
        {"MIN_CONFIDENCE": 0.9},
        {"KELLY_FRACTION": 0.05},
        {"MIN_SECONDS_LEFT": 400.0},
        {"MAX_SECONDS_LEFT": 400.0},
        {"SIGNAL_COOLDOWN_SECONDS": 0.0},
        {"SIGNAL_COOLDOWN_SECONDS": 120.0},
        {"MAX_POSITION_SIZE": 20.0},
        {"MAX_CONCURRENT_POSITIONS": 1},
        {"MAX_TOTAL_EXPOSURE": 30.0},
        {"MAX_DAILY_LOSS": 1.0},
        {"CIRCUIT_BREAKER_DRAWDOWN_THRESHOLD": 0.001},
        {"CIRCUIT_BREAKER_LOSS_THRESHOLD": 0.001},
        {"DEFAULT_BANKROLL": 100.0},
    ],
    ids=lambda values: " ".join(f"{k.removeprefix(OWN)}={v}" for k, v in values.items()) or "plain",
)
def test_every_parameter_does_in_the_kernel_what_it_does_in_the_roles(
    values: dict[str, float], sample: tuple[Path, About], plain: Settings
) -> None:
    """All of it: each fill with its time, price and fee, and the P&L of each window."""
    by_kernel, through = both(*sample, settings_for(plain, NAME, values))

    assert by_kernel == through


@pytest.mark.parametrize("caution", Caution)
def test_with_every_fill_model(
    caution: Caution, sample: tuple[Path, About], plain: Settings
) -> None:
    by_kernel, through = both(*sample, plain, caution)

    assert by_kernel == through
    assert by_kernel.fills != ()
    assert len({fill.ticker for fill in by_kernel.fills}) > 1


def test_where_a_breaker_halts_it(sample: tuple[Path, About], plain: Settings) -> None:
    settings = settings_for(
        plain, NAME, {f"{OWN}KELLY_FRACTION": 1.0, "KELLY_FRACTION": 1.0, "MIN_EDGE": 0.0}
    ).model_copy(update={"circuit_breaker_drawdown_threshold": 0.001})

    by_kernel, through = both(*sample, settings)

    assert by_kernel == through
    assert through.halted, "or the test proves nothing"


def test_thinned_pictures_and_holes_of_hours(plain: Settings, tmp_path: Path) -> None:
    """Three windows in a row, hours of nothing, two more; what is held over a hole has no mark."""
    windows = [
        Staged(
            number=number,
            quote=lambda left, number=number: (
                (5_000 + 100 * (left % 3), 5_300 + 100 * (left % 7))
                if left > 200 or number % 2
                else None
            ),  # type: ignore[misc]
            result=Outcome.NO if number % 3 == 1 else Outcome.YES,
            first=1_200 if number in (0, 9) else 899,
        )
        for number in (0, 1, 2, 9, 10)
    ]
    tape = write(tmp_path / "holes.parquet", staged(windows))
    for pace in (0.0, 0.25, 2.0):
        folder = tmp_path / f"{pace}"
        about = build(tape, plain, seconds(pace), folder, lambda _: None)
        by_kernel, through = both(folder, about, plain)

        assert columns(folder, about.key).gaps
        assert by_kernel == through
        assert through.trades > 5


def _twin(record: Message) -> Message:
    """The same of BTC, a third of a second later."""
    changes: dict[str, object] = {}
    if isinstance(record, m.MarketListed):
        names = ("ticker", "event_ticker", "series")
        market = {name: getattr(record.market, name).replace("SOL", "BTC") for name in names}
        changes["market"] = msgspec.structs.replace(record.market, **market)
    elif isinstance(record, m.SpotTick):
        changes["product"] = "BTC-USD"
    else:
        changes["ticker"] = record.ticker.replace("SOL", "BTC")  # type: ignore[attr-defined]
    later = {
        name: Nanos(getattr(record, name) + seconds(0.3))
        for name in ("ts_event", "ts_recv")
        if hasattr(record, name)
    }
    return msgspec.structs.replace(record, **changes, **later)


def _deep(windows: list[Staged], seed: int) -> list[Message]:
    """Books of these windows: a snapshot of each, then three changes a second near the best."""
    drawn, found = Random(seed), list[Message]()
    for window in windows:
        sizes = {Outcome.YES: dict[int, int](), Outcome.NO: dict[int, int]()}
        for leg, price in ((leg, 4_400 + 100 * at) for leg in sizes for at in range(6)):
            sizes[leg][price] = drawn.choice([300, 2_000, 15_000])
        yes, no = (tuple(sorted(sizes[leg].items())) for leg in (Outcome.YES, Outcome.NO))
        at = Nanos(window.close_ns - seconds(899))
        same = {"ticker": window.ticker, "conn": 1, "sid": 1, "seq": 0}
        found.append(m.BookSnapshot(**same, yes=yes, no=no, ts_event=at, ts_recv=at))  # type: ignore[arg-type]
        for third in range(1, 890 * 3):
            leg, price = drawn.choice(list(sizes)), 4_400 + 100 * drawn.randrange(6)
            there = sizes[leg].get(price, 0)
            change = -there if there and drawn.random() < 0.6 else drawn.choice([100, 4_000])
            sizes[leg][price] = there + change
            now = Nanos(at + third * SECOND // 3 + drawn.randrange(SECOND // 4))
            delta = m.BookDelta(
                **same,  # type: ignore[arg-type]
                leg=leg,
                price=Price(price),
                delta=Quantity(change),
                ts_event=now,
                ts_recv=now,
            )
            found.append(delta)
    return found


def test_two_coins_with_deep_books(plain: Settings, tmp_path: Path) -> None:
    """Both are held and followed at the same time, and what is taken from a level stays taken."""
    windows = [
        Staged(
            number=number,
            price=lambda left: STRIKE * (1 + 0.0008 * math.sin(left / 70)),
            quote=lambda _: None,
            result=Outcome.NO if number == 1 else Outcome.YES,
            first=1_200 if number == 0 else 899,
        )
        for number in range(2)
    ]
    told = [
        msgspec.structs.replace(record, ts_recv=record.market.open_ns)
        if isinstance(record, m.MarketListed)
        else record
        for record in staged(windows)
    ]
    twins = (_twin(record) for record in [*told, *_deep(windows, 2)])
    both_coins = [*told, *_deep(windows, 1), *twins]
    ordered = sorted(both_coins, key=lambda record: record.ts_recv)  # type: ignore[attr-defined]
    counted = count(1)
    numbered = [
        msgspec.structs.replace(record, seq=next(counted))
        if isinstance(record, m.BookSnapshot | m.BookDelta)
        else record
        for record in ordered
    ]
    tape = write(tmp_path / "two.parquet", numbered)
    settings = settings_for(plain, NAME, {"SIGNAL_COOLDOWN_SECONDS": 2.0, "KELLY_FRACTION": 0.02})
    every = build(tape, settings, Nanos(0), tmp_path / "every", lambda _: None)
    some = build(tape, settings, seconds(0.25), tmp_path / "some", lambda _: None)

    by_kernel, through = both(tmp_path / "some", some, settings)
    assert by_kernel == through
    by_kernel, through = both(tmp_path / "every", every, settings)
    whole = run_backtest(tape, settings, fills=FILL_MODELS[Caution.REALISTIC])

    assert by_kernel == through
    # But for the milliseconds that reports take to us: the backtest draws one for each batch.
    ours, theirs = (
        [msgspec.structs.replace(fill, ts=Nanos(0)) for fill in fills]
        for fills in (through.fills, whole.fills)
    )
    assert ours == theirs
    assert {fill.ticker[:7] for fill in through.fills} == {"KXSOL15", "KXBTC15"}
    assert len(through.fills) > 50


def test_on_recorded_books(recorded: Path, plain: Settings, tmp_path: Path) -> None:
    """Where the venue's books change between the pictures, and what was taken stays taken."""
    import_recorded(recorded, "KXBTC15M", tmp_path / "whole.parquet", "books")
    with TapeWriter(tmp_path / "part.parquet", info(tmp_path / "whole.parquet").about) as part:
        for message in islice(read(tmp_path / "whole.parquet"), 250_000):
            part.write(message)
    folder = tmp_path / "features"
    about = build(tmp_path / "part.parquet", plain, seconds(0.25), folder, lambda _: None)

    by_kernel, through = both(folder, about, plain)

    assert by_kernel == through
    assert through.fills != ()


# --- the screen


def signals(
    items: list[tuple[int, Nanos, MarketView]], params: KellyVolatilityParams, fresh_s: float
) -> list[int]:
    """Numbers of fresh pictures on which the strategy itself signals."""
    strategy = KellyVolatility(params)
    return [
        number
        for number, (_, now, seen) in enumerate(items)
        if seen.ts_index
        and seen.ts_book
        and seen.book_fresh
        and now - seen.ts_index <= fresh_s * SECOND
        and now - seen.ts_book <= BOOK_FRESH_S * SECOND
        and isinstance(strategy.evaluate(seen, now), Signal)
    ]


@pytest.mark.parametrize(
    "changes",
    [{}, {"min_edge": 0.0}, {"tail_degrees": 7, "volatility_error": 0.4}, {"contracts": 1}],
)
def test_it_leaves_out_what_the_strategy_passes_on(
    changes: dict[str, float], sample: tuple[Path, About]
) -> None:
    folder, about = sample
    items = [
        (before, now, message)
        for before, now, message in opened(folder, about.key).items()
        if isinstance(message, MarketView)
    ]
    params = KellyVolatilityParams(**changes)  # type: ignore[arg-type]

    fresh_s = about.index_fresh_seconds
    found = candidates(columns(folder, about.key), params, fresh_s, BOOK_FRESH_S)

    assert found.tolist() == signals(items, params, fresh_s) != []


def _levels(best: int, step: int, sizes: list[int]) -> tuple[tuple[Price, Quantity], ...]:
    found = ((Price(best + step * at), Quantity(size)) for at, size in enumerate(sizes))
    return tuple((price, size) for price, size in found if 0 < price < 10_000)


@st.composite
def pictures(draw: st.DrawFn) -> MarketView:
    """Books of any shape, in any second of a window, of any age."""
    left = draw(st.floats(0.0, 900.0))
    now = Nanos(CLOSE - int(left * SECOND))
    known = draw(st.integers(0, 60)) if left < 60 else 0
    strike = 118.4213
    price = strike * (1 + draw(st.floats(-0.004, 0.004)))
    sizes = st.lists(st.sampled_from([30, 60, 100, 700, 20_000]), max_size=4)
    bid = draw(st.integers(1, 97)) * 100
    ask = draw(st.integers(bid // 100 + 1, 99)) * 100
    return view(
        market=terms(
            strike=draw(st.sampled_from([None, *(IndexValue(round(strike * INDEX_DOLLAR)),) * 9]))
        ),
        bids=_levels(bid, -100, draw(sizes)),
        asks=_levels(ask, 100, draw(sizes)),
        book_fresh=draw(st.sampled_from([True, True, True, False])),
        index=IndexValue(round(price * INDEX_DOLLAR)),
        proxy=draw(st.booleans()),
        index_error=draw(st.sampled_from([0.0, 0.0001, 0.001])),
        known=known,
        known_sum=known * round(strike * (1 + draw(st.floats(-0.02, 0.02))) * INDEX_DOLLAR),
        sigma=draw(st.sampled_from([0.0, 0.00002, 0.0001, 0.001])),
        warm=draw(st.sampled_from([True, True, True, False])),
        credits=draw(st.sampled_from([(), DEFAULT_BLEND.first_credits])),
        ts_book=Nanos(now - draw(st.sampled_from([0, 9, 11])) * SECOND),
        ts_index=Nanos(now - draw(st.sampled_from([0, 1, 2, 4])) * SECOND),
        ts_event=now,
        ts_recv=now,
    )


@given(
    seen=st.lists(pictures(), min_size=1, max_size=8),
    params=st.builds(
        KellyVolatilityParams,
        min_edge=st.sampled_from([0.0, 0.03, 0.2]),
        min_seconds_left=st.sampled_from([0.0, 30.0]),
        max_seconds_left=st.sampled_from([600.0, 900.0]),
        volatility_error=st.sampled_from([0.0, 0.15, 0.9]),
        tail_degrees=st.integers(3, 20),
        proxy_bps=st.sampled_from([0.0, 1.0, 30.0]),
        max_missed=st.sampled_from([0, 5, 60]),
        contracts=st.sampled_from([1, 50, 5_000]),
    ),
)
def test_made_up_pictures_are_screened_as_the_strategy_answers(
    seen: list[MarketView], params: KellyVolatilityParams
) -> None:
    """But for those whose edge is on the limit to the last digits: these it may keep."""
    items = [(0, one.ts_recv, one) for one in seen]
    table = tabled(items, seen[0].ts_recv)

    found = set(candidates(table, params, FRESH_S, BOOK_FRESH_S).tolist())

    signalled = set(signals(items, params, FRESH_S))
    assert signalled <= found
    for row in found - signalled:
        judged = judge(seen[row], items[row][1], params)
        assert isinstance(judged, Judgement)
        assert judged.best is not None
        assert judged.best.edge == pytest.approx(params.min_edge, abs=2 * MARGIN)


def test_fair_values_are_those_of_the_strategy(sample: tuple[Path, About]) -> None:
    folder, about = sample
    table, params = columns(folder, about.key), KellyVolatilityParams()
    items = [item for item in opened(folder, about.key).items() if isinstance(item[2], MarketView)]
    checked = 0

    low, high = fair(table, np.arange(len(items)), params)

    for row, (_, now, seen) in enumerate(items):
        assert isinstance(seen, MarketView)
        judged = judge(seen, now, params)
        if isinstance(judged, Judgement) and table.field("is_open")[row]:
            assert low[row] == pytest.approx(judged.fair.low, abs=1e-12)
            assert high[row] == pytest.approx(judged.fair.high, abs=1e-12)
            checked += 1
    assert checked > 100


# --- what it cannot


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (Settings(enabled_strategies=("mean_reversion",)), "knows kelly_volatility alone"),
        (Settings(enabled_strategies=(NAME, "mean_reversion")), "knows kelly_volatility alone"),
        (
            Settings(enabled_strategies=(NAME,), strategy={NAME: {"style": "make"}}),
            "cannot follow orders that rest",
        ),
    ],
)
def test_it_says_what_it_cannot(settings: Settings, why: str) -> None:
    assert why in refusal(settings)


def test_it_can_what_is_set_by_default(plain: Settings) -> None:
    assert refusal(plain) == ""
