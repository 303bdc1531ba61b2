"""Where trials run: processes of this machine, or an existing Dask or Ray cluster, by joblib.

A trial is a pure function of what it is sent, so one that was lost with its worker is simply run
again. Nothing here decides anything: engines differ in speed, never in results.
"""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    Job = tuple[Callable[..., Any], tuple[Any, ...]]
    """A function of a module, and what it is given: both can be sent to another process."""

_log = logging.getLogger(__name__)

LOCAL: Final = "local"
ATTEMPTS: Final = 5
"""Losses of workers in a row, without a single result between, that are put up with."""
_WAIT_SECONDS: Final = "10s"


class EngineError(RuntimeError):
    """An engine that cannot be reached or has lost its workers; says the remedy."""


class Engine:
    """Runs jobs by number and hands results out as they come. Use as a context manager."""

    def __init__(self, address: str = LOCAL, jobs: int = 0) -> None:
        """`jobs` processes at once; 0: as many as there are processors, or all of the cluster's."""
        self.address = address
        self._jobs = jobs or (os.cpu_count() or 1 if address == LOCAL else -1)
        self._stack = ExitStack()
        self._backend = "loky"

    def __enter__(self) -> Self:
        self._backend = self._stack.enter_context(_connected(self.address))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def run(self, jobs: Mapping[int, Job]) -> Iterator[tuple[int, Any]]:
        """Run every job once, lost ones again. Raises EngineError, and what a job raises."""
        pending = dict(jobs)
        lost = 0
        while pending:
            try:
                for number, result in self._results(pending):
                    pending.pop(number)
                    lost = 0
                    yield number, result
            except _losses() as error:
                lost += 1
                _log.warning("workers were lost", extra={"kv": {"pending": len(pending)}})
                if lost >= ATTEMPTS:
                    msg = (
                        f"workers of {self.address} died {lost} times in a row ({error}): look for "
                        "lack of memory, or give fewer --jobs; results so far are kept, run the "
                        "same command again to go on"
                    )
                    raise EngineError(msg) from error

    def _results(self, pending: Mapping[int, Job]) -> Iterator[tuple[int, Any]]:
        if self._jobs == 1 and self.address == LOCAL:
            yield from (_numbered(number, *job) for number, job in list(pending.items()))
            return
        from joblib import Parallel, delayed, parallel_config  # noqa: PLC0415 - costs 0.3 s

        # Ray's backend hands results out only all together; the others as they come.
        how = "list" if self._backend == "ray" else "generator_unordered"
        with parallel_config(backend=self._backend, n_jobs=self._jobs):
            parallel = Parallel(return_as=how, batch_size=1, pre_dispatch="all")
            yield from parallel(delayed(_numbered)(n, *job) for n, job in list(pending.items()))


def _numbered(number: int, work: Callable[..., Any], given: tuple[Any, ...]) -> tuple[int, Any]:
    return number, work(*given)


def check_address(address: str) -> None:
    """Raise EngineError for an address of no known form, before anything is begun."""
    if address == LOCAL:
        return
    parts = urlsplit(address)
    if parts.scheme not in ("dask", "ray") or not parts.netloc:
        msg = f"--engine {address!r}: use local, dask://HOST:PORT or ray://HOST:PORT"
        raise EngineError(msg)


def _connected(address: str) -> AbstractContextManager[str]:
    """Yields the name of joblib's backend."""
    check_address(address)
    if address == LOCAL:
        return nullcontext("loky")
    return _dask(address) if address.startswith("dask://") else _ray(address)


@contextmanager
def _dask(address: str) -> Iterator[str]:
    try:
        from distributed import Client  # noqa: PLC0415 - an option, and slow to import
    except ImportError as error:
        msg = "--engine dask://...: install dask's scheduler first: pip install distributed"
        raise EngineError(msg) from error
    host = urlsplit(address).netloc
    try:
        client = Client(f"tcp://{host}", timeout=_WAIT_SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as error:
        msg = f"no Dask scheduler answers at {host}: start one with `dask scheduler --port PORT`"
        raise EngineError(msg) from error
    with client:
        if not client.scheduler_info()["workers"]:
            msg = f"the scheduler at {host} has no workers: `dask worker {host}` in this folder"
            raise EngineError(msg)
        yield "dask"


@contextmanager
def _ray(address: str) -> Iterator[str]:
    try:
        import ray  # noqa: PLC0415 - an option, and slow to import
        from ray.util.joblib import register_ray  # noqa: PLC0415 - same
    except ImportError as error:
        msg = "--engine ray://...: install it first: pip install 'ray[client]'"
        raise EngineError(msg) from error
    try:
        ray.init(address=address, log_to_driver=False)
    except (ConnectionError, RuntimeError) as error:
        msg = f"no Ray cluster answers at {address}: start one with `ray start --head`"
        raise EngineError(msg) from error
    try:
        register_ray()
        yield "ray"
    finally:
        ray.shutdown()


def _losses() -> tuple[type[BaseException], ...]:
    """Errors that mean that a worker went away, and not that a trial is wrong."""
    from joblib.externals.loky.process_executor import (  # noqa: PLC0415 - costs 0.3 s
        BrokenProcessPool,
        TerminatedWorkerError,
    )

    found: list[type[BaseException]] = [BrokenProcessPool, TerminatedWorkerError]
    try:
        from distributed.client import FutureCancelledError  # noqa: PLC0415 - an option
        from distributed.scheduler import KilledWorker  # noqa: PLC0415 - same
    except ImportError:
        pass
    else:
        found += [KilledWorker, FutureCancelledError]
    try:
        from ray.exceptions import RayActorError, WorkerCrashedError  # noqa: PLC0415 - an option
    except ImportError:
        pass
    else:
        found += [RayActorError, WorkerCrashedError]
    return tuple(found)
