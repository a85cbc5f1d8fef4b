# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role as a user applies it, and AWX as it is then, by its API."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests import plays

ROOT = Path(__file__).resolve().parents[2]
MADE = (
    "organizations",
    "credential_types",
    "credentials",
    "execution_environments",
    "projects",
    "inventories",
    "notification_templates",
    "inventory_sources",
    "job_templates",
    "schedules",
)
"""The kinds of objects, in the order in which they can be made."""


@dataclass(frozen=True)
class Outcome:
    """What a play came to."""

    rc: int
    output: str
    result: dict[str, Any]

    @property
    def outcomes(self) -> dict[str, str]:
        """What was done about each object."""
        return {
            f"{one['type']} {one['name']}": one["outcome"] for one in self.result.get("objects", ())
        }

    @property
    def problems(self) -> set[str]:
        """Where the problems are that have ended the run."""
        return {problem["path"] for problem in self.result.get("problems", ())}


@dataclass
class Deliveries:
    """AWX, and the role's variables."""

    home: Path
    url: str
    token: str
    repository: str
    name: str

    @property
    def key(self) -> str:
        """The private key for the hosts, of AWX_KEY_FILE or a new one."""
        path = Path(os.environ.get("AWX_KEY_FILE", self.home / "key"))
        if not path.exists():
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
        return path.read_text()

    @property
    def variables(self) -> dict[str, Any]:
        return {
            "awx_sync_url": self.url,
            "awx_sync_token": self.token,
            "awx_sync_validate_certs": "AWX_INSECURE" not in os.environ,
            "awx_sync_name": self.name,
            "awx_sync_organization": f"{self.name} tools",
            "awx_sync_repository": self.repository,
            "awx_sync_image": os.environ.get("AWX_IMAGE", "registry.example.com/tools-ee:1"),
            "awx_sync_directory_password": os.environ.get("AWX_LDAP_PASSWORD", "reader secret"),
            "awx_sync_machine_credential": {
                "username": os.environ.get("AWX_USER", "deliverer"),
                "ssh_key_data": self.key,
            },
            "awx_sync_notifications": {
                f"{self.name} hook": {
                    "notification_type": "webhook",
                    "notification_configuration": {
                        "url": "https://hook.example.com/",
                        "headers": {},
                        "username": "hook",
                        "password": "hook secret",
                    },
                }
            },
        }

    def play(self, *flags: str, **variables: Any) -> Outcome:
        """Apply the role."""
        return self._run(
            "role",
            [{"ansible.builtin.include_role": {"name": "shipping.code.awx_sync"}}],
            {**self.variables, **variables},
            flags,
        )

    def module(self, *flags: str, **options: Any) -> Outcome:
        """Call the module."""
        options = {
            "url": self.url,
            "token": self.token,
            "validate_certs": "AWX_INSECURE" not in os.environ,
            **options,
        }
        return self._run("module", [{"shipping.code.awx_objects": options}], {}, flags)

    def _run(
        self,
        name: str,
        tasks: list[dict[str, Any]],
        variables: dict[str, Any],
        flags: tuple[str, ...],
    ) -> Outcome:
        play, given, results = (
            self.home / f"{name}.yml",
            self.home / "given.json",
            self.home / "results.jsonl",
        )
        results.unlink(missing_ok=True)
        play.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
        given.write_text(json.dumps(variables))
        environment = {
            **{
                key: value
                for key, value in os.environ.items()
                if not key.startswith(("ANSIBLE_", "AWX"))
            },
            "HOME": str(self.home),
            "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "tests" / "callback"),
            "ANSIBLE_CALLBACKS_ENABLED": "results",
            "ANSIBLE_FORCE_COLOR": "0",
            "ANSIBLE_LOCALHOST_WARNING": "0",
            "SHIPPING_TEST_RESULTS": str(results),
        }
        words = [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "-i",
            "localhost,",
            "-c",
            "local",
            str(play),
            "-e",
            f"@{given}",
            *flags,
        ]
        words += ["-e", f"ansible_python_interpreter={sys.executable}"]
        done = plays.run(words, env=environment, cwd=self.home, timeout=600)
        told = (
            [json.loads(line)["result"] for line in results.read_text().splitlines()]
            if results.exists()
            else []
        )
        return Outcome(done.returncode, done.stdout + done.stderr, told[-1] if told else {})

    def ask(self, method: str, place: str, content: Any = None) -> tuple[int, Any]:
        """Send a request to AWX by hand; the status and what it answers."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if content is None else json.dumps(content).encode()
        request = urllib.request.Request(f"{self.url}{place}", data, headers, method=method)
        context = ssl.create_default_context()
        if "AWX_INSECURE" in os.environ:
            context = ssl._create_unverified_context()
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read() or b"null")

    def get(self, place: str) -> Any:
        """What AWX answers."""
        return self.send("GET", place)

    def send(self, method: str, place: str, content: Any = None) -> Any:
        """Do something in AWX by hand, which succeeds."""
        status, answer = self.ask(method, place, content)
        assert status < 400, f"{method} {place}: {status} {answer}"
        return answer

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """One object of this run."""
        found = [one for one in self._objects(kind) if one["name"] == name]
        assert len(found) == 1, found
        return found[0]

    def all(self, kind: str) -> set[str]:
        """The names of all objects of this run."""
        return {one["name"] for one in self._objects(kind)}

    def _objects(self, kind: str) -> list[dict[str, Any]]:
        """What this run has made, and nothing of others, of whom an AWX may have thousands."""
        found: list[dict[str, Any]] = []
        # The role's source is called the same in each inventory.
        field = "inventory__name" if kind == "inventory_sources" else "name"
        place = f"/api/v2/{kind}/?{field}__startswith={quote(self.name)}"
        while place:
            page = self.get(place)
            found += page["results"]
            place = page["next"]
        return found

    def remove_all(self, patience: float = 180) -> None:
        """Remove all objects of this run, once AWX lets go of them."""
        deadline = time.monotonic() + patience
        for kind in reversed(MADE):
            while objects := self._objects(kind):
                for one in objects:
                    # 409 while a job uses it, 403 while AWX stores what the job has printed, and
                    # 400 while it is being removed.
                    self.ask("DELETE", one["url"])
                left = [one["name"] for one in objects]
                assert time.monotonic() < deadline, f"{kind} {left} cannot be removed"
                time.sleep(1)
