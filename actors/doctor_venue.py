"""What the doctor asks of an exchange. Every question is a read; each failure is one finding."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from actors.clock_probe import by_dates, by_freshness
from actors.index_probe import IndexProbe
from actors.sockets import KalshiTerms
from core.clock import Clock, SystemClock, patience
from core.domain.series import source_of
from core.domain.windows import next_window, window_at
from core.exchange.auth import Signer
from core.exchange.doctor import account, key, venue
from core.exchange.endpoints import KalshiExchange
from core.exchange.kalshi import KalshiHttp, OpenGate, Timeouts
from core.exchange.port import ExchangeError
from core.exchange.wire.keys import ApiKeysJson
from core.units import Nanos

if TYPE_CHECKING:
    from config.settings import Settings
    from core.exchange.doctor.diagnosis import Finding
    from core.exchange.listing import Market, Series

INDEX_SECONDS: Final = 10.0
"""Of the machine: the index prints every second."""
NO_KEY: Final = "there is no usable key"


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """The exchange that is examined, and as whom."""

    rest_url: str
    stream_url: str
    clock: Clock
    signer: Signer | None
    """None: only what everybody may see."""
    index_seconds: float = INDEX_SECONDS


class VenueVisit:
    """One examination of one exchange. Blocks; used by one thread."""

    def __init__(self, patient: Patient, settings: Settings) -> None:
        self._patient = patient
        self._settings = settings
        timeouts = Timeouts(
            connect=settings.connect_timeout_seconds, read=settings.request_timeout_seconds
        )
        self._http = KalshiHttp(patient.rest_url, patient.signer, timeouts, OpenGate())
        self._exchange = KalshiExchange(self._http)
        self._indices = tuple(source_of(name).index_id for name in settings.series)
        self._places = settings.mode != "paper"

    def examine(self) -> list[Finding]:
        """All checks, in order."""
        try:
            began = time.monotonic_ns()
            status = self._exchange.status()
        except ExchangeError as error:
            silent = "the exchange cannot be reached"
            first = venue.unreachable(self._patient.rest_url, error)
            return [first, *self._skip_public(silent), *self._skip_private(silent)]
        taken = Nanos(time.monotonic_ns() - began)
        found = [venue.reachable(self._patient.rest_url, taken), self._clock()]
        listed = self._series(found)
        shards = sorted({series.shard for series in listed})
        found += venue.shards(status, shards)
        found += [self._grid(series) for series in listed]
        return [*found, *self._private(shards)]

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # --- what everybody may ask ------------------------------------------------------------------

    def _clock(self) -> Finding:
        clock = self._patient.clock
        try:
            if isinstance(clock, SystemClock):
                ahead = by_dates(self._date, clock)
            else:  # a local exchange: its clock is its own, and its freshness is the present
                ahead = by_freshness(self._exchange.user_data_timestamp, clock)
        except ExchangeError as error:
            return venue.unanswered(venue.CLOCK, error)
        return venue.unknown_clock() if ahead is None else venue.clock(*ahead)

    def _date(self) -> str:
        self._exchange.status()
        return self._http.date

    def _series(self, found: list[Finding]) -> list[Series]:
        """The series as the exchange describes them, with a finding for the fees of each."""
        listed = []
        for name in self._settings.series:
            try:
                series = self._exchange.series(name)
            except ExchangeError as error:
                found.append(venue.unanswered(venue.fee_check(name), error))
            else:
                found.append(venue.fees(series))
                listed.append(series)
        return listed

    def _grid(self, series: Series) -> Finding:
        try:
            market = self._market(series.ticker)
        except ExchangeError as error:
            return venue.unanswered(venue.grid_check(series.ticker), error)
        return venue.grid(series, market, self._exchange.skipped_rows)

    def _market(self, series: str) -> Market | None:
        """The market that runs, or the next one."""
        now = self._patient.clock.now()
        running, coming = window_at(series, now), next_window(series, now)
        tickers = tuple(window.market_ticker for window in (running, coming) if window is not None)
        found = {market.ticker: market for market in self._exchange.markets(tickers=tickers)}
        return next((found[ticker] for ticker in tickers if ticker in found), None)

    def _skip_public(self, why: str) -> list[Finding]:
        checks = [venue.CLOCK]
        for name in self._settings.series:
            checks += [venue.fee_check(name), venue.grid_check(name)]
        return [venue.skipped(check, why) for check in checks]

    # --- what needs a key ------------------------------------------------------------------------

    def _private(self, shards: list[int]) -> list[Finding]:
        signer = self._patient.signer
        if signer is None:
            return self._skip_private(NO_KEY)
        try:
            balance = self._exchange.balance()
        except ExchangeError as error:
            refused = key.sign_in(error, self._settings.kalshi_env)
            return [refused, *self._skip_private("the key was not accepted")[1:]]
        wanted = self._settings.position_limit
        return [
            key.sign_in(None, self._settings.kalshi_env),
            self._permissions(signer),
            *(account.funding(balance, shard, wanted, places=self._places) for shard in shards),
            self._limits(),
            *self._index(signer),
        ]

    def _permissions(self, signer: Signer) -> Finding:
        try:
            listed = self._http.read("/api_keys", ApiKeysJson, signed=True).api_keys
        except ExchangeError as error:
            return key.unknown_permissions(error)
        return key.permissions(signer.key_id, listed, places=self._places)

    def _limits(self) -> Finding:
        try:
            return account.limits(self._exchange.limits())
        except ExchangeError as error:
            return venue.unanswered(account.LIMITS, error)

    def _index(self, signer: Signer) -> list[Finding]:
        patient, settings = self._patient, self._settings
        terms = KalshiTerms(
            url=patient.stream_url,
            series=settings.series,
            connect_seconds=settings.connect_timeout_seconds,
        )
        probe = IndexProbe(terms, signer, patient.clock)
        heard = probe.listen(self._indices, patient.index_seconds)
        fresh = patience(patient.clock, settings.index_fresh_seconds)
        return [
            venue.index(index_id, heard.ages[index_id], fresh)
            if index_id in heard.ages
            else venue.no_index(index_id, heard.trouble)
            for index_id in self._indices
        ]

    def _skip_private(self, why: str) -> list[Finding]:
        checks = [key.SIGN_IN, key.PERMISSIONS, account.FUNDING, account.LIMITS]
        checks += [venue.index_check(index_id) for index_id in self._indices]
        return [venue.skipped(check, why) for check in checks]
