# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Expand the templates of a tool's URLs and paths for one platform. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._toolbox import checked_names
from . import url_templates
from .value_forms import is_url


def values(
    version: str, details: Mapping[str, Any], names: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """Return the values of placeholders; ``names`` has the publisher's names of platforms."""
    own = {part: details.get(part, "") for part in names}
    return {"version": version, **{part: names[part].get(own[part], own[part]) for part in names}}


def expanded(
    details: Mapping[str, Any], values: Mapping[str, str], *, with_commands: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Return the details with the values in their URLs, and the problems.

    With ``with_commands``, the paths of commands are templates as well.
    """
    problems: list[str] = []
    complete = {**details, **_with_url(details, values, problems)}
    if with_commands and "commands" in details:
        complete["commands"] = {
            command: _expanded_text(path, values, problems, f"the path of {command}")
            for command, path in details["commands"].items()
        }
        problems += [
            f"has a path of {command} that leads out: {path!r}"
            for command, path in complete["commands"].items()
            if not checked_names.is_inside(path)
        ]
    if details.get("signature"):
        complete["signature"] = {
            scheme: {**about, **_with_url(about, values, problems)}
            for scheme, about in details["signature"].items()
        }
    return complete, problems


def _with_url(
    mapping: Mapping[str, Any], values: Mapping[str, str], problems: list[str]
) -> dict[str, str]:
    if "url" not in mapping:
        return {}
    before = len(problems)
    url = _expanded_text(mapping["url"], values, problems, "its URL")
    if len(problems) == before and not is_url(url):
        problems.append(f"has the invalid URL {url!r}")
    return {"url": url}


def _expanded_text(
    template: str, values: Mapping[str, str], problems: list[str], where: str
) -> str:
    lacking = url_templates.lacking(template, values)
    if not lacking:
        return url_templates.expand(template, values)
    problems.append(
        f"has {', '.join(f'{{{name}}}' for name in lacking)} in {where} and no"
        f" {', '.join(lacking)}{_HINT if {'os', 'arch'}.intersection(lacking) else ''}"
    )
    return template


_HINT = "; name them in its platforms"
