"""What a local exchange can be started with."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from core.domain.fees import VERSION_A, VERSION_B
from core.exchange.engine_types import EngineConfig
from core.exchange.faults import Fault, FaultError, read_script
from core.exchange.tiers import TIERS
from core.units import SECOND, Money, Nanos, money_from_dollars

ScenarioName = Literal["synthetic", "tape"]
KeyType = Literal["rsa", "ed25519"]
EmptySides = Literal["omit", "send"]
FeeRounding = Literal["A", "B"]
_DAY_SECONDS: Final = 86_400


class OptionsError(ValueError):
    """Options that do not go together; says which and what to do."""


class ExchangeOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about one run; equal seeds, starts and requests give equal books."""

    host: str = "127.0.0.1"
    port: int = 0
    """0 takes a free one."""
    seed: int = 1
    speed: float = 1.0
    """Seconds of the exchange's time per second of the machine."""
    start: Nanos | None = None
    """What its clock shows at first; None: the time of day. A tape is played in today's windows."""
    scenario: ScenarioName = "synthetic"
    tape: Path | None = None
    """None: the sample that ships."""
    series: tuple[str, ...] = ("KXSOL15M",)
    cash: Money = money_from_dollars(10_000)
    """On the crypto shard, where the orders of these series are paid from."""
    key_type: KeyType = "rsa"
    key_id: str | None = None
    public_key: Path | None = None
    """A client's own key, in place of one that is generated for it."""
    state: Path = Path("var/exchange")
    """Where the generated private key is written, readable by its owner alone."""
    streams: int = 64
    """Clients of the stream at a time."""
    outbox_frames: int = 10_000
    """Frames that may wait for a client before its subscription ends with error 25."""
    skew_seconds: float = 5.0
    """How far a request's time stamp may be off, in seconds of the machine."""
    tier: str | None = None
    """Whose token buckets are enforced; None lets everybody ask as often as they like."""
    lag_seconds: float = 0.0
    """How far portfolio reads over REST are behind the stream, in the exchange's time."""
    archive_days: float = 14.0
    """Settled markets, fills and finished orders older than this are under /historical only."""
    cancel_all_tail: float = 60.0
    """Seconds after a cancel-all in which what comes to rest is cancelled too."""
    empty_sides: EmptySides = "omit"
    """What a snapshot says of an empty side: nothing, as documented, or an empty list."""
    fee_rounding: FeeRounding = "A"
    """Which of the two published roundings (kalshi.md 7.2); they differ for parts of contracts."""
    maker_fees: bool = False
    """Whether the series charge makers, too."""
    settlement_tail: bool = False
    """Let settlements be as late as recorded: one in ten by minutes, one in a hundred by half an
    hour."""
    faults: Path | None = None
    """A script of what goes wrong, TOML or JSON (core.exchange.faults)."""

    def check(self) -> None:
        """Raise OptionsError for what cannot be started."""
        if (self.key_id is None) != (self.public_key is None):
            msg = "--key-id and --public-key go together: give both or neither"
            raise OptionsError(msg)
        if self.tape is not None and self.scenario != "tape":
            msg = "--tape goes with --scenario tape: give both, or no tape"
            raise OptionsError(msg)
        if min(self.lag_seconds, self.cancel_all_tail, self.archive_days, self.skew_seconds) < 0:
            msg = "lag, tail, archive and skew cannot be negative: give 0 or more"
            raise OptionsError(msg)
        if self.streams < 1 or self.outbox_frames < 1:
            msg = "streams and outbox_frames must be at least 1"
            raise OptionsError(msg)
        if self.tier is not None and self.tier not in TIERS:
            msg = f"--tier {self.tier}: one of {', '.join(TIERS)}, or none"
            raise OptionsError(msg)
        self.read_faults()

    def engine_config(self) -> EngineConfig:
        """What the engine is set up with."""
        return EngineConfig(
            seed=self.seed,
            cancel_all_tail=_nanos(self.cancel_all_tail),
            fee_trade_unit=VERSION_A if self.fee_rounding == "A" else VERSION_B,
            settlement_tail=self.settlement_tail,
        )

    @property
    def portfolio_lag(self) -> Nanos:
        """How far portfolio reads are behind."""
        return _nanos(self.lag_seconds)

    @property
    def archived_after(self) -> Nanos:
        """The age from which rows are in the archive alone."""
        return _nanos(self.archive_days * _DAY_SECONDS)

    def read_faults(self) -> tuple[Fault, ...]:
        """What the script says; nothing without one. Raises OptionsError."""
        if self.faults is None:
            return ()
        try:
            return read_script(self.faults.read_bytes(), is_toml=self.faults.suffix == ".toml")
        except (OSError, FaultError) as error:
            msg = f"--faults {self.faults}: {error}"
            raise OptionsError(msg) from error


def options_from_command_line(**given: Any) -> ExchangeOptions:  # noqa: ANN401 - click's options
    """Options of the command line in the exchange's own terms."""
    start = given["start"]
    return ExchangeOptions(
        port=given["port"],
        seed=given["seed"],
        speed=given["speed"],
        start=None if start is None else _parse_time(start),
        scenario=given["scenario"],
        tape=given["tape"],
        series=tuple(name.strip() for name in given["series"].split(",") if name.strip()),
        cash=money_from_dollars(given["cash"]),
        key_type=given["key_type"],
        key_id=given["key_id"],
        public_key=given["public_key"],
        state=given["state_dir"],
        faults=given["faults"],
        skew_seconds=given["skew"],
        lag_seconds=given["lag"],
        archive_days=given["archive_days"],
        cancel_all_tail=given["cancel_all_tail"],
        empty_sides=given["empty_sides"],
        fee_rounding=given["fee_rounding"],
        maker_fees=given["maker_fees"],
        settlement_tail=given["settlement_tail"],
        tier=None if given["tier"] == "none" else given["tier"],
    )


def _nanos(seconds: float) -> Nanos:
    return Nanos(round(seconds * SECOND))


def _parse_time(text: str) -> Nanos:
    """An RFC 3339 time with its zone; raises OptionsError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - refused below
    if moment.tzinfo is None:
        msg = f"--start {text!r}: give a time with its zone, such as 2026-11-22T15:00:00Z"
        raise OptionsError(msg)
    return Nanos(int(moment.timestamp()) * SECOND)
