"""Settings as they are shown: `run.py config`, default.toml, .env.example; secrets never."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from config import template
from config.groups import GROUPS
from config.settings import Settings, effective, load

ROOT = Path(__file__).resolve().parents[2]
PEM = "-----BEGIN PRIVATE KEY-----\nhush-hush-material\n-----END PRIVATE KEY-----\n"


def test_default_toml_is_what_the_settings_say() -> None:
    assert (ROOT / "config" / "default.toml").read_text() == template.render()


def test_default_toml_names_every_setting() -> None:
    told = tomllib.loads((ROOT / "config" / "default.toml").read_text())
    assert {*told, "strategy", "quarterhour_config"} == set(Settings.model_fields)


@pytest.mark.usefixtures("bare")
def test_default_toml_changes_nothing_when_read() -> None:
    settings = load({"quarterhour_config": ROOT / "config" / "default.toml"})
    told = settings.model_dump(exclude={"quarterhour_config"})
    assert told == Settings().model_dump(exclude={"quarterhour_config"})


def test_the_example_env_is_the_defaults(bare: Path) -> None:
    text = (ROOT / ".env.example").read_text()
    lines = [line.removeprefix("# ") for line in text.splitlines()]
    (bare / ".env").write_text("\n".join(line for line in lines if re.match("[A-Z_]+=", line)))
    settings = load()
    assert settings.model_dump() == Settings().model_dump()
    assert settings.origin("MAX_DAILY_LOSS") == ".env"


def test_every_setting_has_help_and_belongs_to_one_group() -> None:
    fields = [name for group in GROUPS for name in group.model_fields]
    assert sorted(fields) == sorted(Settings.model_fields)
    assert all(Settings.model_fields[name].description for name in fields)


@pytest.mark.usefixtures("bare")
def test_effective_settings_tell_value_and_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERIES", "KXBTC15M,KXETH15M")
    monkeypatch.setenv("STRATEGY__MEAN_REVERSION__ENTRY", "1.5")
    rows = {row.name: row for row in effective(load({"speed": 60}))}
    assert (rows["SERIES"].value, rows["SERIES"].source) == ("KXBTC15M,KXETH15M", "environment")
    assert (rows["SPEED"].value, rows["SPEED"].source) == ("60", "command line")
    assert (rows["DRY_RUN_MODE"].value, rows["DRY_RUN_MODE"].source) == ("true", "default")
    assert rows["STRATEGY__MEAN_REVERSION__ENTRY"].value == "1.5"
    assert rows["MAX_DAILY_LOSS"].unit == "dollars"


def test_effective_settings_can_be_pasted_back(bare: Path) -> None:
    before = Settings()
    shown = [f"{row.name}={row.value}" for row in effective(before) if row.value]
    (bare / ".env").write_text("\n".join(shown))
    assert load().model_dump() == before.model_dump()


@pytest.mark.usefixtures("bare")
def test_secrets_are_never_shown() -> None:
    settings = load({"kalshi_api_key": "hush-hush-id", "kalshi_private_key": PEM})
    shown = f"{effective(settings)} {settings!r} {settings}"
    assert "hush-hush" not in shown
    assert {r.name for r in effective(settings) if r.value == "(hidden)"} == {
        "KALSHI_API_KEY",
        "KALSHI_PRIVATE_KEY",
    }
