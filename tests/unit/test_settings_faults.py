"""Wrong settings: one line each that names the variable, the value, what is allowed, the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from config.settings import Settings, SettingsError, load, nearest

if TYPE_CHECKING:
    from pathlib import Path

PEM = "-----BEGIN RSA PRIVATE KEY-----\nMIIC\n-----END RSA PRIVATE KEY-----\n"
SECRET_TEXT = "hush-hush-material"  # noqa: S105 - made up


def faults(**overrides: object) -> tuple[str, ...]:
    """The faults that `load` reports; failing when there are none."""
    with pytest.raises(SettingsError) as caught:
        load(overrides)
    return caught.value.faults


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("name", "value", "parts"),
    [
        ("MAX_DAILY_LOSS", "plenty", ("a number above 0", "100,000,000", "dollars")),
        ("MAX_DAILY_LOSS", "-1", ("above 0",)),
        ("MAX_DAILY_LOSS", "nan", ("above 0",)),
        ("MAX_TOTAL_EXPOSURE", "inf", ("at most",)),
        ("MAX_CONCURRENT_POSITIONS", "2.5", ("a whole number",)),
        ("DRY_RUN_MODE", "perhaps", ("true or false",)),
        ("LOG_LEVEL", "inf", ("one of DEBUG, INFO", "did you mean INFO?")),
        ("KALSHI_ENV", "production", ("did you mean prod?",)),
        ("API_PORT", "70000", ("65,535",)),
        ("SERIES", "SOL", ("'SOL' is not a series", "KXSOL15M,KXBTC15M")),
        ("SERIES", ",", ("nothing to trade",)),
        ("SERIES", '["KXSOL15M"', ("not a JSON list",)),
        ("ENABLED_STRATEGIES", "../etc", ("'../etc' is not the name of a strategy",)),
        ("CORS_ORIGINS", "*", ("'*' is not an origin",)),
        ("KALSHI_BASE_URL", "http://kalshi.example/trade-api/v2", ("this machine only",)),
        ("KALSHI_BASE_URL", "https://kalshi.example", ("https://HOST/trade-api/v2",)),
        ("LIVE_CONFIRMATION", "yes", ("not the phrase",)),
        ("STRATEGY__KELLY", "0.3", ("STRATEGY__<NAME>__<PARAM>",)),
    ],
)
def test_a_wrong_value_is_one_line_that_helps(
    name: str, value: str, parts: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    (line,) = faults()
    assert "\n" not in line
    assert line.startswith(name.partition("__")[0])
    assert "(environment)" in line
    assert all(part in line for part in (*parts, value))


def test_every_fault_is_reported_at_once(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / ".env").write_text("MIN_EDGE=2\nMAX_LOSS=50\n")
    monkeypatch.setenv("KALSHI_API_SECRET", SECRET_TEXT)
    lines = faults(api_port=-1, speeed=60)
    assert [line.split("=")[0].split(" ")[0] for line in sorted(lines)] == [
        "API_PORT",
        "KALSHI_API_SECRET",
        "MAX_LOSS",
        "MIN_EDGE",
        "SPEEED",
    ]
    assert SECRET_TEXT not in "".join(lines)


def test_an_unknown_name_is_told_with_the_nearest(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "var").mkdir()
    (bare / "var" / "quarterhour.toml").write_text("kelly_fracton = 0.1\n")
    monkeypatch.setenv("MAX_DAILY_LOSE", "5")
    monkeypatch.setenv("MIN_CONFIDENC", "0.9")
    one, other, toml = sorted(faults(), key=lambda line: ("toml" in line, line))
    assert "MAX_DAILY_LOSE (environment)" in one
    assert "did you mean MAX_DAILY_LOSS?" in one
    assert "did you mean MIN_CONFIDENCE?" in other
    assert "KELLY_FRACTON (var/quarterhour.toml)" in toml
    assert "did you mean KELLY_FRACTION?" in toml


def test_variables_of_other_programs_are_left_alone(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (
        "APP_HOST",
        "LOGLEVEL",
        "MAX_JOBS",
        "API_KEY",
        "REQUEST_TIMEOUT",
        "STATE_DIRECTORY",
    ):
        monkeypatch.setenv(name, "theirs")
    (bare / ".env").write_text("COMPOSE_PROJECT_NAME=bots\n")
    assert load().api_host == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        (".env", "MIN_EDGE=0.02\nMAX DAILY LOSS 50\n", ".env line 2: not NAME=value"),
        ("var/quarterhour.toml", "min_edge = \n", "var/quarterhour.toml: cannot be read"),
        ("var/quarterhour.toml", "max_daily_loss = true\n", "MAX_DAILY_LOSS=True"),
        ("var/quarterhour.toml", 'quarterhour_config = "x"\n', "cannot stand in the file"),
        ("var/quarterhour.toml", "strategy = 3\n", "[strategy.<name>]"),
    ],
)
def test_a_broken_file_is_named(bare: Path, name: str, text: str, part: str) -> None:
    (bare / "var").mkdir()
    (bare / name).write_text(text)
    (line,) = faults()
    assert part in line


def test_a_settings_file_that_is_not_text_is_named(bare: Path) -> None:
    (bare / ".env").write_bytes(b"MIN_EDGE=\xff\xfe\n")
    (line,) = faults()
    assert line.startswith(".env: cannot be read")


@pytest.mark.usefixtures("bare")
def test_a_missing_settings_file_is_named() -> None:
    assert faults(quarterhour_config="gone.toml") == (
        "QUARTERHOUR_CONFIG=gone.toml (command line): no such file",
    )


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"kalshi_api_key": "id"}, "set KALSHI_PRIVATE_KEY_PATH"),
        ({"kalshi_private_key": PEM}, "KALSHI_API_KEY is missing"),
        ({"kalshi_private_key": PEM, "kalshi_private_key_path": "k"}, "set one of them"),
        (
            {"kalshi_api_key": "id", "kalshi_private_key": SECRET_TEXT},
            "is not a private key in PEM",
        ),
        ({"kalshi_api_key": "id", "kalshi_private_key_path": "gone.pem"}, "No such file"),
        ({"kalshi_api_key": "id", "kalshi_private_key_path": "."}, "is not a file"),
        ({"kalshi_base_url": "https://h/trade-api/v2"}, "set both or neither"),
        ({"exchange_tape": "gone"}, "EXCHANGE_TAPE='gone': no such tape"),
        ({"min_seconds_left": 100, "max_seconds_left": 100}, "MIN_SECONDS_LEFT=100 must be below"),
        ({"permit_renew_seconds": 3}, "must be below PERMIT_LEASE_SECONDS=3"),
    ],
)
def test_settings_that_do_not_agree(given: dict[str, object], part: str) -> None:
    (line,) = faults(**given)
    assert part in line
    assert SECRET_TEXT not in line


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("name", ["kalshi_api_key", "kalshi_private_key"])
def test_a_fault_of_a_secret_does_not_tell_it(name: str) -> None:
    (line,) = faults(**{name: 4_815_162_342})
    assert line.startswith(f"{name.upper()}=(hidden) (command line): must be")
    assert "4815162342" not in line


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(
    "name", [n for n, f in Settings.model_fields.items() if f.annotation is float]
)
def test_no_number_may_be_endless_or_none_at_all(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        Settings(**{name: value})


def test_pydantic_does_not_tell_it_either() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(kalshi_api_key=SECRET_TEXT, kalshi_private_key=SECRET_TEXT)
    assert SECRET_TEXT not in str(caught.value)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660])
def test_a_key_file_open_to_others_is_refused_with_the_command_to_run(
    bare: Path, mode: int
) -> None:
    path = bare / "key.pem"
    path.write_text(PEM)
    path.chmod(mode)
    (line,) = faults(kalshi_api_key="id", kalshi_private_key_path=str(path))
    assert f"chmod 600 {path}" in line
    path.chmod(0o600)
    assert load({"kalshi_api_key": "id", "kalshi_private_key_path": str(path)}).mode == "paper"


def test_a_settings_file_with_a_key_inside_must_be_private_too(bare: Path) -> None:
    one_line = PEM.replace("\n", "\\n")
    (bare / ".env").write_text(f"KALSHI_API_KEY=id\nKALSHI_PRIVATE_KEY={one_line}\n")
    (bare / ".env").chmod(0o644)
    (line,) = faults()
    assert "chmod 600 .env" in line
    assert "MIIC" not in line


@pytest.mark.parametrize(
    ("word", "expected"), [("kelly_volatilty", "kelly_volatility"), ("xyzzy", None)]
)
def test_the_nearest_name(word: str, expected: str | None) -> None:
    assert nearest(word, ("kelly_volatility", "mean_reversion")) == expected
