# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add a type of tool to a copy of the collection: two files, and a name in the registry.

Then a project file uses it, and everything else knows it: the reader, the pin, the JSON schema, the
guide, what is sent, the workstation, and the removal. A helper program is sent along.
"""

from __future__ import annotations

import filecmp
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
HEADER = "".join(Path(__file__).read_text().splitlines(keepends=True)[:3])
INSTALLER = """
from __future__ import annotations

import os
import subprocess

from .installer import Build, Installer, EntryKey, declared


def _install(build: Build) -> None:
    words = [build.programs["shout"], build.sent("text")]
    done = subprocess.run(words, capture_output=True, check=True)
    with open(os.path.join(build.target, build.details["as"]), "wb") as file:
        file.write(done.stdout)


INSTALLER = Installer(
    "text",
    "A text in capital letters.",
    {"source": EntryKey("path", "The text, below the folder of the catalog.", required=True)},
    declared("text_sha256"),
    _install,
    has_commands=False,
    needs_version=False,
    programs=("shout",),
)
"""
TOOL_TYPE = """
from __future__ import annotations

from ....module_utils._toolbox.installers.installer import sha256_of
from .tool_type import ToolType


def _pin(sources, tool, details):
    checksum = sha256_of(sources.beside(details["source"]))
    return {**details, "text_sha256": checksum, "as": _shared_path(tool)}


def _content(sources, tool, details, system):
    yield "text", sources.beside(details["source"])


def _shared_path(tool):
    return f"{tool['name']}.txt"


TOOL_TYPE = ToolType(_content, _pin, _shared_path, {"shout": "Write it"})
"""
REGISTRY = "module_utils/_toolbox/installer_registry.py"
NEW = {
    "module_utils/_toolbox/installers/text.py": INSTALLER,
    "plugin_utils/_catalog/types/text.py": TOOL_TYPE,
}
DOCS = """
import json
from tests.docs.tables import FILLED, filled, schema_text
guide = next(path for path in FILLED if path.name == "guide_catalog.rst")
print(json.dumps({"schema": json.loads(schema_text()), "guide": filled(guide.read_text())}))
"""


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a copy of the collection that has the new type."""
    top = tmp_path_factory.mktemp("collections")
    collection = top / "ansible_collections" / "shipping" / "code"
    for name in ("plugins", "meta"):
        shutil.copytree(
            ROOT / name, collection / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "galaxy.yml", collection)
    for name, text in NEW.items():
        (collection / "plugins" / name).write_text(HEADER + text.lstrip())
    registry = collection / "plugins" / REGISTRY
    text = registry.read_text()
    for before, after in (
        ("    script,\n", "    script,\n    text,\n"),
        (', "file")', ', "file", "text")'),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    registry.write_text(text)
    return top


def changed_files(left: Path, right: Path) -> Iterator[str]:
    """The files that are in one folder alone, or differ."""
    compared = filecmp.dircmp(left, right, ignore=["__pycache__"])
    yield from (*compared.left_only, *compared.right_only, *compared.diff_files)
    for name in compared.common_dirs:
        yield from (f"{name}/{file}" for file in changed_files(left / name, right / name))


def test_no_other_file_is_touched(collections: Path) -> None:
    copy = collections / "ansible_collections" / "shipping" / "code" / "plugins"
    assert set(changed_files(ROOT / "plugins", copy)) == {*NEW, REGISTRY}


def test_the_schema_and_the_guide_have_it(collections: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": f"{collections}{os.pathsep}{ROOT}"}
    done = subprocess.run(
        [sys.executable, "-c", DOCS], cwd=ROOT, env=environment, capture_output=True, check=True
    )
    docs = json.loads(done.stdout)
    assert "``text``\n~~~~~~~~\n\nA text in capital letters.\n" in docs["guide"]
    assert "The text, below the folder of the catalog. **Required.**" in docs["guide"]
    assert "Required except for ``env``, ``file`` and ``text``." in docs["guide"]
    tool = docs["schema"]["else"]["properties"]["tools"]["additionalProperties"]
    assert "text" in tool["properties"]["type"]["enum"]
    (rule,) = [
        rule["then"]
        for rule in tool["allOf"]
        if rule["if"]["properties"]["type"]["const"] == "text"
    ]
    assert rule["required"] == ["type", "source"]


def play(collections: Path, folder: Path, *, pipelining: bool) -> tuple[str, list[dict[str, Any]]]:
    """Deliver twice and remove, on this machine; return the output and the module's results."""
    (folder / "projects").mkdir()
    (folder / "projects" / "p.yml").write_text("tools:\n  note: {type: text, source: note}\n")
    (folder / "projects" / "note").write_text("hello\n")
    (folder / "bin").mkdir()
    (folder / "bin" / "shout").write_text('#!/bin/sh\ntr a-z A-Z < "$1"\n')
    (folder / "bin" / "shout").chmod(0o755)
    options = {
        "catalog": str(folder / "projects"),
        "path": str(folder / "opt"),
        "shell_integration": False,
    }
    user = {"id": "1", "name": "daemon"}
    joined, left = (
        {"host": "pc", "revision": "time:a:1", "users": [{**user, "projects": projects}]}
        for projects in (["p"], [])
    )
    deliver, remove = (
        {"name": "Deliver", "shipping.code.toolbox": {**options, "record": record}}
        for record in (joined, left)
    )
    note = folder / "opt" / "current" / "users" / "daemon" / "share" / "p" / "note.txt"
    show = {"name": "Show", "ansible.builtin.command": f"cat {note}", "register": "shown"}
    check = {"name": "Check", "ansible.builtin.assert": {"that": "shown.stdout == 'HELLO'"}}
    tasks = [deliver, show, check, deliver, remove]
    hosts = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (folder / "play.json").write_text(json.dumps([hosts]))
    scripts = Path(sys.executable).parent
    environment = {
        "PATH": f"{folder / 'bin'}:{scripts}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LC_ALL": "C.UTF-8",
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "results",
        "ANSIBLE_PIPELINING": str(pipelining),
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        "SHIPPING_TEST_RESULTS": str(folder / "results"),
    }
    done = subprocess.run(
        [scripts / "ansible-playbook", "-vvv", folder / "play.json"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    lines = (folder / "results").read_text().splitlines()
    return done.stdout, [json.loads(line)["result"] for line in lines]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
@pytest.mark.parametrize("pipelining", [True, False])
def test_it_is_delivered_and_removed(
    collections: Path, tmp_path: Path, *, pipelining: bool
) -> None:
    """By both roads: AnsiballZ packs what is imported by name, the other one whole folders."""
    output, (first, second, last) = play(collections, tmp_path, pipelining=pipelining)
    assert ("AnsiballZ_toolbox" in output) is not pipelining
    assert first["changed"] and first["ready"], output
    assert first["users"][0]["tools"][0]["type"] == "text"
    assert not second["changed"] and second["ready"], output
    removed = {name.partition("-")[2] for name in last["removed"]}
    assert removed == {"note", "shout"} and not os.listdir(tmp_path / "opt" / "store"), output
