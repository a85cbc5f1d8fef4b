# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python packages in a virtual environment of their own, each pinned by its hash."""

from __future__ import annotations

from typing import Any

from ..python_version import version_behind
from .installer import Build, Details, EntryKey, Installer, SystemFacts, system_of


def _inputs(details: Details, facts: SystemFacts) -> dict[str, Any]:
    """Return the lock and the interpreter, whose path and version a virtual environment has."""
    return {
        "lock": details["lock_sha256"],
        "python": details.get("python") or facts.python,
        "python_version": "" if details.get("python") else facts.python_version,
        "os": facts.os,
        "arch": facts.arch,
    }


def _command_path(path: str) -> str:
    """Return the path of an entry point, which is a script of the environment."""
    return path if "/" in path else f"bin/{path}"


def _system(details: Details, facts: SystemFacts) -> dict[str, str]:
    """Return what wheels must fit: the interpreter that the catalog names, or the host's."""
    system = system_of(details, facts)
    if details.get("python"):
        system["python"] = version_behind(details["python"], "")
    return system


def _install(build: Build) -> None:
    # Imported where it is used: most calls install nothing, and the import takes time.
    from ..virtual_environments import make_environment

    make_environment(build)


INSTALLER = Installer(
    "python",
    "Python packages in a virtual environment of their own, installed by `uv` from wheels whose"
    " hashes are locked.",
    {
        "lock": EntryKey(
            "path",
            "A requirements file with hashes, such as `uv pip compile --generate-hashes` writes.",
            required=True,
            each_platform=True,
        ),
        "wheels": EntryKey(
            "path",
            "A folder with the wheels. Without it, the host downloads them from an index.",
            each_platform=True,
        ),
        "requirements": EntryKey(
            "requirements",
            "What `shipping.code.lock` makes the lock of: requirements such as `ruff==0.6.9`, or"
            " the path of a file with them. `{version}` stands for the tool's version.",
            each_platform=True,
        ),
        "python_versions": EntryKey(
            "python_versions",
            "The versions of Python that workstations have, such as `'3.11'`. `shipping.code.lock`"
            " makes the lock and fetches wheels for these.",
            each_platform=True,
        ),
        "index_url": EntryKey(
            "url", "The index from which the host downloads wheels; PyPI by default."
        ),
        "python": EntryKey(
            "absolute",
            "The interpreter on the host; by default that of the system.",
            each_platform=True,
        ),
        "commands": EntryKey(
            "commands",
            "The entry points to offer: a list, or names of scripts by command.",
            required=True,
        ),
    },
    _inputs,
    _install,
    programs=("uv",),
    command_path=_command_path,
    system=_system,
)
