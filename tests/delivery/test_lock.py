# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A catalog is locked by the playbook, and what it has then is delivered."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.testbed.package_index import package_index
from tests.testbed.wheel_files import wheel

from .fleet import ROOT, Fleet, Outcome

pytestmark = pytest.mark.long

PC, USER = "pc1.example.com", "bob"
PROJECT = """\
tools:
  maps:  # draws
    type: python
    version: "1.0"
    requirements: ["maps=={version}"]
    lock: p/lock.txt
    wheels: p/wheels
    commands: [maps]
  tiles:
    type: binary
    version: "1"
    url: URL  # ours
"""


def lock(fleet: Fleet, *flags: str, **variables: str) -> Outcome:
    """Run the playbook as a user does."""
    given = {"lock_catalog": str(fleet.catalog), **variables}
    return fleet.play(str(ROOT / "playbooks" / "lock.yml"), "-e", json.dumps(given), *flags)


def test_from_names_and_versions_to_a_command(fleet: Fleet, tmp_path: Path):
    fleet.projects = {"p": {USER}}
    content = tmp_path / "tiles"
    content.write_text("#!/bin/sh\necho tiles\n")
    path = fleet.catalog / "p.yml"
    path.write_text(PROJECT.replace("URL", content.as_uri()))
    (tmp_path / "index").mkdir()
    wheel(tmp_path / "index", "maps", "1.0", "def main():\n    print('maps')\n")
    with package_index(tmp_path / "index") as index:
        index.login = "ada:s3cret"
        login = {
            "lock_index_url": index.url,
            "lock_index_username": "ada",
            "lock_index_password": "s3cret",
        }
        found = lock(fleet, "--check", **login)
        assert not found.ok and f"{path}:6:5: maps is not locked: p/lock.txt" in found.output
        assert not (fleet.catalog / "p").exists()
        done = lock(fleet, "--diff", "-vvv", **login)
        assert done.ok and done.changed == {"localhost"}, done.output
        assert "+    sha256: " in done.output and "s3cret" not in done.output
        outdated = lock(fleet, **login, lock_state="outdated")
        assert "p        maps   maps     1.0     1.0     current" in outdated.output
    # Without the index: everything is there.
    assert lock(fleet, "--check").ok and lock(fleet).changed == set()
    assert "URL" not in path.read_text() and "# draws" in path.read_text()
    delivered = fleet.deliver("--limit", PC)
    assert delivered.ok, delivered.output
    assert fleet.says(PC, USER, "maps") == (0, "maps")
    assert fleet.says(PC, USER, "tiles") == (0, "tiles")
