"""Nobody gets in: every line of the guard, with what happens where it holds and where it must."""

from __future__ import annotations

import re
import stat
from typing import TYPE_CHECKING, Any

import pytest
import requests
import websocket

from tests.builders import view
from tests.web.web_bench import AUTH, TOKEN, WAIT, Site, told
from web.auth import TokenError, load_token
from web.pages import STATIC
from web.parts import Parts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FOREIGN = "https://evil.example"
DESK = "https://desk.example"


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site(origins=(DESK,))
    site.play(view())
    yield site
    site.close()


def enter(site: Site) -> requests.Session:
    """A browser that has opened the start-up link."""
    session = requests.Session()
    session.get(f"{site.url}/?token={TOKEN}", timeout=WAIT)
    return session


# --- the token ----------------------------------------------------------------------------------


def test_the_token_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "token"
    token = load_token(path)
    assert len(token) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_token(path) == token


def test_a_token_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = tmp_path / "token"
    load_token(path)
    path.chmod(0o644)
    with pytest.raises(TokenError, match=rf"mode 644\): run chmod 600 {path}"):
        load_token(path)


def test_a_token_that_is_too_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("secret\n")
    path.chmod(0o600)
    with pytest.raises(TokenError, match="too short"):
        load_token(path)


def test_a_token_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TokenError, match="cannot write the token"):
        load_token(tmp_path / "file" / "token")


PART = f"/static/{Parts(STATIC).version}/js/main.js"


# --- who gets in --------------------------------------------------------------------------------

PATHS = [
    *("/api/status", "/api/trades", "/api/orders", "/api/positions", "/api/decisions"),
    *("/api/strategies", "/api/config", "/api/nothing", PART, "/"),
]


@pytest.mark.parametrize("path", PATHS)
def test_no_path_but_health_answers_without_a_token(site: Site, path: str) -> None:
    assert site.get(path, headers={}).status_code == 401
    assert site.get("/api/health", headers={}).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        *(f"Bearer {TOKEN[:-1]}", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer", TOKEN, ""),
        "Bearer \u00fc".encode(),
    ],
)
def test_a_wrong_token_is_refused(site: Site, header: str | bytes) -> None:
    answer = site.get("/api/status", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "unauthorized"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_wrong_bearer_is_not_saved_by_a_right_cookie(site: Site) -> None:
    browser = enter(site)
    answer = browser.get(
        f"{site.url}/api/status", headers={"Authorization": "Bearer wrong"}, timeout=WAIT
    )
    assert answer.status_code == 401


def test_no_command_is_carried_out_without_a_token(site: Site) -> None:
    for path in ("start", "stop", "pause", "emergency/halt", "circuit-breaker/reset"):
        assert site.post(f"/api/{path}", headers={}).status_code == 401
    assert site.door.requests == []


def test_the_start_up_link_sets_a_cookie_that_scripts_and_other_sites_cannot_use(
    site: Site,
) -> None:
    answer = site.get(f"/?token={TOKEN}", headers={})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/" in cookie
    assert TOKEN not in cookie


def test_a_wrong_link_opens_a_locked_page_and_sets_nothing(site: Site) -> None:
    answer = site.get("/?token=wrong", headers={})
    assert answer.status_code == 401
    assert "Set-Cookie" not in answer.headers
    assert "This dashboard is locked" in answer.text
    assert "script" not in answer.headers["Content-Security-Policy"]


def test_the_cookie_opens_page_parts_and_reads(site: Site) -> None:
    browser = enter(site)
    for path in ("/", PART, PART.replace("js/main.js", "css/theme.css"), "/api/status"):
        assert browser.get(site.url + path, timeout=WAIT).status_code == 200


def test_a_made_up_cookie_opens_nothing(site: Site) -> None:
    name = next(iter(enter(site).cookies.keys()))
    for value in ("", TOKEN, "0" * 64):
        answer = site.get("/api/status", headers={"Cookie": f"{name}={value}"})
        assert answer.status_code == 401


def test_nothing_outside_the_folder_of_the_page_is_served(site: Site) -> None:
    with requests.Session() as session:
        request = requests.Request("GET", site.url, headers=AUTH).prepare()
        root = PART.removesuffix("/js/main.js")
        for path in (f"{root}/../app.py", f"{root}/%2e%2e/app.py", f"{root}//etc/passwd"):
            request.url = site.url + path
            assert session.send(request, timeout=WAIT).status_code == 404


def test_parts_are_kept_for_ever_under_an_address_that_names_their_content(site: Site) -> None:
    browser = enter(site)
    page = browser.get(site.url, timeout=WAIT)
    assert page.headers["Cache-Control"] == "no-cache"
    addresses = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text)
    assert PART in addresses
    for address in addresses:
        packed = browser.get(site.url + address, timeout=WAIT)
        plain = browser.get(
            site.url + address, timeout=WAIT, headers={"Accept-Encoding": "identity"}
        )
        assert "immutable" in packed.headers["Cache-Control"]
        assert packed.content == plain.content
        assert plain.content == (STATIC / address.split("/", 3)[3]).read_bytes()
    other = browser.get(site.url + "/static/000000000000/js/main.js", timeout=WAIT)
    assert (other.status_code, other.headers["Cache-Control"]) == (404, "no-store")


# --- where it comes from ------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_another_name_for_this_server_is_refused_everywhere(site: Site, host: str) -> None:
    for path in ("/api/status", "/api/health", "/", f"/?token={TOKEN}"):
        answer = site.get(path, headers={**AUTH, "Host": host})
        assert answer.status_code in (400, 403)
        assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "[::1]:8000", "127.0.0.1:9"])
def test_names_of_this_machine_are_taken(site: Site, host: str) -> None:
    assert site.get("/api/status", headers={**AUTH, "Host": host}).status_code == 200


def test_a_page_of_another_site_cannot_command_with_the_cookie(site: Site) -> None:
    browser = enter(site)
    url = f"{site.url}/api/emergency/halt"
    for headers in ({"Origin": FOREIGN}, {"Origin": "null"}, {}):
        answer = browser.post(url, headers=headers, timeout=WAIT)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert site.door.requests == []
    assert browser.post(url, headers={"Origin": site.url}, timeout=WAIT).status_code == 200


def test_another_port_of_this_machine_is_another_site(site: Site) -> None:
    answer = enter(site).post(
        f"{site.url}/api/stop", headers={"Origin": "http://127.0.0.1:1"}, timeout=WAIT
    )
    assert answer.status_code == 403


def test_a_foreign_origin_cannot_command_even_with_the_token(site: Site) -> None:
    assert site.post("/api/stop", headers={**AUTH, "Origin": FOREIGN}).status_code == 403


def test_a_listed_origin_may_read_and_command(site: Site) -> None:
    answer = site.post("/api/stop", headers={**AUTH, "Origin": DESK})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == DESK
    preflight = requests.options(
        f"{site.url}/api/stop",
        headers={"Origin": DESK, "Access-Control-Request-Method": "POST"},
        timeout=WAIT,
    )
    assert preflight.status_code == 204


def test_other_origins_get_no_leave_to_read(site: Site) -> None:
    answer = site.get("/api/status", headers={**AUTH, "Origin": FOREIGN})
    assert "Access-Control-Allow-Origin" not in answer.headers
    preflight = requests.options(
        f"{site.url}/api/stop",
        headers={"Origin": FOREIGN, "Access-Control-Request-Method": "POST"},
        timeout=WAIT,
    )
    assert preflight.status_code == 401


# --- the stream ---------------------------------------------------------------------------------


def refused(site: Site, **more: Any) -> int:  # noqa: ANN401
    with pytest.raises(websocket.WebSocketBadStatusException) as failure:
        site.stream(**more)
    return failure.value.status_code


def test_the_stream_needs_a_token(site: Site) -> None:
    assert refused(site, header=[]) == 401
    assert refused(site, header=["Authorization: Bearer wrong"]) == 401


def test_the_stream_checks_host_and_origin(site: Site) -> None:
    cookie = "; ".join(f"{k}={v}" for k, v in enter(site).cookies.items())
    plain: dict[str, Any] = {"header": [], "cookie": cookie}
    assert refused(site, **plain, suppress_origin=True) == 403
    assert refused(site, **plain, origin=FOREIGN, suppress_origin=False) == 403
    assert refused(site, host="evil.example") == 403
    stream = site.stream(**plain, origin=site.url, suppress_origin=False)
    assert told(stream)["type"] == "snapshot"
    stream.close()


# --- the rest -----------------------------------------------------------------------------------


def test_many_failures_are_slowed_but_never_lock_the_operator_out(site: Site) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    statuses = [site.get("/api/status", headers=wrong).status_code for _ in range(12)]
    assert statuses == [401] * 10 + [429] * 2
    assert site.get("/?token=wrong", headers={}).status_code == 429
    assert site.post("/api/emergency/halt").status_code == 200


def test_every_answer_carries_the_hardening_headers(site: Site) -> None:
    browser = enter(site)
    for path in ("/", PART, "/api/status", "/api/nothing"):
        headers = browser.get(site.url + path, timeout=WAIT).headers
        assert headers["Content-Security-Policy"].startswith(
            "default-src 'none'; script-src 'self'"
        )
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Frame-Options"] == "DENY"


def test_answers_of_the_api_are_never_stored(site: Site) -> None:
    assert site.get("/api/status").headers["Cache-Control"] == "no-store"


def test_the_page_holds_no_inline_script_or_style(site: Site) -> None:
    page = site.get("/").text
    assert "<script>" not in page
    assert "style=" not in page
    assert "http://" not in page
    assert "https://" not in page
