"""What the handlers of the API read from."""

from __future__ import annotations

import msgspec

from web.audit import Audit
from web.history import History
from web.hub import Hub
from web.settings import WebSettings


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Each is safe on any thread."""

    hub: Hub
    history: History
    audit: Audit
    settings: WebSettings
