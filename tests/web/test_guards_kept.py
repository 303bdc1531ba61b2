"""More guards, each taken out once: cookie, token file, comparison, CORS, headers, audit, secrets.

As in `test_guards`: an attack that a guard stops succeeds as soon as the guard is taken out.
"""

from __future__ import annotations

import hmac
import logging
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from werkzeug.wrappers import Response as BaseResponse

import config.effective
import config.logs
import config.settings
from config.redaction import Redactor
from config.settings import Settings, SettingsError, load
from tests.web.web_bench import AUTH, TOKEN, WAIT, Site
from web import app as web_app
from web import auth, errors, server
from web.audit import Audit
from web.auth import Gate, load_token
from web.setup import web_settings

if TYPE_CHECKING:
    from collections.abc import Callable

PEM = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0IG9mIHRoZSBvcGVyYXRvcg\n-----END PRIVATE KEY-----"
EVIL = "https://evil.example"


def link(**changes: Any) -> str:  # noqa: ANN401
    """The cookie that the start-up link sets."""
    site = Site(**changes)
    try:
        answer = site.get(f"/?token={TOKEN}", headers={})
    finally:
        site.close()
    return answer.headers["Set-Cookie"]


def reads_the_cookie_by_script() -> bool:
    return "HttpOnly" not in link()


def sends_the_cookie_from_another_site() -> bool:
    return "SameSite=Strict" not in link()


def finds_the_token_in_the_cookie() -> bool:
    return TOKEN in link()


def reads_the_token_file_of_another_user() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "token"
        load_token(path)
        return bool(path.stat().st_mode & 0o077)


def uses_a_token_that_others_could_read() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "token"
        path.write_text("t" * 43)
        path.chmod(0o644)
        try:
            return bool(load_token(path))
        except auth.TokenError:
            return False


def finds_a_comparison_that_takes_longer_for_a_better_guess() -> bool:
    """Both are compared in whole by the library's constant-time function, or they are not."""
    compared: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def watched(one: Any, other: Any) -> bool:  # noqa: ANN401
        compared.append((one, other))
        return real(one, other)

    site = Site()
    hmac.compare_digest = watched  # type: ignore[assignment]
    try:
        site.get("/api/status", headers={"Authorization": "Bearer guess"})
    finally:
        hmac.compare_digest = real
        site.close()
    return (b"guess", TOKEN.encode()) not in compared


def compared_letter_by_letter(gate: Gate, given: str) -> bool:
    return given.encode() == gate._token


def reads_answers_from_another_page() -> bool:
    site = Site()
    try:
        answer = site.get("/api/config", headers={**AUTH, "Origin": EVIL})
    finally:
        site.close()
    return answer.headers.get("Access-Control-Allow-Origin") == EVIL


def makes_the_server_read_headers_without_end() -> bool:
    site = Site()
    try:
        with socket.create_connection(("127.0.0.1", site.server.port), timeout=WAIT) as raw:
            head = (
                f"GET /api/config HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
            )
            raw.sendall(head.encode())
            line = b"X-Padding: " + b"x" * 8_000 + b"\r\n"
            try:
                for _ in range(64):
                    raw.sendall(line)
                raw.sendall(b"Connection: close\r\n\r\n")
                answer = raw.recv(4096)
            except ConnectionError:
                return False
    finally:
        site.close()
    return b" 200 " in answer.split(b"\r\n", 1)[0]


def commands_without_a_trace() -> bool:
    site = Site()
    try:
        site.post("/api/start")
        return not site.get("/api/audit").json()["audit"]
    finally:
        site.close()


def listens_to_others_in_plain_text() -> bool:
    try:
        load({"API_HOST": "192.0.2.7"})
    except SettingsError:
        return False
    return True


def settings_with_secret(folder: Path) -> Settings:
    given = {"KALSHI_API_KEY": "key", "KALSHI_PRIVATE_KEY": PEM, "STATE_DIR": str(folder)}
    return load(given)


def reads_the_private_key_over_the_api() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        settings = settings_with_secret(Path(folder))
        site = Site(config=web_settings(settings).config)
        try:
            return "c2VjcmV0IG9m" in site.get("/api/config").text
        finally:
            site.close()


def reads_the_token_in_the_log() -> bool:
    """What is logged after the start, by whomever."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(state_dir=Path(folder), log_level="INFO")
        end = config.logs.start_logging(settings)
        try:
            token = web_settings(settings).token
            logging.getLogger("careless").warning("opened by %s", token)
        finally:
            end()
        return any(token in path.read_text() for path in settings.log_dir.glob("*.log"))


def learns_of_the_inside_from_an_error() -> bool:
    site = Site()
    site.door.role = None  # type: ignore[assignment]
    try:
        return "AttributeError" in site.post("/api/stop").text
    finally:
        site.close()


def told_in_full(error: Exception) -> errors.ApiError:
    return errors.ApiError(500, "internal", repr(error))


def without_flag(name: str) -> Callable[..., None]:
    """`set_cookie` that leaves out a flag."""
    real = BaseResponse.set_cookie

    def set_cookie(self: BaseResponse, *given: Any, **named: Any) -> None:  # noqa: ANN401
        real(self, *given, **{key: value for key, value in named.items() if key != name})

    return set_cookie


class Guard(NamedTuple):
    """Where a guard stands, what stands there without it, and what it stops."""

    place: Any
    name: str
    without: Any
    attack: Callable[[], bool]


def nothing(*_: object, **__: object) -> None:
    """What is left of a guard that was taken out."""


def plain_value(name: str, value: object) -> str:
    reveal = getattr(value, "get_secret_value", None)
    return str(reveal() if reveal else value) if name else ""


GUARDS = {
    "HttpOnly": Guard(
        BaseResponse, "set_cookie", without_flag("httponly"), reads_the_cookie_by_script
    ),
    "SameSite": Guard(
        BaseResponse, "set_cookie", without_flag("samesite"), sends_the_cookie_from_another_site
    ),
    "cookie is not the token": Guard(
        auth, "_session", lambda token: token.decode(), finds_the_token_in_the_cookie
    ),
    "token file": Guard(auth, "OWNER_ONLY", 0o644, reads_the_token_file_of_another_user),
    "loose token file": Guard(auth, "OTHERS", 0, uses_a_token_that_others_could_read),
    "constant time": Guard(
        Gate,
        "token_fits",
        compared_letter_by_letter,
        finds_a_comparison_that_takes_longer_for_a_better_guess,
    ),
    "CORS": Guard(web_app, "is_listed", lambda *_: True, reads_answers_from_another_page),
    "headers": Guard(server, "HEADER_BYTES", 0, makes_the_server_read_headers_without_end),
    "audit": Guard(Audit, "write", nothing, commands_without_a_trace),
    "loopback": Guard(
        config.settings, "door_problems", lambda _: [], listens_to_others_in_plain_text
    ),
    "secrets in the API": Guard(
        config.effective, "value_text", plain_value, reads_the_private_key_over_the_api
    ),
    "secrets in the log": Guard(
        Redactor, "clean", lambda _, text: text, reads_the_token_in_the_log
    ),
    "errors": Guard(errors, "internal", told_in_full, learns_of_the_inside_from_an_error),
}


@pytest.mark.parametrize("name", GUARDS)
def test_the_guard_stops_its_attack(name: str) -> None:
    assert not GUARDS[name].attack()


@pytest.mark.parametrize("name", GUARDS)
def test_without_the_guard_the_attack_succeeds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = GUARDS[name]
    monkeypatch.setattr(guard.place, guard.name, guard.without)
    assert guard.attack()


def test_who_sends_nothing_is_never_told_to_wait() -> None:
    site = Site()
    try:
        assert {site.get("/api/config", headers={}).status_code for _ in range(30)} == {401}
    finally:
        site.close()
