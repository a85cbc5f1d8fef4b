# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role as a user applies it, and AWX as it is then, by its API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests import plays

ROOT = Path(__file__).resolve().parents[2]


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
            f"{one['kind']} {one['name']}": one["outcome"] for one in self.result.get("objects", ())
        }


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
        """The private key for the machines, of AWX_KEY_FILE or a new one."""
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
            "awx_sync_machines": {
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
        options = {"url": self.url, "token": self.token, **options}
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

    def get(self, place: str) -> Any:
        """What AWX answers."""
        request = urllib.request.Request(
            f"{self.url}{place}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def send(self, method: str, place: str, content: dict[str, Any]) -> Any:
        """Do something in AWX by hand."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(
            f"{self.url}{place}", json.dumps(content).encode(), headers, method=method
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def one(self, kind: str, name: str) -> dict[str, Any]:
        """One object of AWX."""
        found: list[dict[str, Any]] = self.get(f"/api/v2/{kind}/?name={quote(name)}")["results"]
        assert len(found) == 1, found
        return found[0]

    def all(self, kind: str) -> set[str]:
        """The names of all objects of this run."""
        found, place = set(), f"/api/v2/{kind}/"
        while place:
            page = self.get(place)
            found |= {
                one["name"]
                for one in page["results"]
                if self.name in one["name"] + json.dumps(one["summary_fields"])
            }
            place = page["next"]
        return found
