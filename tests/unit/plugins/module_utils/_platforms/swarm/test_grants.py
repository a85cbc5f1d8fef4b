# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A config or secret at two paths: Swarm knows one owner and one mode of it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._compose import model
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.support import SUPPORT

from .resolved_apps import resolved


def app_with(section: str, *grants: Any, **entries: Any) -> Any:
    return resolved(
        {"services": {"web": {"image": "a:1", section: list(grants)}}, section: entries}
    )


TWO = (
    {"source": "c", "target": "/etc/one", "uid": "10", "gid": "11", "mode": 0o440},
    {"source": "c", "target": "/etc/two"},
)


@pytest.mark.parametrize("section", ["configs", "secrets"])
def test_two_owners_of_one_object(section):
    with pytest.raises(SpecError) as caught:
        app_with(section, *TWO, c={"content": "x"})
    (problem,) = caught.value.facts["problems"]
    assert problem["path"] == f"services.web.{section}"
    assert "/etc/one and /etc/two" in problem["text"]


def test_two_names_of_one_external_object():
    external = {"external": True, "name": "shared"}
    with pytest.raises(SpecError):
        app_with("configs", TWO[0], {**TWO[1], "source": "d"}, c=external, d=external)


def test_two_objects_and_equal_modes_are_fine():
    app_with("configs", TWO[0], {**TWO[0], "target": "/etc/two"}, c={"content": "x"})
    app_with("configs", TWO[0], {**TWO[1], "source": "d"}, c={"content": "x"}, d={"content": "x"})


def test_a_mode_without_its_leading_zero_is_noted():
    def notes(mode: Any) -> list[str]:
        mount = {"type": "tmpfs", "target": "/t", "tmpfs": {"mode": mode}}
        spec = {"services": {"web": {"image": "a:1", "volumes": [mount]}}}
        return model.read(spec, SUPPORT).notes

    assert notes(0o1777) == notes("1777") == []
    (note,) = notes(1777)
    assert note == (
        "services.web.volumes[0].tmpfs.mode: 1777 is the mode 03361; write 01777 where you mean"
        " that"
    )
