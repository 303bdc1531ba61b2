"""The sweep: trials are the backtest, engines agree, interruptions cost nothing, no look ahead."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from config.settings import Settings
from core.exchange.fills import FILL_MODELS, Caution
from core.exchange.records import Outcome
from core.research.backtest import run_backtest
from core.research.importers import import_recorded
from core.research.kernel import run_kernel
from core.research.sweep import SweepOptions, sweep
from core.research.sweep_engine import ATTEMPTS, Engine, EngineError
from core.research.sweep_features import FeatureError, opened
from core.research.sweep_features_build import build
from core.research.sweep_folds import FoldError
from core.research.sweep_replay import run_trial
from core.research.sweep_screening import BEST, SAMPLE
from core.research.sweep_study import StudyError
from core.research.tape import SAMPLE_TAPE, TapeWriter, info, read
from core.units import Nanos, seconds
from tests.research.stage import Staged, staged, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from core.research.sweep_replay import TrialResult
    from core.research.sweep_results import SweepResult

ROOT = Path(__file__).resolve().parents[2]
WINDOWS = 8
TRIALS = 10


@pytest.fixture(scope="module")
def plain() -> Settings:
    return Settings()


@pytest.fixture(scope="module")
def tape(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight windows in which the book is too cheap; a quarter of them goes wrong."""
    windows = [
        Staged(
            number=number,
            quote=lambda left, number=number: (
                5_000 + 100 * (left % 3),
                5_300 + 200 * ((number + 1) % 4),
            ),  # type: ignore[misc]
            result=Outcome.NO if number % 4 == 2 else Outcome.YES,
            first=1_200 if number == 0 else 899,
        )
        for number in range(WINDOWS)
    ]
    return write(tmp_path_factory.mktemp("tape") / "eight.parquet", staged(windows))


def options(tape: Path, folder: Path, **changes: Any) -> SweepOptions:  # noqa: ANN401
    """A small sweep; features lie beside the tape, for all tests, the study in `folder`."""
    given = {
        "tape": tape,
        "strategy": "kelly_volatility",
        "folder": tape.parent / "features",
        "storage": folder / "study.sqlite",
        "trials": TRIALS,
        "folds": 2,
        "embargo_seconds": 0.0,
        "pace_seconds": 10.0,
        "jobs": 1,
        "confirm": False,
        "ranges": ("STRATEGY__KELLY_VOLATILITY__MIN_EDGE=0.02:0.6", "KELLY_FRACTION=0.05:0.5"),
    }
    return SweepOptions(**{**given, **changes})


def silent(stage: str, share: float) -> None:
    del stage, share


def lasting(found: SweepResult) -> bytes:
    return msgspec.structs.replace(found, tape="").file_bytes()


@pytest.fixture(scope="module")
def alone(tape: Path, plain: Settings, tmp_path_factory: pytest.TempPathFactory) -> SweepResult:
    """A sweep in this process, never interrupted."""
    return sweep(options(tape, tmp_path_factory.mktemp("alone")), plain, silent)


# --- a trial is the backtest


def test_a_trial_that_sees_everything_trades_as_the_backtest(
    plain: Settings, tmp_path: Path
) -> None:
    about = build(SAMPLE_TAPE, plain, Nanos(0), tmp_path, lambda _: None)

    for caution in Caution:
        fills = FILL_MODELS[caution]
        trial = run_trial(tmp_path, about.key, plain, fills, keep_fills=True)
        whole = run_backtest(SAMPLE_TAPE, plain, fills=fills)

        assert trial.fills == whole.fills != ()
        assert sum(trial.pnl) == pytest.approx(whole.to_json()["pnl"])
        assert (trial.signals, trial.trades) == (whole.signals, whole.trades)


def test_a_trial_on_recorded_books_trades_as_the_backtest(
    recorded: Path, plain: Settings, tmp_path: Path
) -> None:
    """Changes of books reach the venue only where they matter, and that changes no fill."""
    import_recorded(recorded, "KXBTC15M", tmp_path / "whole.parquet", "books")
    with TapeWriter(tmp_path / "part.parquet", info(tmp_path / "whole.parquet").about) as part:
        for message in islice(read(tmp_path / "whole.parquet"), 250_000):
            part.write(message)
    about = build(tmp_path / "part.parquet", plain, Nanos(0), tmp_path / "f", lambda _: None)

    trial = run_trial(
        tmp_path / "f", about.key, plain, FILL_MODELS[Caution.REALISTIC], keep_fills=True
    )
    whole = run_backtest(tmp_path / "part.parquet", plain)

    assert trial.fills == whole.fills != ()
    assert trial.signals == whole.signals


def test_thinned_pictures_are_fewer_and_never_early(
    tape: Path, plain: Settings, tmp_path: Path
) -> None:
    every = build(tape, plain, Nanos(0), tmp_path / "every", lambda _: None)
    some = build(tape, plain, seconds(10), tmp_path / "some", lambda _: None)

    seen = {(now, message) for _, now, message in opened(tmp_path / "every", every.key).items()}
    kept = {(now, message) for _, now, message in opened(tmp_path / "some", some.key).items()}

    assert kept < seen
    assert some.views < every.views / 5
    assert some.seen == every.views == every.seen


def test_features_are_computed_once(tape: Path, plain: Settings, tmp_path: Path) -> None:
    first = build(tape, plain, seconds(10), tmp_path, lambda _: None)
    written = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}

    again = build(tape, plain, seconds(10), tmp_path, lambda _: None)

    assert again == first
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == written


def test_features_are_computed_anew_for_another_trust_in_the_model(
    tape: Path, plain: Settings, tmp_path: Path
) -> None:
    """Credits of the blend are in the pictures."""
    first = build(tape, plain, seconds(10), tmp_path, lambda _: None)
    other = plain.model_copy(update={"model_trust": 1.0})

    again = build(tape, other, seconds(10), tmp_path, lambda _: None)

    assert again.key != first.key


def test_features_of_another_tape_are_refused(tape: Path, plain: Settings, tmp_path: Path) -> None:
    build(tape, plain, seconds(10), tmp_path, lambda _: None)

    with pytest.raises(FeatureError, match="another tape"):
        run_trial(tmp_path, "other", plain, FILL_MODELS[Caution.REALISTIC])
    with pytest.raises(FeatureError, match="same path"):
        run_trial(tmp_path / "nowhere", "x", plain, FILL_MODELS[Caution.REALISTIC])


# --- the search


def test_it_finds_judges_and_says_so(alone: SweepResult) -> None:
    said = alone.to_json()

    assert said["trials"] == TRIALS
    assert said["windows"] == WINDOWS
    assert [trial.slot for trial in alone.trials] == list(range(TRIALS))
    assert alone.present_trial.values["KELLY_FRACTION"] == 0.25, "the first trial is what is set"
    assert alone.best.score("sharpe") == max(trial.score("sharpe") for trial in alone.trials)
    assert any(trial.result is not None and trial.result.trades for trial in alone.trials)
    assert 0.0 <= said["deflated_sharpe"]["probability"] <= 1.0
    assert said["verdict"]


def test_every_test_window_is_judged_once_and_after_its_training(alone: SweepResult) -> None:
    assert len(alone.forward_pnl) == sum(fold.test_windows for fold in alone.folds) == 5
    assert [fold.train_windows for fold in alone.folds] == [3, 6]
    assert alone.forward == pytest.approx(sum(fold.test_pnl for fold in alone.folds))


def test_what_comes_later_changes_no_choice(
    tape: Path, plain: Settings, alone: SweepResult, tmp_path: Path
) -> None:
    """The last two windows end the other way round: whatever was chosen before stays chosen."""
    turned = [
        msgspec.structs.replace(
            record,
            result=Outcome.YES if record.result is Outcome.NO else Outcome.NO,  # type: ignore[attr-defined]
        )
        if type(record).__name__ == "MarketDetermined" and record.ticker in alone.windows[6:]  # type: ignore[attr-defined]
        else record
        for record in read(tape)
    ]
    other = write(tmp_path / "turned.parquet", turned)

    found = sweep(options(other, tmp_path / "sweep"), plain, silent)

    assert [fold.slot for fold in found.folds] == [fold.slot for fold in alone.folds]
    first = [trial for trial in alone.trials if trial.round < 2]
    assert [trial.values for trial in found.trials if trial.round < 2] == [t.values for t in first]
    assert found.forward_pnl[:3] == alone.forward_pnl[:3]
    assert found.forward_pnl[3:] != alone.forward_pnl[3:], "or the test proves nothing"


def test_settings_that_exclude_each_other_are_counted_not_run(
    tape: Path, plain: Settings, tmp_path: Path
) -> None:
    ranges = ("MIN_SECONDS_LEFT=100:800", "MAX_SECONDS_LEFT=100:800")

    found = sweep(options(tape, tmp_path, ranges=ranges, trials=8), plain, silent)

    assert 0 < found.infeasible < 8
    assert all("below" in trial.reason for trial in found.trials if trial.result is None)


def test_too_few_windows_for_the_folds_are_refused(
    tape: Path, plain: Settings, tmp_path: Path
) -> None:
    with pytest.raises(FoldError, match="8 windows, 6 folds need 14"):
        sweep(options(tape, tmp_path, folds=6), plain, silent)


# --- the kernel, and trials that go through the roles all the same


def test_trials_of_the_kernel_are_replayed_and_agree(alone: SweepResult) -> None:
    screening = alone.screening

    assert (screening.kernel, screening.roles, screening.why) == (TRIALS, 0, "")
    assert len(screening.replayed) == BEST + SAMPLE
    assert alone.best.slot in screening.replayed
    assert screening.differing == ()
    assert screening.text in alone.notes
    assert alone.to_json()["screening"]["kernel"] == TRIALS


def test_without_the_kernel_it_finds_the_same(
    tape: Path, plain: Settings, alone: SweepResult, tmp_path: Path
) -> None:
    found = sweep(options(tape, tmp_path, kernel=False), plain, silent)

    by_roles = [trial.result for trial in found.trials]
    assert [msgspec.structs.replace(t.result, by_kernel=False) for t in alone.trials] == by_roles  # type: ignore[type-var]
    assert (found.screening.kernel, found.screening.roles) == (0, TRIALS)
    assert found.screening.replayed == ()
    assert "the kernel was not wanted" in found.screening.text


def test_what_the_kernel_cannot_goes_through_the_roles(
    tape: Path, plain: Settings, tmp_path: Path
) -> None:
    ranges = ("MIN_EDGE=0.01:0.1",)
    given = options(tape, tmp_path, strategy="mean_reversion", ranges=ranges, trials=2)

    found = sweep(given, plain, silent)

    assert (found.screening.kernel, found.screening.roles) == (0, 2)
    assert "kelly_volatility alone" in found.screening.text


def test_a_kernel_that_is_wrong_is_found_out(
    tape: Path, plain: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*given: Any) -> TrialResult:  # noqa: ANN401 - as the kernel's
        found = run_kernel(*given)
        return msgspec.structs.replace(found, pnl=(found.pnl[0] + 2.5, *found.pnl[1:]))

    monkeypatch.setattr("core.research.sweep.run_kernel", wrong)

    found = sweep(options(tape, tmp_path, trials=3), plain, silent)

    assert found.screening.differing == found.screening.replayed == (0, 1, 2)
    assert found.screening.widest == pytest.approx(2.5)
    assert "by up to $2.50 in a window: repeat with --no-kernel" in found.screening.text
    assert found.screening.text in found.verdict


# --- a sweep that is interrupted, and one that is given more


class Stop(Exception):  # noqa: N818 - an interruption, not an error
    pass


def stop_after(trials: int) -> Callable[[str, float], None]:
    def told(stage: str, share: float) -> None:
        if stage == "trials" and share >= trials / TRIALS:
            raise Stop

    return told


@pytest.mark.parametrize("trials", [3, 8])
def test_a_sweep_that_was_interrupted_ends_as_one_that_was_not(
    trials: int, tape: Path, plain: Settings, alone: SweepResult, tmp_path: Path
) -> None:
    with pytest.raises(Stop):
        sweep(options(tape, tmp_path), plain, stop_after(trials))

    found = sweep(options(tape, tmp_path), plain, silent)

    assert found.resumed == trials
    assert lasting(found) == lasting(alone)


def test_more_trials_later_are_the_same_as_at_once(
    tape: Path, plain: Settings, alone: SweepResult, tmp_path: Path
) -> None:
    sweep(options(tape, tmp_path, trials=5), plain, silent)

    found = sweep(options(tape, tmp_path), plain, silent)

    assert found.resumed == 5
    assert lasting(found) == lasting(alone)


def test_a_study_about_something_else_is_refused_until_it_is_begun_anew(
    tape: Path, plain: Settings, tmp_path: Path
) -> None:
    sweep(options(tape, tmp_path, trials=2), plain, silent)
    other = options(tape, tmp_path, trials=2, objective="pnl")

    with pytest.raises(StudyError, match="--fresh"):
        sweep(other, plain, silent)

    assert sweep(msgspec.structs.replace(other, fresh=True), plain, silent).resumed == 0


def test_no_key_leaves_this_process(tape: Path, tmp_path: Path, plain: Settings) -> None:
    secret = plain.model_copy(update={"kalshi_api_key": "key-id-that-must-not-leave"})

    sweep(options(tape, tmp_path, trials=2), secret, silent)

    for path in (*tmp_path.iterdir(), *(tape.parent / "features").iterdir()):
        assert b"must-not-leave" not in path.read_bytes()


# --- engines


def test_local_processes_find_what_one_process_finds(
    tape: Path, plain: Settings, alone: SweepResult, tmp_path: Path
) -> None:
    found = sweep(options(tape, tmp_path, jobs=2), plain, silent)

    assert lasting(found) == lasting(alone)


def die_once(mark: str, value: int) -> int:
    """The first process that comes here is killed."""
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return value * value
    os.kill(os.getpid(), signal.SIGKILL)
    return -1


def die(value: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return value


def test_trials_of_a_killed_process_are_run_again(tmp_path: Path) -> None:
    jobs = {number: (die_once, (str(tmp_path / "mark"), number)) for number in range(6)}

    with Engine(jobs=2) as engine:
        results = dict(engine.run(jobs))

    assert results == {number: number * number for number in range(6)}


def test_workers_that_always_die_end_it_with_a_remedy() -> None:
    with Engine(jobs=2) as engine, pytest.raises(EngineError, match=f"{ATTEMPTS} times in a row"):
        list(engine.run({0: (die, (1,)), 1: (die, (2,))}))


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("dusk://127.0.0.1:1", "use local, dask://HOST:PORT or ray://HOST:PORT"),
        ("dask://", "use local"),
        ("dask://127.0.0.1:1", "no Dask scheduler answers"),
    ],
)
def test_an_engine_that_is_not_there_is_refused(
    address: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.research.sweep_engine._WAIT_SECONDS", "1s")

    with pytest.raises(EngineError, match=told), Engine(address):
        pass


@contextmanager
def cluster() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two workers as processes of their own, on loopback."""
    pytest.importorskip("distributed")
    scheduler = subprocess.Popen(  # noqa: S603 - fixed arguments
        [
            *(sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1"),
            *("--port", "0", "--no-dashboard", "--no-show"),
        ],
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    workers: list[subprocess.Popen[bytes]] = []
    try:
        address = _address(scheduler)
        workers += [_worker(address) for _ in range(2)]
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()
            if process.stderr:
                process.stderr.close()


def _address(scheduler: subprocess.Popen[bytes]) -> str:
    assert scheduler.stderr is not None
    for line in scheduler.stderr:
        if b"Scheduler at:" in line:
            return line.decode().rsplit("tcp://", 1)[1].strip()
    pytest.fail("the scheduler did not tell its address")


def _worker(address: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - fixed arguments
        [
            *(sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://{address}"),
            *("--host", "127.0.0.1", "--nthreads", "1", "--no-dashboard", "--no-nanny"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )


@contextmanager
def ready() -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    from distributed import Client  # noqa: PLC0415 - skipped where it is absent

    with cluster() as (address, workers):
        with Client(f"tcp://{address}", timeout="120s") as client:
            client.wait_for_workers(2, timeout=120)
        yield address, workers


@pytest.mark.filterwarnings("default")
def test_a_dask_cluster_finds_what_one_process_finds_though_a_worker_is_killed(
    tape: Path, plain: Settings, alone: SweepResult, tmp_path: Path
) -> None:
    with ready() as (address, workers):

        def told(stage: str, share: float) -> None:
            if stage == "trials" and share >= 3 / TRIALS and workers[0].poll() is None:
                workers[0].kill()

        found = sweep(options(tape, tmp_path, engine=f"dask://{address}", jobs=0), plain, told)

        assert workers[0].wait() == -signal.SIGKILL
        assert workers[1].poll() is None

    assert lasting(found) == lasting(alone)


@contextmanager
def ray_cluster() -> Iterator[str]:
    """A Ray head with two processors as processes of their own, on loopback; its client address."""
    pytest.importorskip("ray", reason="Ray is not installed: pip install 'ray[client]'")
    pytest.importorskip("grpc", reason="Ray's client is not installed: pip install 'ray[client]'")
    gcs, client = (_free_port() for _ in range(2))
    with TemporaryDirectory(prefix="ray") as folder:  # a short path: it holds sockets
        head = subprocess.Popen(  # noqa: S603 - fixed arguments
            [
                *(Path(sys.executable).with_name("ray"), "start", "--head", "--block"),
                *("--node-ip-address", "127.0.0.1", "--port", str(gcs), "--num-cpus", "2"),
                *("--ray-client-server-port", str(client), "--include-dashboard", "false"),
                *("--disable-usage-stats", "--temp-dir", folder),
            ],
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _answers(head, client)
            yield f"127.0.0.1:{client}"
        finally:
            head.terminate()  # it ends its own processes
            try:
                head.wait(60)
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(head.pid, signal.SIGKILL)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def _answers(head: subprocess.Popen[bytes], port: int) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        with suppress(subprocess.TimeoutExpired):
            pytest.fail(f"ray start ended with {head.wait(0.2)}")
    pytest.fail("Ray's client server did not answer within two minutes")


@pytest.mark.filterwarnings("default")
def test_a_ray_cluster_finds_what_one_process_finds(
    tape: Path, plain: Settings, alone: SweepResult, tmp_path: Path
) -> None:
    with ray_cluster() as address:
        found = sweep(options(tape, tmp_path, engine=f"ray://{address}", jobs=2), plain, silent)

    assert lasting(found) == lasting(alone)
