"""Settings of notifications. The text of each is its help."""

from __future__ import annotations

from typing import Literal

from pydantic import SecretStr

from config.fields import Group, setting


class Notices(Group):
    """Notifications: who is told what, elsewhere than on the page"""

    notify_urls: SecretStr | None = setting(
        None,
        "where notifications go: addresses in the manner of apprise, separated by spaces",
        allowed="addresses such as tgram://TOKEN/CHAT mailto://USER:PASSWORD@HOST",
    )
    notify_level: Literal["info", "warning", "critical"] = setting(
        "warning", "least level of an alert that is sent on"
    )
    notify_fills: bool = setting(default=False, description="tell of every fill")
    notify_daily_summary: bool = setting(
        default=True, description="tell what a day has brought, at midnight in New York"
    )
    notify_per_minute: int = setting(
        6,
        "most notifications in a minute; what is beyond is counted and told in the next one",
        "notifications",
        ge=1,
        le=600,
    )
