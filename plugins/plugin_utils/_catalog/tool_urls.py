# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The URLs of a tool on one platform, made of their templates. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import url_templates
from .value_forms import is_url


def expanded(
    details: Mapping[str, Any], values: Mapping[str, str]
) -> tuple[dict[str, Any], list[str]]:
    """Return the details with the values in their URLs, and what is wrong with those."""
    problems: list[str] = []
    complete = {**details, **_with_url(details, values, problems)}
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
    template = mapping["url"]
    lacking = url_templates.lacking(template, values)
    if lacking:
        problems.append(
            f"has {', '.join(f'{{{name}}}' for name in lacking)} in its URL and no"
            f" {', '.join(lacking)}{_HINT if {'os', 'arch'}.intersection(lacking) else ''}"
        )
        return {}
    url = url_templates.expand(template, values)
    if not is_url(url):
        problems.append(f"has a URL that none can be: {url!r}")
    return {"url": url}


_HINT = "; name its platforms with them under platforms"
