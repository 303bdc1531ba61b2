"""The service manager hears that the daemon is ready, alive, and stopping."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from actors.service import ServiceManager

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """A socket on which a manager listens."""
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(30)
        yield address, listener


def test_it_hears_each_step(manager: tuple[str, socket.socket]) -> None:
    address, listener = manager
    service = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "3000000"})
    service.ready("local")
    service.alive()
    service.alive()  # a third of the patience has not passed
    service.stopping()
    heard = [listener.recv(200).decode() for _ in range(3)]
    assert heard == ["READY=1\nSTATUS=local", "WATCHDOG=1", "STOPPING=1"]


def test_without_a_watchdog_no_sign_of_life_is_sent(manager: tuple[str, socket.socket]) -> None:
    address, listener = manager
    service = ServiceManager({"NOTIFY_SOCKET": address})
    service.alive()
    service.stopping()
    assert listener.recv(200) == b"STOPPING=1"


def test_a_manager_that_is_gone_hurts_nobody(tmp_path: Path) -> None:
    ServiceManager({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready("x")
    ServiceManager({}).ready("x")
