# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The law of the house: which room of the plugins may import which, and who may name a platform.

Each list of exceptions says why; an exception that is no longer needed fails its test.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lint import rooms
from tests.lint.rooms import Import

ROOT = Path(__file__).parents[2]
SOURCES = {
    str(path.relative_to(ROOT)): path.read_text() for path in (ROOT / "plugins").rglob("*.py")
}

CORE = "module_utils/_core"
COMPOSE = "module_utils/_compose"
DEPLOY = "module_utils/_deploy"
INFERENCE = "module_utils/_inference"
REGISTRY = "module_utils/_registry"
ROUTING = "module_utils/_routing"
TOOLBOX = "module_utils/_toolbox"
REVISION_ORDER = "plugins/module_utils/_toolbox/revision_order.py"
DIRECTORY = "plugin_utils/_directory"
MEMBERSHIP = "plugin_utils/_membership"
CATALOG = "plugin_utils/_catalog"
DELIVERY = "plugin_utils/_delivery"
EXPERIMENTS = "plugin_utils/_experiments"
ROUTER_KEYS = "plugin_utils/_routing"
YAML_READER = "plugins/plugin_utils/_sources/yaml_reader.py"
SHIPPING_VALUES = "plugins/plugin_utils/_shipping/shipping_values.py"
CHECKED_NAMES = "plugins/module_utils/_toolbox/checked_names.py"

# What each room may import besides itself: rooms, or single files.
MAY_IMPORT = {
    CORE: set[str](),
    ROUTING: {CORE},
    COMPOSE: {CORE, ROUTING},
    INFERENCE: set[str](),
    DEPLOY: {CORE, COMPOSE, ROUTING, INFERENCE},
    REGISTRY: {CORE},
    TOOLBOX: {CORE},
    "module_utils/_awx": {CORE},
    "plugin_utils/_sources": {CORE, COMPOSE},
    DIRECTORY: {CORE},
    MEMBERSHIP: {CORE, DIRECTORY, REVISION_ORDER},
    CATALOG: {CORE, TOOLBOX},
    "plugin_utils/_locking": {CORE, TOOLBOX, CATALOG},
    # How it reads YAML and git is that of the catalog.
    "plugin_utils/_shipping": {CORE, REGISTRY, CATALOG, YAML_READER, CHECKED_NAMES},
    DELIVERY: {CORE, MEMBERSHIP},
    "plugin_utils/_events": {CORE, DIRECTORY, MEMBERSHIP, DELIVERY, REVISION_ORDER},
    ROUTER_KEYS: {CORE, ROUTING},
    EXPERIMENTS: {
        *(CORE, COMPOSE, INFERENCE, ROUTING, CATALOG, YAML_READER),
        SHIPPING_VALUES,
    },
    "plugin_utils/_controller": {
        *(CORE, DEPLOY, TOOLBOX, DIRECTORY, ROUTER_KEYS, EXPERIMENTS, rooms.PLATFORMS)
    },
    # The list of the platforms has what each says of its options.
    "doc_fragments": {rooms.PLATFORMS},
}
# A platform never imports another one, nor the registry of them.
PLATFORM_MAY_IMPORT = {CORE, COMPOSE, DEPLOY, REGISTRY, ROUTING}
# Wiring: documentation, and calls of what the rooms have.
MAY_IMPORT_ANYTHING = {"modules", "action", "inventory"}

_UTILS = "plugins/module_utils/"
_PLUGIN_UTILS = "plugins/plugin_utils/"
IMPORT_EXCEPTIONS = {
    Import(
        f"{_PLUGIN_UTILS}_catalog/project_file.py", f"{_PLUGIN_UTILS}_sources/yaml_reader.py"
    ): "one reader of YAML that keeps the lines, for Compose files and project files",
}
# How many there are in a file, and why. Ansible has no public way to these.
PRIVATE_ATTRIBUTE_EXCEPTIONS = {
    "plugins/action/toolbox.py": (6, "the connection's shell, and the task's identity"),
    f"{_UTILS}_core/module_exit.py": (1, "whether a module was started with --diff"),
    f"{_PLUGIN_UTILS}_controller/in_process.py": (6, "a module's validation, without the module"),
    f"{_PLUGIN_UTILS}_controller/live_action.py": (1, "the connection's shell"),
    f"{_PLUGIN_UTILS}_controller/module_runner.py": (4, "what an action runs a module by"),
    f"{_PLUGIN_UTILS}_controller/progress_lines.py": (1, "the way of a line out of a fork"),
    f"{_PLUGIN_UTILS}_controller/remote_python.py": (6, "a program without a module's transfer"),
}


def may_import(room: str) -> set[str]:
    """Return the rooms and files that a room may import."""
    if room == rooms.PLATFORMS:
        return {CORE, COMPOSE, DEPLOY, *_platforms()}
    if room.startswith(f"{rooms.PLATFORMS}/"):
        return PLATFORM_MAY_IMPORT
    return MAY_IMPORT[room]


def forbidden(edges: set[Import]) -> set[Import]:
    """Return the imports that lead from a room to one that it may not import."""
    return {edge for edge in edges if not _is_allowed(edge)}


def _is_allowed(edge: Import) -> bool:
    importer, imported = rooms.room(edge.importer), rooms.room(edge.imported)
    # What the two folders themselves have is their __init__.py, which is empty.
    if importer in MAY_IMPORT_ANYTHING or imported in (importer, "module_utils", "plugin_utils"):
        return True
    return bool({imported, edge.imported} & may_import(importer))


def _platforms() -> set[str]:
    """Return the rooms of the platforms."""
    found = {rooms.room(path) for path in SOURCES}
    return {room for room in found if room.startswith(f"{rooms.PLATFORMS}/")}


def naming_a_platform(sources: dict[str, str]) -> dict[str, list[str]]:
    """Return the files outside of the platforms' rooms that name one in code, and by which words.

    A documentation fragment of a platform is about it.
    """
    platforms = {"marathon", *(Path(room).name for room in _platforms())}
    found = {
        path: rooms.names(source, platforms)
        for path, source in sources.items()
        if not rooms.room(path).startswith((rooms.PLATFORMS, "doc_fragments"))
    }
    return {path: texts for path, texts in found.items() if texts}


def test_every_room_has_a_rule() -> None:
    for room in {rooms.room(path) for path in SOURCES} - MAY_IMPORT_ANYTHING:
        if room not in ("module_utils", "plugin_utils"):
            assert isinstance(may_import(room), set), room


def test_a_room_imports_only_rooms_above_it() -> None:
    assert forbidden(rooms.imports(SOURCES)) == set(IMPORT_EXCEPTIONS)


@pytest.mark.parametrize(
    ("importer", "line", "imported"),
    [
        ("_core/errors.py", "from .._deploy.plan import Plan", "_deploy/plan.py"),
        ("_deploy/plan.py", "from .._platforms.swarm import driver", "_platforms/swarm/driver.py"),
        (
            "_platforms/swarm/driver.py",
            "def late():\n    from ..kubernetes.pods import Pod",
            "_platforms/kubernetes/pods.py",
        ),
        (
            "_toolbox/acl.py",
            f"import {rooms.PACKAGE}plugins.module_utils._deploy.naming",
            "_deploy/naming.py",
        ),
    ],
    ids=["core", "deploy", "another platform, late", "absolute"],
)
def test_an_import_of_a_room_below_is_found(importer: str, line: str, imported: str) -> None:
    edge = Import(f"{_UTILS}{importer}", f"{_UTILS}{imported}")
    assert forbidden(rooms.imports({edge.importer: line, edge.imported: ""})) == {edge}


def test_no_files_import_each_other_in_a_circle() -> None:
    assert rooms.circle(rooms.imports(SOURCES)) == []


def test_a_circle_is_found() -> None:
    sources = {
        "plugins/module_utils/_core/a.py": "from . import b",
        "plugins/module_utils/_core/b.py": "def late():\n    from .c import something",
        "plugins/module_utils/_core/c.py": "import a\nfrom .a import something",
    }
    assert set(rooms.circle(rooms.imports(sources))) == set(sources)


def test_only_a_platform_names_itself() -> None:
    assert naming_a_platform(SOURCES) == {}


@pytest.mark.parametrize(
    "code",
    ["kubernetes = 1", "print('a Swarm')", "def to_marathon(): ...", "if platform == 'swarm': ..."],
)
def test_a_name_of_a_platform_is_found(code: str) -> None:
    assert naming_a_platform({"plugins/module_utils/_core/errors.py": code})


@pytest.mark.parametrize("code", ['"""Swarm."""', "# Swarm", "DOCUMENTATION = 'swarm'"])
def test_documentation_may_name_a_platform(code: str) -> None:
    assert not naming_a_platform({"plugins/module_utils/_core/errors.py": code})


def test_no_file_reaches_for_private_attributes_of_another() -> None:
    found = {path: len(rooms.private_attributes(source)) for path, source in SOURCES.items()}
    allowed = {path: count for path, (count, _why) in PRIVATE_ATTRIBUTE_EXCEPTIONS.items()}
    assert {path: count for path, count in found.items() if count} == allowed


def test_a_private_attribute_of_another_object_is_found() -> None:
    mine = (
        "class A:\n    def b(self, other):\n        self._c = other._c + self.d._e + d._replace()"
    )
    assert rooms.private_attributes(mine) == ["self.d._e"]


# What each module of these folders defines, and what the platforms implement under one name.
_OF_ONE_NAME = {"ActionModule", "ModuleDocFragment"}


def _classes() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path, source in SOURCES.items():
        for name in rooms.classes(source):
            found.setdefault(name, []).append(path)
    return found


def _rooms_of(paths: list[str]) -> set[str]:
    """Return the folders of classes of one name; all platforms are one, and so are their ports."""
    folders = {path.rpartition("/")[0] for path in paths if not path.endswith("_deploy/ports.py")}
    return {rooms.PLATFORMS if rooms.PLATFORMS in folder else folder for folder in folders}


def test_a_class_has_a_name_of_its_own() -> None:
    twice = {
        name: paths
        for name, paths in _classes().items()
        if name not in _OF_ONE_NAME and len(paths) > 1 and len(_rooms_of(paths)) > 1
    }
    assert not twice
