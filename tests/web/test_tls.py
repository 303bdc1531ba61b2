"""https and wss: TLS ends in front of the server, and nobody gets past it."""

from __future__ import annotations

import datetime as dt
import json
import socket
import ssl
from typing import TYPE_CHECKING

import pytest
import requests
import websocket
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from config.settings import Settings, SettingsError, load
from tests.web.web_bench import AUTH, TOKEN, WAIT, Door, alert
from web.hub import Hub
from web.server import CannotListen
from web.settings import WebSettings
from web.site import Listen, Site
from web.tls import tls_context

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of `localhost` signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    begin = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    paths[1].chmod(0o600)
    return paths


class Served:
    """A site behind TLS."""

    def __init__(self, folder: Path) -> None:
        self.hub = Hub()
        self.door = Door()
        self.certificate, self.key = certificate(folder)
        settings = WebSettings(token=TOKEN, audit_path=folder / "audit.jsonl", stall=1.0)
        listen = Listen(host="127.0.0.1", port=0, certificate=self.certificate, key=self.key)
        self.site = Site(self.hub, self.door, settings, listen)
        self.site.start()
        self.port = int(self.site.address.rpartition(":")[2])
        self.url = f"https://localhost:{self.port}"

    def get(self, path: str, **more: object) -> requests.Response:
        more.setdefault("headers", AUTH)
        return requests.get(
            self.url + path,
            verify=str(self.certificate),
            timeout=WAIT,
            **more,  # type: ignore[arg-type]
        )


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.site.stop()


def test_the_api_speaks_https_and_says_so(served: Served) -> None:
    assert served.site.address.startswith("https://127.0.0.1:")
    answer = served.get("/openapi.json")
    assert answer.status_code == 200
    assert "max-age" in answer.headers["Strict-Transport-Security"]


def test_the_session_cookie_travels_by_tls_only(served: Served) -> None:
    answer = served.get(f"/?token={TOKEN}", headers={}, allow_redirects=False)
    assert answer.status_code == 303
    assert "Secure" in answer.headers["Set-Cookie"]


def test_a_browsers_page_commands_by_its_own_https_origin_only(served: Served) -> None:
    session, trusted = requests.Session(), str(served.certificate)
    session.get(f"{served.url}/?token={TOKEN}", timeout=WAIT, verify=trusted)

    def post(origin: str) -> int:
        return session.post(
            f"{served.url}/api/start", headers={"Origin": origin}, timeout=WAIT, verify=trusted
        ).status_code

    assert post(served.url) == 200
    assert post(served.url.replace("https", "http")) == 403


def test_the_audit_log_knows_the_address_behind_the_front(served: Served) -> None:
    requests.post(
        f"{served.url}/api/start", headers=AUTH, verify=str(served.certificate), timeout=WAIT
    )
    (line,) = served.get("/api/audit").json()["audit"]
    assert line["by"] == "web operator 127.0.0.1"


def test_the_stream_speaks_wss(served: Served) -> None:
    stream = websocket.create_connection(
        f"wss://localhost:{served.port}/ws",
        header=[f"Authorization: Bearer {TOKEN}"],
        suppress_origin=True,
        timeout=WAIT,
        sslopt={"ca_certs": str(served.certificate)},
    )
    assert json.loads(stream.recv())["type"] == "snapshot"
    for number in range(50):
        served.hub.publish(alert(number))
    assert [json.loads(stream.recv())["data"]["id"] for _ in range(50)] == [
        str(number) for number in range(50)
    ]
    stream.close()


def test_nobody_reaches_the_server_behind_the_front(served: Served) -> None:
    inner = served.site._server.port
    answer = requests.get(f"http://127.0.0.1:{inner}/api/health", headers=AUTH, timeout=WAIT)
    assert answer.status_code == 403


def test_plain_http_on_the_tls_port_gets_nothing(served: Served) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=WAIT) as plain:
        plain.sendall(f"GET / HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n\r\n".encode())
        assert b"HTTP/1.1 200" not in plain.recv(4096)
    assert served.get("/openapi.json").ok


def test_old_tls_is_refused(served: Served) -> None:
    context = tls_context(served.certificate, served.key)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_a_file_that_is_no_certificate_is_named(tmp_path: Path) -> None:
    path, key = certificate(tmp_path)
    path.write_text("nothing")
    settings = WebSettings(token=TOKEN)
    listen = Listen(host="127.0.0.1", port=0, certificate=path, key=key)
    with pytest.raises(CannotListen, match="API_TLS_CERT="):
        Site(Hub(), Door(), settings, listen)


REFUSED = {
    "plain to others": ({"API_HOST": "192.0.2.7"}, "API_ALLOW_PLAIN=true"),
    "everywhere without names": (
        {"API_HOST": "0.0.0.0", "API_ALLOW_PLAIN": "true"},  # noqa: S104 - refused
        "API_NAMES",
    ),
    "certificate without key": ({"API_TLS_CERT": "CERT"}, "set both"),
    "no such file": ({"API_TLS_CERT": "nowhere.pem", "API_TLS_KEY": "KEY"}, "no such file"),
    "open key": ({"API_TLS_CERT": "CERT", "API_TLS_KEY": "OPEN"}, "chmod 600"),
    "a name with a port": ({"API_NAMES": "desk:80"}, "API_NAMES"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_open_door_is_refused_at_the_start(tmp_path: Path, name: str) -> None:
    given, said = REFUSED[name]
    path, key = certificate(tmp_path)
    loose = tmp_path / "open.pem"
    loose.write_bytes(key.read_bytes())
    loose.chmod(0o644)
    files = {"CERT": str(path), "KEY": str(key), "OPEN": str(loose)}
    with pytest.raises(SettingsError, match=said):
        load({variable: files.get(value, value) for variable, value in given.items()})


def test_with_tls_or_an_explicit_word_other_machines_are_served(tmp_path: Path) -> None:
    path, key = certificate(tmp_path)
    host = {"API_HOST": "192.0.2.7"}
    secure = load({**host, "API_TLS_CERT": str(path), "API_TLS_KEY": str(key)})
    assert secure.api_tls_cert == path
    assert load({**host, "API_ALLOW_PLAIN": "true"}).api_allow_plain
    assert not Settings().api_allow_plain
