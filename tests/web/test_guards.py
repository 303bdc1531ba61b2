"""Each guard does something: an attack that it stops succeeds as soon as the guard is taken out.

The attacks are those of a browser that was lured, or of a program without the token. A guard whose
removal changed nothing here would be decoration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import requests
import websocket

from tests.builders import view
from tests.web.web_bench import AUTH, TOKEN, WAIT, Site
from web import app as web_app
from web import auth
from web.auth import Failures, Gate

VIEWER = "v" * 43

if TYPE_CHECKING:
    from collections.abc import Callable


def browser(site: Site) -> requests.Session:
    session = requests.Session()
    session.get(f"{site.url}/?token={TOKEN}", timeout=WAIT)
    return session


def reads_without_token(site: Site) -> bool:
    return site.get("/api/status", headers={}).ok


def commands_without_token(site: Site) -> bool:
    return site.post("/api/emergency/halt", headers={}).ok


def opens_the_link_without_token(site: Site) -> bool:
    return "Set-Cookie" in site.get("/?token=guess", headers={}).headers


def cookies(site: Site) -> str:
    return "; ".join(f"{k}={v}" for k, v in browser(site).cookies.items())


def rebinds_a_name(site: Site) -> bool:
    headers = {"Host": "evil.example", "Cookie": cookies(site)}
    return site.get("/api/status", headers=headers).ok


def commands_from_another_site(site: Site) -> bool:
    return (
        browser(site)
        .post(f"{site.url}/api/stop", headers={"Origin": "https://evil.example"}, timeout=WAIT)
        .ok
    )


def streams_from_another_site(site: Site) -> bool:
    try:
        stream = site.stream(
            header=[], cookie=cookies(site), origin="https://evil.example", suppress_origin=False
        )
    except websocket.WebSocketBadStatusException:
        return False
    stream.close()
    return True


def guesses_without_end(site: Site) -> bool:
    wrong = {"Authorization": "Bearer wrong"}
    return all(site.get("/api/status", headers=wrong).status_code != 429 for _ in range(20))


def sends_a_huge_body(site: Site) -> bool:
    headers = {**AUTH, "Content-Type": "application/json"}
    return site.post("/api/stop", headers=headers, data=b" " * 100_000 + b"{}").ok


def runs_an_inline_script(site: Site) -> bool:
    policy = site.get("/").headers.get("Content-Security-Policy", "")
    return "script-src 'self'" not in policy


def commands_as_a_viewer(site: Site) -> bool:
    return site.post("/api/emergency/halt", headers={"Authorization": f"Bearer {VIEWER}"}).ok


def nothing(*_: object, **__: object) -> None:
    """What is left of a guard that was taken out."""


class Guard(NamedTuple):
    """Where a guard stands, what stands there without it, and what it stops."""

    place: Any
    name: str
    without: Any
    attack: Callable[[Site], bool]


GUARDS = {
    "token": Guard(Gate, "_cookie_fits", lambda *_: True, reads_without_token),
    "token on commands": Guard(Gate, "check", nothing, commands_without_token),
    "token in the link": Guard(Gate, "token_fits", lambda *_: True, opens_the_link_without_token),
    "role": Guard(Gate, "check_role", nothing, commands_as_a_viewer),
    "host": Guard(Gate, "check_host", nothing, rebinds_a_name),
    "origin of commands": Guard(Gate, "check_origin", nothing, commands_from_another_site),
    "origin of the stream": Guard(auth, "STREAM_PATH", "/none", streams_from_another_site),
    "failures": Guard(Failures, "register", lambda *_: False, guesses_without_end),
    "body": Guard(web_app, "_BODY_BYTES", 1 << 20, sends_a_huge_body),
    "policy": Guard(web_app, "_HEADERS", {}, runs_an_inline_script),
}


def attacked(guard: Guard) -> bool:
    site = Site(viewer_token=VIEWER)
    try:
        site.play(view())
        return guard.attack(site)
    finally:
        site.close()


@pytest.mark.parametrize("name", GUARDS)
def test_the_guard_stops_its_attack(name: str) -> None:
    assert not attacked(GUARDS[name])


@pytest.mark.parametrize("name", GUARDS)
def test_without_the_guard_the_attack_succeeds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = GUARDS[name]
    monkeypatch.setattr(guard.place, guard.name, guard.without)
    assert attacked(guard)
