"""The web layer's settings, made from the daemon's: the one place that knows both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from config.effective import effective
from config.logs import hide
from web.auth import load_token
from web.settings import LOCAL_HOSTS, WebSettings

if TYPE_CHECKING:
    from config.settings import Settings


def web_settings(settings: Settings) -> WebSettings:
    """With both tokens, made on first use and kept out of every log. Raises TokenError."""
    token = load_token(settings.token_path)
    viewer = load_token(settings.token_path.with_name("token-viewer"))
    hide(token)
    hide(viewer)
    address = settings.api_host
    return WebSettings(
        token=token,
        viewer_token=viewer,
        hosts=(
            *LOCAL_HOSTS,
            f"[{address}]" if ":" in address else address,
            *settings.api_names,
        ),
        origins=settings.cors_origins,
        config=effective(settings),
        # Each start of the local exchange is a new venue with new accounts: nothing to go on with.
        history_path=None if settings.mode == "local" else settings.mode_dir / "history.sqlite",
        audit_path=settings.log_dir / "audit.jsonl",
        log_path=settings.log_dir / "quarterhour.log",
    )
