"""Settings: which source wins, what they become, and which mode follows from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import LIVE_PHRASE, Settings, load
from core.units import ONE_CENT, ONE_DOLLAR

PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n"

PRODUCT_DEFAULTS = {
    "kalshi_api_key": None,
    "kalshi_private_key_path": None,
    "kalshi_private_key": None,
    "dry_run_mode": True,
    "live_confirmation": None,
    "enabled_strategies": ("kelly_volatility", "mean_reversion"),
    "default_bankroll": 10_000,
    "max_position_size": 1_000,
    "max_concurrent_positions": 5,
    "max_total_exposure": 5_000,
    "max_daily_loss": 500,
    "circuit_breaker_loss_threshold": 0.20,
    "circuit_breaker_drawdown_threshold": 0.15,
    "min_edge": 0.03,
    "min_confidence": 0.50,
    "kelly_fraction": 0.25,
    "series": ("KXSOL15M",),
    "cors_origins": (),
    "api_host": "127.0.0.1",
    "api_port": 8000,
    "log_level": "INFO",
}


@pytest.fixture
def key_file(bare: Path) -> Path:
    path = bare / "key.pem"
    path.write_text(PEM)
    path.chmod(0o600)
    return path


@pytest.mark.usefixtures("bare")
def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = load()
    assert {name: getattr(settings, name) for name in PRODUCT_DEFAULTS} == PRODUCT_DEFAULTS


def test_the_stronger_source_wins(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "var").mkdir()
    (bare / "var" / "quarterhour.toml").write_text(
        "min_edge = 0.01\nkelly_fraction = 0.1\nmax_daily_loss = 100\nspeed = 2\n"
    )
    (bare / ".env").write_text("MIN_EDGE=0.02\nKELLY_FRACTION=0.2\nMAX_DAILY_LOSS=200\n")
    monkeypatch.setenv("MIN_EDGE", "0.04")
    monkeypatch.setenv("KELLY_FRACTION", "0.3")
    settings = load({"min_edge": 0.05})
    assert (settings.min_edge, settings.kelly_fraction) == (0.05, 0.3)
    assert (settings.max_daily_loss, settings.speed) == (200, 2)
    names = ("MIN_EDGE", "KELLY_FRACTION", "MAX_DAILY_LOSS", "SPEED", "SERIES")
    assert [settings.origin(name) for name in names] == [
        "command line",
        "environment",
        ".env",
        "var/quarterhour.toml",
        "default",
    ]


def test_the_toml_file_can_be_elsewhere(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "mine.toml").write_text("API_PORT = 9000\n")
    monkeypatch.setenv("QUARTERHOUR_CONFIG", "mine.toml")
    assert load().api_port == 9000


@pytest.mark.usefixtures("bare")
def test_an_option_that_was_not_given_overrides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEED", "60")
    assert load({"speed": None}).speed == 60


def test_an_empty_value_counts_as_not_set(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / ".env").write_text("KALSHI_API_KEY=\nMIN_EDGE=\nAPI_PORT=9001\n")
    monkeypatch.setenv("API_PORT", "")
    settings = load()
    assert (settings.kalshi_api_key, settings.min_edge, settings.api_port) == (None, 0.03, 9001)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize("text", ["KXSOL15M, kxbtc15m", '["KXSOL15M", "kxsol15m", "KXBTC15M"]'])
def test_lists_are_comma_or_json(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERIES", text)
    assert load().series == ("KXSOL15M", "KXBTC15M")


@pytest.mark.usefixtures("bare")
def test_choices_are_taken_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_LEVEL", "debug")
    monkeypatch.setenv("KALSHI_ENV", "DEMO")
    settings = load()
    assert (settings.log_level, settings.kalshi_env) == ("DEBUG", "demo")


def test_parameters_of_strategies_merge_one_by_one(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "mine.toml").write_text(
        "[strategy.mean_reversion]\nlookback = 300\nentry = 1.5\nquiet = true\n"
    )
    (bare / ".env").write_text("STRATEGY__MEAN_REVERSION__ENTRY=2.0\n")
    monkeypatch.setenv("STRATEGY__KELLY_VOLATILITY__DECAY", "0.97")
    settings = load({"quarterhour_config": "mine.toml"})
    assert settings.strategy == {
        "mean_reversion": {"lookback": "300", "entry": "2.0", "quiet": "true"},
        "kelly_volatility": {"decay": "0.97"},
    }
    assert settings.origin("STRATEGY__MEAN_REVERSION__ENTRY") == ".env"
    assert settings.origin("STRATEGY__MEAN_REVERSION__LOOKBACK") == "mine.toml"


def test_settings_cannot_be_changed() -> None:
    settings = Settings(strategy={"a": {"b": "1"}})
    with pytest.raises(ValueError, match="frozen"):
        settings.min_edge = 0.5  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.strategy["a"]["b"] = "2"  # type: ignore[index]


@given(cents=st.integers(min_value=1, max_value=10_000_000_000))
def test_money_is_exact_to_the_cent(cents: int) -> None:
    dollars = cents / 100
    settings = Settings(
        default_bankroll=dollars,
        max_position_size=dollars,
        max_total_exposure=dollars,
        max_daily_loss=dollars,
    )
    limits = (settings.position_limit, settings.exposure_limit, settings.daily_loss_limit)
    assert {settings.bankroll, *limits} == {cents * ONE_CENT}


def test_money_of_the_defaults() -> None:
    assert Settings().exposure_limit == 5_000 * ONE_DOLLAR


def test_without_credentials_the_local_exchange_is_traded() -> None:
    assert Settings(dry_run_mode=False).mode == "local"


def test_with_credentials_the_mode_is_paper_until_dry_run_is_off(key_file: Path) -> None:
    paper = Settings(kalshi_api_key="id", kalshi_private_key_path=key_file)
    live = Settings(kalshi_api_key="id", kalshi_private_key_path=key_file, dry_run_mode=False)
    assert (paper.mode, live.mode) == ("paper", "live")


def test_live_is_confirmed_by_the_phrase_only(key_file: Path) -> None:
    live = {"kalshi_api_key": "id", "kalshi_private_key_path": key_file, "dry_run_mode": False}
    assert not Settings(**live).live_confirmed
    assert Settings(**live, live_confirmation=f" {LIVE_PHRASE.title()} ").live_confirmed


def test_a_key_may_come_as_text_with_escaped_line_ends(bare: Path) -> None:
    escaped = PEM.replace("\n", "\\n")
    (bare / ".env").write_text(f"KALSHI_API_KEY=id\nKALSHI_PRIVATE_KEY={escaped}\n")
    (bare / ".env").chmod(0o600)
    settings = load()
    assert settings.mode == "paper"
    assert settings.private_key_pem == PEM


def test_venue_addresses_follow_the_environment_unless_given() -> None:
    own = Settings(
        kalshi_base_url="http://127.0.0.1:8900/trade-api/v2/",
        kalshi_ws_url="ws://localhost:8900/trade-api/ws/v2",
    )
    assert "demo" in Settings(kalshi_env="demo").rest_url
    assert "demo" not in Settings().stream_url
    assert own.rest_url == "http://127.0.0.1:8900/trade-api/v2"
    assert own.stream_url == "ws://localhost:8900/trade-api/ws/v2"


def test_the_modes_keep_their_books_apart(key_file: Path) -> None:
    paper = Settings(kalshi_api_key="id", kalshi_private_key_path=key_file)
    assert paper.journal_path != Settings().journal_path
    assert paper.halt_path == Settings().halt_path == Path("var/HALT")
