# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the live releases of all apps of a platform."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from .history import Record
from .platform_connection import connect
from .platform_definition import Options, Platforms
from .router_control import place_of

_SHOWN = ("number", "version", "by", "commit", "branch", "preview_of", "started", "ended")


def read_apps(options: Options, platforms: Platforms) -> dict[str, Any]:
    """Return the result of apps_info."""
    place = place_of(connect(options, platforms))
    live, failed = place.live_releases(), place.failed_previews()
    return {
        "changed": False,
        "apps": [_summary(app, live[app]) for app in sorted(live)],
        "failed_previews": [{"app": app, **asdict(failed[app])} for app in sorted(failed)],
    }


def _summary(app: str, record: Record) -> dict[str, Any]:
    summary = record.summary()
    services = sorted(summary["services"])
    return {"app": app, **{name: summary[name] for name in _SHOWN}, "services": services}
