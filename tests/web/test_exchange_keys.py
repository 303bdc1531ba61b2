"""Keys of the local exchange: who signed, what the key may do, and the account's list of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from flask import Flask, Response

from core.clock import SystemClock
from core.exchange.auth import Signer, generate_ed25519
from core.exchange.wire.errors import read_error
from core.exchange.wire.keys import ApiKeyJson, ApiKeysJson
from web.exchange_keys import KeyRing, install_keys, key_endpoints
from web.exchange_requests import install_refusals

if TYPE_CHECKING:
    from werkzeug.test import TestResponse

PREFIX = "/trade-api/v2"
ORDERS = "/portfolio/events/orders"
TRANSFER = "/portfolio/intra_exchange_instance_transfer"


class Door:
    """An app with nothing behind its keys but a nod."""

    def __init__(self) -> None:
        self.clock = SystemClock()
        self.ring = KeyRing(self.clock, skew_seconds=5)
        app = Flask("door")
        install_keys(app, self.ring, (f"{PREFIX}/portfolio", f"{PREFIX}/api_keys"))
        install_refusals(app)
        app.register_blueprint(key_endpoints(self.ring), url_prefix=PREFIX)
        for number, path in enumerate((ORDERS, TRANSFER, "/portfolio/balance")):
            app.add_url_rule(
                f"{PREFIX}{path}",
                endpoint=str(number),
                view_func=lambda: Response("done"),
                methods=["GET", "POST"],
            )
        self._client = app.test_client()
        self._signers: dict[str, Signer] = {}

    def make(self, key_id: str, *scopes: str, account: str = "trader") -> None:
        key = generate_ed25519()
        self.ring.register(key_id, key.public_key(), account, scopes)
        self._signers[key_id] = Signer(key_id, key, self.clock)

    def ask(self, key_id: str, method: str, path: str) -> TestResponse:
        headers = self._signers[key_id].sign(method, f"{PREFIX}{path}").headers()
        return self._client.open(f"{PREFIX}{path}", method=method, headers=headers)


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize(
    ("scopes", "may"),
    [
        (("read", "write"), {"look", "trade", "move", "count"}),
        (("read",), {"look", "count"}),
        (("read", "write::trade"), {"look", "trade", "count"}),
        (("read", "write::transfer"), {"look", "move", "count"}),
        (("read::portfolio_balance",), {"count"}),
        ((), set()),
    ],
)
def test_a_key_may_do_what_its_scopes_say(
    door: Door, scopes: tuple[str, ...], may: set[str]
) -> None:
    door.make("key", *scopes)
    tried = {
        "look": door.ask("key", "GET", ORDERS),
        "trade": door.ask("key", "POST", ORDERS),
        "move": door.ask("key", "POST", TRANSFER),
        "count": door.ask("key", "GET", "/portfolio/balance"),
    }
    assert {what for what, answer in tried.items() if answer.status_code == 200} == may
    for what in tried.keys() - may:
        assert tried[what].status_code == 403
        assert read_error(tried[what].data).code == "insufficient_scope"


def test_a_key_made_without_scopes_may_do_everything(door: Door) -> None:
    key = generate_ed25519()
    door.ring.register("key", key.public_key(), "trader")
    assert [row.scopes for row in door.ring.listed("trader")] == [("read", "write")]


def test_an_account_sees_its_own_keys_and_their_scopes(door: Door) -> None:
    door.make("first", "read", "write")
    door.make("other", "read", account="somebody")
    door.make("second", "read")
    answer = door.ask("second", "GET", "/api_keys")
    listed = msgspec.json.decode(answer.data, type=ApiKeysJson).api_keys
    assert listed == (
        ApiKeyJson(api_key_id="first", name="local 1", scopes=("read", "write")),
        ApiKeyJson(api_key_id="second", name="local 3", scopes=("read",)),
    )


def test_the_list_of_keys_is_for_those_who_sign(door: Door) -> None:
    assert door._client.get(f"{PREFIX}/api_keys").status_code == 401
