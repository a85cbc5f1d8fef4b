# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads specs for the tests, and says what was wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._compose.support import Support
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._platforms import registry

SWARM = registry.support("swarm")
KUBERNETES = registry.support("kubernetes")
# What every service is that says nothing of it.
NOTHING_SAID = {"image": "nginx", "networks": {"default": {}}}


def spec(**keys: Any) -> dict[str, Any]:
    """A spec with one service of these keys."""
    return {"services": {"web": {"image": "nginx", **keys}}}


def read_spec(
    content: Mapping[str, Any],
    images: Mapping[str, str] | None = None,
    support: Support = SWARM,
) -> model.Compose:
    """Return the normal form of a spec, on Swarm unless another platform is given."""
    return model.read(content, support, images)


def service(**keys: Any) -> dict[str, Any]:
    """The normal form of a service with these keys."""
    return read_spec(spec(**keys)).services["web"]


def problems(call: Callable[..., Any], *arguments: Any, **options: Any) -> list[str]:
    """All problems of a spec, each as it is shown."""
    with pytest.raises(SpecError) as caught:
        call(*arguments, **options)
    return [str(problem) for problem in caught.value.problems]


def problems_of(**keys: Any) -> list[str]:
    """All problems of a service with these keys."""
    return problems(read_spec, spec(**keys))
