# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of an app as lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._core.text_table import text_table


def status(info: Mapping[str, Any]) -> list[str]:
    """Return the lines for one app, from the result of release_info."""
    return [_headline(info), *_services(info), *_drift(info), *_history(info)]


def _headline(info: Mapping[str, Any]) -> str:
    live = info["live"]
    text = (
        f"{info['app']}: {live['version']} is live, release {live['number']} by"
        f" {live['by'] or 'unknown'}, since {time_text(live['ended'])}"
        if live
        else f"{info['app']}: nothing is live"
    )
    return f"{text}; held by {info['held_by']}" if info["held_by"] else text


def _services(info: Mapping[str, Any]) -> list[str]:
    images = info["live"].get("services", {})
    rows = [
        (
            name,
            f"{service['healthy']}/{service['desired']}",
            images.get(name, {}).get("reference", "not in the release"),
            "; ".join(service["problems"]),
        )
        for name, service in info["services"].items()
    ]
    return text_table([("service", "healthy", "image", ""), *rows]) if rows else []


def _drift(info: Mapping[str, Any]) -> list[str]:
    lines = [
        f"  {change['service']} {change['path']}: runs {change['before']}, released"
        f" {change['after']}"
        for change in info["drift"]
    ]
    return ["", "drift from the release:", *lines] if lines else []


def _history(info: Mapping[str, Any]) -> list[str]:
    rows = [
        (
            str(release["number"]),
            release["version"],
            outcome(release, info["live"]),
            time_text(release["ended"] or release["started"]),
            release["by"],
            release["reason"].partition("\n")[0],
        )
        for release in info["history"]
    ]
    return (
        ["", *text_table([("release", "version", "outcome", "when (UTC)", "by", ""), *rows])]
        if rows
        else []
    )


def outcome(release: Mapping[str, Any], live: Mapping[str, Any]) -> str:
    """Return the outcome of a release in words."""
    text = str(release["outcome"])
    if text == "live" and release["number"] != live["number"]:
        text = "was live"
    if release["rollback_of"]:
        text = f"{text}, rollback to {release['rollback_of']}"
    return (
        f"{text}, not restorable: {', '.join(release['not_restorable'])}"
        if release["not_restorable"]
        else text
    )


def time_text(text: str) -> str:
    """Return a time of the history as a reader expects it."""
    return text.replace("T", " ").rstrip("Z")
