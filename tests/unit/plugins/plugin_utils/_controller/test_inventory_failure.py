# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installed ansible-core ends a run whose inventory cannot be read."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[5]
SETTING = "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED"


@pytest.fixture
def broken_source(tmp_path: Path) -> Path:
    path = tmp_path / "ldap_projects.yml"
    path.write_text("plugin: shipping.code.ldap_projects\n")
    return path


def list_inventory(source: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A process of its own, since the constant stays set in one."""
    hosts = source.parent / "hosts.yml"
    hosts.write_text("all: {hosts: {pc1.example.com: {}}}\n")
    return subprocess.run(
        [sys.executable, "-m", "ansible", "inventory", "-i", hosts, "-i", source, "--list"],
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(source.parent),
            "LANG": "C.UTF-8",
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_FORCE_COLOR": "0",
            **environment,
        },
        cwd=source.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_source_that_cannot_be_read_ends_the_run(broken_source: Path):
    done = list_inventory(broken_source)
    assert done.returncode != 0 and done.stdout == ""
    assert "layout: is missing" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize("value", ["false", "true"])
def test_the_setting_of_the_user_decides(broken_source: Path, value: str):
    done = list_inventory(broken_source, **{SETTING: value})
    assert (done.returncode == 0) == (value == "false"), done.stderr
    assert "layout: is missing" in done.stderr
