# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbooks with an inventory that is for something else, or lacks a part."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

COLLECTIONS = Path(__file__).parents[3] / ".collections"
INVENTORY = "all: {hosts: {pc.example.com: {ansible_connection: local, shipping_users: []}}}\n"

SHIPPING = "{app: shop, environments: {production: {branch: main, hosts: prodution}}}\n"


def run(playbook: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a playbook; nothing is changed."""
    (folder / "workstations.yml").write_text(INVENTORY)
    command = (sys.executable, "-m", "ansible", "playbook", f"shipping.code.{playbook}")
    return subprocess.run(
        [*command, "-i", "workstations.yml", *words],
        cwd=folder,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("playbook", ["deploy", "rollback", "router", "scale", "status"])
def test_an_inventory_without_the_group_is_an_error(playbook: str, tmp_path: Path) -> None:
    done = run(playbook, tmp_path, "--list-hosts")
    assert done.returncode != 0
    assert "The inventory has no group platforms." in done.stderr


def test_a_commit_for_hosts_that_the_inventory_lacks_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "shipping.yml").write_text(SHIPPING)
    git = ("git", "-c", "user.name=ada", "-c", "user.email=ada@example.com", "-C", tmp_path)
    for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    push = ("-e", "repository=. commit=HEAD branch=main")
    done = run("ship", tmp_path, "--check", *push)
    assert done.returncode != 0
    assert "The environment production of shipping.yml cannot be used:" in done.stdout
    assert "has no host in prodution. Correct hosts in shipping.yml" in done.stdout


def test_another_host_is_named(tmp_path: Path) -> None:
    done = run("status", tmp_path, "--list-hosts", "-e", "target=pc.example.com")
    assert done.returncode == 0, done.stderr
    assert "hosts (1):\n      pc.example.com" in done.stdout


def test_an_inventory_without_a_revision_is_an_error(tmp_path: Path) -> None:
    done = run("deliver", tmp_path, "--check")
    assert done.returncode != 0
    assert "The inventory has no shipping_membership_revision. Use an inventory" in done.stdout
