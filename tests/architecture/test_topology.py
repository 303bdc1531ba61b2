"""The topology and the roles agree: what is routed is handled, what is handled is routed."""

from __future__ import annotations

import msgspec
import pytest

from config.settings import Settings
from core import messages as m
from core.assembly import Assembly, Surroundings, role_names
from core.roles.base import HandlingRole
from core.topology import CONFLATE, CONTROL, ROUTES, SPECS, SUPERVISION, WRITERS, kind_of, placement

NAMES = (*role_names(Settings()), SUPERVISION)
FROM_THE_HOST = {m.Begin, m.Tick}
"""Addressed to a role by its host and the timers, so they have no route."""
TO_A_NAME = {m.Begin, m.Tick, m.Heartbeat}


def role(name: str) -> HandlingRole:
    made = Assembly(Settings(), Surroundings(mode="local")).make(name, "test")
    assert isinstance(made, HandlingRole)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_a_role_handles_only_what_is_routed_to_it(name: str) -> None:
    routed = {message for message, to in ROUTES.items() if {name, kind_of(name)} & {*to}}
    handled = {
        message for message in role(name).handlers if message.__module__.startswith("core.messages")
    }
    assert handled <= routed | FROM_THE_HOST


@pytest.mark.parametrize("name", NAMES)
def test_what_is_routed_to_a_role_is_handled_or_applied(name: str) -> None:
    """Journalled facts may be routed for `apply` alone."""
    routed = {message for message, to in ROUTES.items() if {name, kind_of(name)} & {*to}}
    assert routed - set(WRITERS) <= set(role(name).handlers)


def test_every_message_has_a_route_or_is_addressed() -> None:
    every = {
        item
        for item in vars(m).values()
        if isinstance(item, type) and issubclass(item, m.Message) and item is not m.Message
    }
    assert every == set(ROUTES) | TO_A_NAME


def test_events_are_frozen_and_survive_the_journal() -> None:
    for event in WRITERS:
        assert event.__struct_config__.frozen
        assert msgspec.inspect.type_info(event)


def test_control_never_conflates_and_events_are_never_dropped() -> None:
    assert not CONTROL & set(CONFLATE)
    assert not set(WRITERS) & set(CONFLATE)


def test_every_kind_of_role_has_a_policy() -> None:
    assert {kind_of(name) for name in role_names(Settings())} <= set(SPECS)


def test_the_fused_placement_puts_the_hot_path_on_one_host() -> None:
    hosts = placement(role_names(Settings()), fused=True)
    assert set(hosts["hot"]) == {
        "feed:market",
        "strategy:kelly_volatility",
        "strategy:mean_reversion",
        "risk",
        "execution",
    }
    assert hosts["dashboard"] == ("dashboard",)


def test_by_default_every_role_is_an_actor_of_its_own() -> None:
    names = role_names(Settings())
    assert placement(names, fused=False) == {name: (name,) for name in names}
