# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the router as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ...module_utils._core.text_table import text_table

_HEADING = ("weight", "requests", "4xx", "5xx", "lost", "p50", "p95")


def traffic(info: Mapping[str, Any]) -> list[str]:
    """Return the lines from the result of router_info: each service, then the replicas."""
    lines: list[str] = []
    for entry in info["weights"]:
        heading = f"{entry['app']} {entry['service']}"
        lines += [*text_table([(heading, *_HEADING), *_variants(info, entry)]), ""]
    return [*lines, *(_replica(replica) for replica in info["replicas"])]


def _variants(info: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    served = _of_service(info["counters"], entry)
    recent = {item["variant"]: item for item in _of_service(info["exposures"], entry)}
    for variant in dict.fromkeys([*entry["weights"], *(item["variant"] for item in served)]):
        of_variant = [item for item in served if item["variant"] == variant]
        yield (
            variant,
            f"{entry['weights'].get(variant, 0):g} %",
            *(
                str(sum(item[name] for item in of_variant))
                for name in ("requests", "responses_4xx", "responses_5xx")
            ),
            *_recent(recent.get(variant)),
        )


def _of_service(
    items: Iterable[Mapping[str, Any]], service: Mapping[str, Any]
) -> list[Mapping[str, Any]]:
    key = ("app", "service")
    return [item for item in items if all(item[name] == service[name] for name in key)]


def _recent(found: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Return the losses and latencies of the window; nothing without requests."""
    if found is None:
        return ("-", "-", "-")
    return (str(found["lost"]), f"{found['p50']} ms", f"{found['p95']} ms")


def _replica(replica: Mapping[str, Any]) -> str:
    name = f"replica {replica['replica'][:12]} on {replica['node']}"
    if not replica["reached"]:
        return f"{name}: not reached: {replica['error']}"
    drift = f", drift of {', '.join(replica['drift'])}" if replica["drift"] else ""
    return f"{name}: HAProxy {replica['version']}, up for {replica['uptime']} s{drift}"
