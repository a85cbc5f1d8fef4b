# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The template of docs/ci for Event-Driven Ansible: from a signed request to the play.

The play is a stand-in; tests/integration/test_ship.py has the real one on a Swarm.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ci.project_repository import TEMPLATES, ProjectRepository, until
from tests.testbed.machine import free_port
from tests.testbed.processes import kill_with_descendants

from .rulebook import environment, installed

SECRET = "a secret of the webhook"


@dataclass
class Webhook:
    """A rulebook that waits for pushes."""

    repository: ProjectRepository
    port: int

    @property
    def log(self) -> str:
        """What the rulebook has printed."""
        return (self.repository.folder / "rulebook.log").read_text(errors="replace")

    def post(self, branch: str, commit: str, secret: str = SECRET) -> tuple[int, str]:
        """Report a push as GitHub does; return the answer."""
        content = {
            "ref": f"refs/heads/{branch}",
            "after": commit,
            "repository": {"full_name": "team/shop", "clone_url": "https://odd.example.com/x.git"},
        }
        body = json.dumps(content).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "X-GitHub-Event": "push",
            "X-Hub-Signature-256": f"sha256={signature}",
            "Content-Type": "application/json",
        }
        address = f"http://127.0.0.1:{self.port}/push"
        request = urllib.request.Request(address, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()


@pytest.fixture
def webhook(tmp_path: Path) -> Iterator[Webhook]:
    """The template with a repository of the test."""
    collections = installed(tmp_path / "installed")
    (tmp_path / "test").mkdir()
    repository = ProjectRepository(tmp_path / "test")
    port = free_port()
    secret = repository.folder / "secret"
    secret.write_text(f"{SECRET}\n")
    text = (TEMPLATES / "rulebook.yml").read_text()
    changes = {
        "https://git.example.com/team/shop.git": str(repository.bare),
        "/etc/ship/webhook-secret": str(secret),
        "5000": str(port),
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (repository.folder / "rulebook.yml").write_text(text)
    inventory = repository.folder / "inventory"
    inventory.mkdir()
    (inventory / "hosts.yml").write_text(json.dumps({"all": {"hosts": {"manager": {}}}}))
    settings = environment(repository.folder, collections)
    settings["PATH"] = f"{repository.folder / 'bin'}:{settings['PATH']}"
    with (repository.folder / "rulebook.log").open("wb") as log:
        process = subprocess.Popen(
            [
                Path(sys.executable).parent / "ansible-rulebook",
                *("--rulebook", "rulebook.yml", "--inventory", "inventory", "--verbose"),
            ],
            cwd=repository.folder,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    found_webhook = Webhook(repository, port)
    try:
        until(lambda: _listens(port) or process.poll() is not None, 60)
        assert process.poll() is None, found_webhook.log
        yield found_webhook
    finally:
        kill_with_descendants(process.pid)
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as found:
        return not found.connect_ex(("127.0.0.1", port))


def test_pushes(webhook: Webhook) -> None:
    """Good, wrong signature, failing, older, and two in quick succession."""
    repository = webhook.repository
    good, _printed = repository.push("good")
    status, text = webhook.post("main", good, "another secret")
    assert status == 401 and "its X-Hub-Signature-256 is wrong. Set the secret" in text
    assert webhook.post("feature", good) == (200, "ignored\n")
    assert repository.started == []
    assert webhook.post("main", good)[0] == 200
    until(lambda: len(repository.plays) == 1)
    (play,) = repository.plays
    assert repository.live == good
    assert (play["repository"], play["branch"]) == (str(repository.bare), "main")

    bad, _printed = repository.push("bad")
    webhook.post("main", bad)
    until(lambda: len(repository.plays) == 2)
    slow, _printed = repository.push("slow")
    newest, _printed = repository.push("newest")
    webhook.post("main", slow)
    until(lambda: slow in repository.started)
    webhook.post("main", newest)
    webhook.post("main", good)
    repository.release()
    until(lambda: len(repository.plays) == 5)
    errors = [play["error"] for play in repository.plays]
    assert errors == ["", "the test failed", "", "", "it is older than the deployed commit"]
    assert repository.live == newest
    assert SECRET not in webhook.log and "Traceback" not in webhook.log
    assert webhook.log.count("the request of the webhook is rejected: its X-Hub-Signature") == 1
