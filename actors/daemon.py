"""The daemon: a venue, a clock, a journal and the system of actors on them.

It knows nothing of the web: what is to be seen goes to the `screen` it is given, and commands come
through `control`. Used by `run.py trade`, on the main thread.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Final

import msgspec

from actors.address import Directory
from actors.canceller import cancel_now
from actors.control import ActorControl
from actors.desk import NoAnswerError
from actors.garbage import Garbage
from actors.halt_file import HaltFile
from actors.machine import measurer
from actors.outcome import Outcome, both_books
from actors.recorder import Recorder, open_recorder
from actors.session import Session
from actors.system import Plan, System
from actors.venue_found import find_local_exchange
from actors.venue_process import VenueAddress, VenueProcess
from actors.venues import Venue, open_venue
from config.logs import kv
from core import messages as m
from core.assembly import Assembly, Surroundings, role_names
from core.domain.ledger import Ledger
from core.exchange.books import differences, ledger_books
from core.journal import JournalError
from core.journal_keeper import JournalKeeper
from core.messages import ControlAnswer, ControlRequest
from core.topology import OPERATOR, RECORDER, SCREEN, SESSION, SUPERVISION, placement

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable
    from pathlib import Path

    from config.settings import Settings
    from core.messages import Message
    from core.runner import Role
    from core.units import Nanos

_log = logging.getLogger(__name__)

GLANCE_SECONDS: Final = 0.1
ANSWER_SECONDS: Final = 1.0
TEND_SECONDS: Final = 600.0
"""Between two looks whether the journal has grown too long."""
PAYMENT_SECONDS: Final = 60.0
"""Most time of the machine that the payment of the last window may take."""
SILENCES: Final = 5
"""Questions in a row that the supervisor may leave unanswered before the daemon gives up."""
TIMELESS_SECONDS: Final = 10.0
"""Of the machine: a supervisor that has felt no time pass for so long watches nobody."""
_EVERY_EPOCH: Final = 1 << 62
"""After the end no order may leave, whatever permit it has."""


class Daemon:
    """One run. `start`, `wait` and `stop` in this order, on one thread."""

    def __init__(
        self, settings: Settings, screen: Callable[[Message], None], windows: int | None = None
    ) -> None:
        self._settings = settings
        self._screen = screen
        self._directory = Directory()
        self._halt_file = HaltFile(settings.halt_path)
        self.control = ActorControl(self._directory, self._halt_file)
        self._session = Session(windows)
        self._garbage = Garbage()
        self._process: VenueProcess | None = None
        self._venue: Venue | None = None
        self._system: System | None = None
        self._journal: JournalKeeper | None = None
        self._recorder: Recorder | None = None
        self._tend_at = 0.0
        self._silences = 0

    # --- starting ----------------------------------------------------------------------------

    def start(self) -> None:
        """Start the venue where it is ours, then the actors. Raises what makes it impossible."""
        settings, address = self._settings, None
        if settings.exchange_is_here:
            address = find_local_exchange(settings)
        elif settings.mode == "local":
            self._process = VenueProcess(settings)
            address = self._process.address
        try:
            self._open(address)
        except BaseException:
            self._close_venue()
            raise

    def _open(self, address: VenueAddress | None) -> None:
        settings = self._settings
        venue = open_venue(settings, address)
        self._venue = venue
        journal = self._journal = open_journal(self._journal_path(venue), venue.clock.now())
        roles = (*role_names(settings), *venue.roles)
        sinks = {
            SCREEN: self._screen,
            SESSION: self._session.take,
            OPERATOR: self.control.answers.take,
        }
        if settings.record:
            self._recorder = open_recorder(settings, venue)
            sinks[RECORDER] = self._recorder.take
        plan = Plan(
            clock=venue.clock,
            roles=roles,
            make=self._maker(venue, roles),
            journal=journal.connect,
            journal_to_halt=journal.connect_to_halt,
            outside=venue.hosts,
            outside_names=venue.names,
            sinks=sinks,
            halt_file=self._halt_file,
            account=venue.account,
            measure=measurer(settings.state_dir, self._garbage),
            beat_seconds=settings.beat_seconds,
            fused=settings.placement == "fused",
        )
        self._system = System(plan, self._directory)
        self._system.start()
        _log.info("trading begins", extra=kv(mode=settings.mode, journal=journal.path))

    def _maker(self, venue: Venue, roles: tuple[str, ...]) -> Callable[[str, str], Role]:
        settings = self._settings
        fused = settings.placement == "fused"
        hosts = (*placement(roles, fused=fused), *venue.hosts)
        surroundings = Surroundings(mode=settings.mode, speed=venue.clock.speed, hosts=hosts)
        assembly = Assembly(settings, surroundings)
        journal = self._journal
        assert journal is not None
        return lambda name, instance: (
            venue.make(name, journal.fold) or assembly.make(name, instance)
        )

    def _journal_path(self, venue: Venue) -> Path:
        """A local exchange that starts anew has new accounts, so each gets a journal of its own."""
        if self._settings.mode != "local":
            return self._settings.journal_path
        return self._settings.mode_dir / f"journal-{venue.key_id[:8]}.sqlite"

    @property
    def recorder(self) -> Recorder | None:
        """What writes the tape of this run; None where nothing is recorded."""
        return self._recorder

    # --- running -----------------------------------------------------------------------------

    def wait(self, stop: threading.Event, glance: Callable[[], None] = lambda: None) -> str:
        """Until asked to stop or enough windows are over: ""; else why the daemon gives up.

        `glance` is called several times a second while the system is sound.
        """
        while not stop.is_set():
            self._tend_journal()
            self._garbage.tend()
            failure = self._failure()
            if failure:
                return failure
            glance()
            if self._session.closed.wait(GLANCE_SECONDS):
                self._await_payment(stop)
                return ""
        return ""

    def _tend_journal(self) -> None:
        """Keep the journal small while the daemon runs for weeks."""
        assert self._journal is not None
        if time.monotonic() < self._tend_at:
            return
        self._tend_at = time.monotonic() + TEND_SECONDS
        try:
            done = self._journal.tend()
        except JournalError as error:
            _log.error("the journal could not be compacted", extra=kv(why=error))
            return
        if done is not None:
            _log.info("the journal was compacted", extra=kv(upto=done.folded, into=done.segment))

    def _failure(self) -> str:
        """What makes it impossible to go on; asked again and again by the main thread."""
        if self._process is not None and not self._process.alive:
            return "the local exchange has ended"
        if self._system is not None and not self._system.has_time:
            return "the timers have ended"
        if self._directory.ref(SUPERVISION) is None:
            return "the supervisor has ended"
        try:
            standing = self.control.standing(ANSWER_SECONDS)
        except NoAnswerError as silence:
            self._silences += 1
            _log.error("the supervisor is silent", extra=kv(why=silence, times=self._silences))
            return "the supervisor does not answer" if self._silences >= SILENCES else ""
        self._silences = 0
        if standing.tick_age > TIMELESS_SECONDS:
            return f"the supervisor has felt no time pass for {standing.tick_age:.0f} s"
        return ""

    def _await_payment(self, stop: threading.Event) -> None:
        """Take no new risk, and let the windows that are over be paid on both sides."""
        request = ControlRequest(by="run.py", reason="enough windows")
        self.control.shut_down(request, PAYMENT_SECONDS)
        deadline = time.monotonic() + PAYMENT_SECONDS
        while time.monotonic() < deadline and not stop.is_set():
            if self._session.paid.wait(GLANCE_SECONDS) and self._session.settled():
                return

    def settle(self) -> None:
        """All has started: what stands now stays, and no collection of garbage looks at it."""
        self._garbage.settle()

    # --- stopping ----------------------------------------------------------------------------

    def stop(self, reason: str = "") -> Outcome:
        """Disarm, prove, compare the books, end everything."""
        assert self._system is not None
        assert self._venue is not None
        deadline = time.monotonic() + self._settings.shutdown_seconds
        answer = self._proven(self._system.stop("run.py", self._settings.shutdown_seconds))
        failure = reason or self._left_over()
        tally, ledger = self._session.tally(), self._ledger()
        ours, theirs = ledger_books(ledger), None
        if ours is not None and self._venue.paper is None and time.monotonic() < deadline:
            ours, theirs = both_books(self._venue, ours, ledger, deadline)
        self._close_venue()
        found = tuple(differences(ours, theirs)) if ours and theirs else ()
        return Outcome(
            tally=tally,
            stopped=answer,
            ours=ours,
            theirs=theirs,
            differences=found,
            failure=failure,
        )

    def _proven(self, answer: ControlAnswer) -> ControlAnswer:
        """Where the supervisor could not prove the stop, this thread cancels and looks itself."""
        assert self._venue is not None
        account = self._venue.account
        if answer.resting == 0 or account is None:
            return answer
        command = m.CancelAllOrders(reason="stopping", epoch=_EVERY_EPOCH)
        proof = cancel_now(account, command)
        if proof is None:
            return answer
        _log.warning("the main thread cancelled", extra=kv(n=proof.cancelled, rest=proof.resting))
        return msgspec.structs.replace(answer, cancelled=proof.cancelled, resting=proof.resting)

    def _left_over(self) -> str:
        assert self._system is not None
        left = self._system.leftovers()
        return f"hosts did not stop: {', '.join(left)}" if left else ""

    def _ledger(self) -> Ledger:
        """What the journal says, now that nobody writes it any more."""
        assert self._journal is not None
        try:
            return self._journal.fold().ledger
        except JournalError as error:
            _log.error("the journal could not be read at the end", extra=kv(why=error))
            return Ledger()

    def _close_venue(self) -> None:
        self._garbage.end()
        if self._recorder is not None:
            self._recorder.stop()
        if self._process is not None:
            self._process.stop()
        if self._journal is not None:
            self._journal.release()


def open_journal(path: Path, now: Nanos) -> JournalKeeper:
    """Lock, check and shorten the journal before anybody reads it. Raises JournalError."""
    journal = JournalKeeper(path, now)
    cut = journal.checked.cut
    if cut is not None:
        _log.critical(
            "the journal's end was damaged and cut",
            extra=kv(why=cut.reason, kept=cut.kept, aside=path.with_name(cut.aside)),
        )
    try:
        journal.tend()
    except JournalError:
        journal.release()
        raise
    return journal
