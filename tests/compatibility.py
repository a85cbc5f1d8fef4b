# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Long tests about what seldom changes: they run where that has changed since they last passed.

``python -m tests.compatibility NAME ...`` writes down that these have passed now. What helps tests shows itself in all the others.
"""

from __future__ import annotations

import functools
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PASSED = Path(__file__).with_name("passed.json")

_COMPOSE = ("plugins/plugin_utils/_compose", "plugins/module_utils/_app", "plugins/doc_fragments/platform.py")
_SWARM = ("plugins/module_utils/_swarm",)
_JUDGES = ("adoption", "causes", "compare", "kinds", "kstatus", "manifests", "mirror", "observe", "planning", "platform", "pods", "quantities", "render")
_KUBERNETES = tuple(f"plugins/module_utils/_kubernetes/{name}.py" for name in (*_JUDGES, "security", "store", "witness"))
"""All but the way to the API server, which every test goes."""
_RELEASES = (
    *("plugins/module_utils/_answer.py", "plugins/module_utils/_app", "plugins/module_utils/_registry", "plugins/module_utils/_release"),
    *("plugins/plugin_utils/_compose", *(f"plugins/plugin_utils/_{name}.py" for name in ("here", "lines", "live", "manifests", "options", "table"))),
    *(f"plugins/{kind}/{name}.py" for kind in ("action", "modules") for name in ("release", "release_info", "rollback", "scale")),
    "plugins/doc_fragments/platform.py",
)
_RELEASES_ON = {"swarm": (*_RELEASES, *_SWARM), "kubernetes": (*_RELEASES, "plugins/module_utils/_kubernetes")}
"""All of a release, from the module to the platform. What is marked as main_road runs always, and so do the playbooks."""
_EVENTS = ("plugins/plugin_utils/_events", "plugins/plugin_utils/_directory", "extensions/eda/plugins")
_TOOLBOX = (
    *("plugins/module_utils/_toolbox", "plugins/modules/toolbox.py", "plugins/action/toolbox.py"),
    *("plugins/plugin_utils/_catalogue", "plugins/plugin_utils/_direct.py"),
)
ABOUT: dict[str, tuple[str, ...]] = {
    "integration/test_keys.py on swarm": (*_COMPOSE, *_SWARM),
    "integration/test_keys.py on kubernetes": (*_COMPOSE, *_KUBERNETES),
    "integration/test_samples.py on swarm": (*_COMPOSE, *_SWARM, "tests/samples"),
    "integration/test_samples.py on kubernetes": (*_COMPOSE, *_KUBERNETES, "tests/samples"),
    "integration/test_registries.py on swarm": (*_SWARM, "plugins/module_utils/_registry", "plugins/module_utils/_app/images.py"),
    "integration/test_registries.py on kubernetes": (*_KUBERNETES, "plugins/module_utils/_registry", "plugins/module_utils/_app/images.py"),
    "integration/test_connection.py on swarm": (*_SWARM, "plugins/doc_fragments/platform.py"),
    "integration/test_kubernetes_access.py on kubernetes": ("plugins/module_utils/_kubernetes", "plugins/doc_fragments/platform.py"),
    "integration/test_kubernetes_adopt.py on kubernetes": _KUBERNETES,
    "integration/test_over_ssh.py on swarm": _RELEASES_ON["swarm"],
    "integration/test_kubernetes_faults.py on kubernetes": _RELEASES_ON["kubernetes"],
    "integration/test_manifests.py on kubernetes": (*_KUBERNETES, "plugins/plugin_utils/_manifests.py"),
    **{
        f"integration/test_{name}.py on {platform}": about
        for name in ("history", "interrupted", "networks", "ownership", "secrets")
        for platform, about in _RELEASES_ON.items()
    },
    **{f"integration/test_rollout.py on {platform}": (*about, "tests/integration/cases.py") for platform, about in _RELEASES_ON.items()},
    "events/test_directories.py": _EVENTS,
    "events/test_faults.py": _EVENTS,
    "events/test_many.py": _EVENTS,
    "delivery/test_changes.py": (*_TOOLBOX, "plugins/action/delivery.py", "plugins/plugin_utils/_delivery", "playbooks/deliver.yml", "roles/delivery"),
    "delivery/test_interrupted.py": _TOOLBOX,
    "delivery/test_kinds.py": _TOOLBOX,
    "delivery/test_many.py": _TOOLBOX,
    "delivery/test_sessions.py": _TOOLBOX,
    "schedule/test_cron.py": ("roles/membership_sync", "roles/delivery", "playbooks/deliver.yml", "plugins/plugin_utils/_delivery"),
    "schedule/test_systemd.py": ("roles/membership_sync",),
    "awx/test_awx.py": ("roles/awx_sync", "plugins/module_utils/_awx", "plugins/modules/awx_objects.py", "tests/testbed/awx.py"),
}
"""Tests, and the files and folders that they are about besides themselves."""


@functools.cache
def unchanged(name: str) -> bool:
    """Whether tests have passed with what they are about as it is now."""
    return name in ABOUT and _passed().get(name) == digest(name)


def digest(name: str) -> str:
    """A number of what tests are about and of the tests themselves."""
    found = hashlib.sha256()
    for path in sorted(_files(ROOT / "tests" / name.partition(" ")[0], *(ROOT / place for place in ABOUT[name]))):
        found.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()


def _files(*places: Path) -> Iterator[Path]:
    for place in places:
        if not place.exists():
            raise FileNotFoundError(place)
        yield from (path for path in ([place] if place.is_file() else place.rglob("*")) if path.is_file() and "__pycache__" not in path.parts)


def _passed() -> dict[str, str]:
    return dict(json.loads(PASSED.read_text())) if PASSED.exists() else {}


def main(names: list[str]) -> None:
    """Write down that tests have passed."""
    passed = {**_passed(), **{name: digest(name) for name in names or ABOUT}}
    PASSED.write_text(json.dumps(passed, indent=2, sort_keys=True) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
