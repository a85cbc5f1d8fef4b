# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust the texts in which Ansible can see no template."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from ansible.template import trust_as_template


def trust_plain_texts(value: Any) -> Any:
    """Return a variable's value with all texts trusted that have no template.

    ansible-inventory, which AWX runs, writes a text that is not trusted as
    ``{"__ansible_unsafe": text}``, and AWX shows and searches that. A text that could be a template
    stays untrusted, so that Ansible never templates it.
    """
    if isinstance(value, str):
        return _trusted(value)
    if isinstance(value, Mapping):
        return {key: trust_plain_texts(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [trust_plain_texts(item) for item in value]
    return value


# Names of projects and home folders repeat in thousands of hosts.
@functools.lru_cache(maxsize=10_000)
def _trusted(text: str) -> str:
    return text if _may_be_template(text) else trust_as_template(text)


def _may_be_template(text: str) -> bool:
    # Each start of a template has a brace, unless a header names others.
    return "{" in text or text.startswith("#jinja2:")
