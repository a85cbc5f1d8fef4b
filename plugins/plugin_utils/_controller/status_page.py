# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of apps as one HTML page, which needs no other file and runs no script. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from ...module_utils._core.errors import ShippingError
from .status_table import outcome, time_text

_COMMIT = 12
_STYLE = """\
:root { color-scheme: light dark; --line: #8884; }
:root { --good: #1a7f37; --bad: #cf222e; --open: #9a6700; }
@media (prefers-color-scheme: dark) {
  :root { --good: #3fb950; --bad: #f85149; --open: #d29922; }
}
body { font: 16px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
section { border: 1px solid var(--line); border-radius: .5rem; }
section { padding: 0 1rem 1rem; margin: 1rem 0; }
h2 { margin: .8rem 0 0; } h3 { font-size: 1rem; margin: 1rem 0 .3rem; } p { margin: .2rem 0; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: .3rem .6rem; }
th, td { border-bottom: 1px solid var(--line); }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
.live { color: var(--good); } .pending { color: var(--open); }
.failed, .rolled_back { color: var(--bad); }
ul { margin: 0; padding-left: 1.1rem; }
"""
# Nothing is loaded, and no script runs, whatever a text has.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
# Begins the line that is another one with each look.
_READ_AT = "<p>Read at "


def page(title: str, environments: Mapping[str, Mapping[str, Any]], read_at: str) -> str:
    """Return the page for the results of release_info, by the names of their environments.

    A result may be that of a task that failed, or empty if a host did not answer. Raise
    ShippingError for any other value.
    """
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        *(_checked_environment(name, result) for name, result in environments.items()),
        f"{_READ_AT}{escape(read_at)} (UTC)</p>",
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def without_time(text: str) -> str:
    """Return a page without the time at which it was read, to compare two of them."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(_READ_AT))


def _checked_environment(name: str, info: Any) -> str:
    try:
        return _environment(name, info)
    # The shape is that of another module, too large to be described here again.
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise ShippingError(
            f"environments.{name} cannot be shown",
            f"it is not a result of release_info ({type(error).__name__}: {error})",
            "Pass what a task with release_info registered",
        ) from error


def _environment(name: str, info: Mapping[str, Any]) -> str:
    if "history" not in info:
        cause = _first_line(info.get("msg")) or "the host did not answer"
        return _section(name, [f'<p class="failed">Not known: {escape(cause)}</p>'])
    live = info["live"]
    return _section(
        f"{name}: {info['app']}",
        [_headline(live, info["held_by"]), _services(info), _drift(info), _history(info, live)],
    )


def _section(heading: str, parts: Iterable[str]) -> str:
    return "\n".join([f"<section><h2>{escape(heading)}</h2>", *filter(None, parts), "</section>"])


def _headline(live: Mapping[str, Any], held_by: str) -> str:
    held = f'<p class="pending">Held by {escape(held_by)}</p>' if held_by else ""
    if not live:
        return f'<p class="pending">Nothing is live</p>{held}'
    commit = (
        f" from commit <code>{escape(live['commit'][:_COMMIT])}</code>" if live["commit"] else ""
    )
    return (
        f'<p><strong class="live">{escape(live["version"])} is live</strong>{commit}: release'
        f" {live['number']} by {escape(live['by'] or 'unknown')}, since"
        f" {escape(time_text(live['ended']))} (UTC)</p>{held}"
    )


def _services(info: Mapping[str, Any]) -> str:
    images = info["live"].get("services", {})
    rows = [
        (
            escape(name),
            _colored(
                f"{service['healthy']}/{service['desired']}",
                "live" if service["healthy"] >= service["desired"] else "failed",
            ),
            f"<code>{escape(images.get(name, {}).get('reference', 'not in the release'))}</code>",
            escape("; ".join(service["problems"])),
        )
        for name, service in info["services"].items()
    ]
    return _table("Services", ("service", "healthy", "image", "problems"), rows)


def _drift(info: Mapping[str, Any]) -> str:
    rows = [
        tuple(escape(str(change[key])) for key in ("service", "path", "before", "after"))
        for change in info["drift"]
    ]
    return _table("Drift from the release", ("service", "setting", "runs", "released"), rows)


def _history(info: Mapping[str, Any], live: Mapping[str, Any]) -> str:
    rows = [
        (
            str(release["number"]),
            escape(release["version"]),
            f"<code>{escape(release['commit'][:_COMMIT])}</code>",
            _colored(outcome(release, live), release["outcome"]),
            escape(time_text(release["ended"] or release["started"])),
            escape(release["by"]),
            _notes(release),
        )
        for release in info["history"]
    ]
    heads = ("release", "version", "commit", "outcome", "when (UTC)", "by", "notes")
    return _table("Releases", heads, rows)


def _notes(release: Mapping[str, Any]) -> str:
    reason = _first_line(release["reason"])
    entries = "".join(f"<li>{escape(note)}</li>" for note in release["release_notes"])
    return "".join([escape(reason), f"<ul>{entries}</ul>" if entries else ""])


def _first_line(text: object) -> str:
    return str(text or "").partition("\n")[0]


def _colored(text: str, name: str) -> str:
    return f'<span class="{escape(name)}">{escape(text)}</span>'


def _table(title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of cells that are HTML; nothing without rows."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    lines = ["".join(f"<td>{cell}</td>" for cell in row) for row in rows]
    body = "\n".join(f"<tr>{line}</tr>" for line in lines)
    table = f"<table><tr>{head}</tr>\n{body}</table>"
    return f'<h3>{escape(title)}</h3><div class="scroll">{table}</div>'
