"""What a local exchange can be started with."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import msgspec

from core.exchange.faults import Fault, FaultError, read_script
from core.exchange.tiers import TIERS
from core.units import SECOND, Money, Nanos, money_from_dollars

ScenarioName = Literal["synthetic", "tape"]
KeyType = Literal["rsa", "ed25519"]


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
        if self.streams < 1 or self.outbox_frames < 1:
            msg = "streams and outbox_frames must be at least 1"
            raise OptionsError(msg)
        if self.tier is not None and self.tier not in TIERS:
            msg = f"--tier {self.tier}: one of {', '.join(TIERS)}, or none"
            raise OptionsError(msg)
        self.read_faults()

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
        key_id=given["key_id"],
        public_key=given["public_key"],
        state=given["state_dir"],
        faults=given["faults"],
        tier=None if given["tier"] == "none" else given["tier"],
    )


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
