# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The forced command of the role ship_command: only an app and a commit get through."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[3] / "roles" / "ship_command" / "files" / "ship_command.py"
COMMIT = "8f2b1c7d" * 5
SETTINGS = {
    "repository": "/srv/git/the shop.git",
    "branch": "main",
    "inventory": "/etc/ship/inventory.yml",
}


def request(folder: Path, text: str | None, *apps: str) -> subprocess.CompletedProcess[str]:
    """Run the program as sshd does, with a play that prints its arguments and environment."""
    playbook = folder / "ansible-playbook"
    playbook.write_text('#!/bin/sh\nprintf "%s\\n" "$@"; env; cat; exit 3\n')
    playbook.chmod(0o755)
    settings = folder / "apps.json"
    settings.write_text(json.dumps({"shop": {**SETTINGS, "playbook": str(playbook)}}))
    environment = {**os.environ, "LC_ALL": "odd", "ANSIBLE_CONFIG": "/odd"}
    if text is not None:
        environment["SSH_ORIGINAL_COMMAND"] = text
    return subprocess.run(
        [sys.executable, "-I", str(PROGRAM), str(settings), *apps],
        env=environment,
        input="typed",
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_app_and_a_commit(tmp_path: Path) -> None:
    done = request(tmp_path, f"shop {COMMIT}", "shop")
    *_words, values = done.stdout.partition("HOME=")[0].splitlines()[:5]
    assert done.stdout.splitlines()[:4] == [
        "shipping.code.ship",
        "-i",
        "/etc/ship/inventory.yml",
        "-e",
    ]
    assert json.loads(values) == {
        "repository": "/srv/git/the shop.git",
        "commit": COMMIT,
        "branch": "main",
    }
    assert done.returncode == 3
    assert "odd" not in done.stdout and "typed" not in done.stdout


ODD = [
    None,
    "",
    "shop",
    f"shop {COMMIT} main",
    f"shop {COMMIT}\n",
    f"shop {COMMIT}; true",
    f"shop  {COMMIT}",
    f"shop\t{COMMIT}",
    f"{COMMIT} shop",
    f"-e {COMMIT}",
    f"../shop {COMMIT}",
    "shop main",
    "shop 8f2b1c7",
    f"shop {COMMIT.upper()}",
    f"shop {COMMIT}0",
    "shop {{ 6 * 7 }}",
    f"shop $(true){COMMIT}",
    f"shöp {COMMIT}",
]


@pytest.mark.parametrize("text", ODD, ids=repr)
def test_anything_else_is_rejected(tmp_path: Path, text: str | None) -> None:
    done = request(tmp_path, text, "shop")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ship: the request is rejected: it is not an app and the full ID")


def test_a_key_is_for_its_apps(tmp_path: Path) -> None:
    done = request(tmp_path, f"other {COMMIT}", "shop")
    assert (done.returncode, done.stdout) == (2, "")
    assert "this key may not deploy other. Use a key for that app; this one is for shop." in (
        done.stderr
    )


def test_settings_that_lack_the_app(tmp_path: Path) -> None:
    done = request(tmp_path, f"gone {COMMIT}", "shop", "gone")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be used: KeyError. Run the role" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_id_may_be_one_of_sha256() -> None:
    read = runpy.run_path(str(PROGRAM))["read_request"]
    assert read(f"shop {'a' * 64}", ["shop"]) == ("shop", "a" * 64)
