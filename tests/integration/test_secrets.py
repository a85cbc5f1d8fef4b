# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are nowhere to be found but in the tasks that were given them."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .harness import Player, PlayOutcome
from .specs import Spec, changed, tool

pytestmark = pytest.mark.long

VALUE, FILE, VAULT, PEM = (
    "a-value-of-a-secret-71",
    "a-file-with-a-secret-72",
    "a-vault-with-a-secret-73",
    "a line of a longer secret 74\nand another line of it 74\n",
)
SECRETS = (VALUE, FILE, VAULT, *PEM.splitlines())
VAULT_PASSWORD = "the-password-of-the-vault"


class Watcher:
    """Looks at the arguments of all processes, over and over."""

    def __init__(self) -> None:
        self.seen: set[bytes] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look_on, daemon=True)

    def _look_on(self) -> None:
        while not self._stop.wait(0.02):
            for process in Path("/proc").glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    self.seen.add((process / "cmdline").read_bytes())

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_unused: object) -> None:
        self._stop.set()
        self._thread.join()


@pytest.fixture
def watcher() -> Iterator[Watcher]:
    """What the arguments of processes were during a test."""
    with Watcher() as watching:
        yield watching


def spec(platform: Any, *command: str) -> Spec:
    """An app with secrets from everywhere that they can come from."""
    names = ("value", "content", "file", "vault", "pem")
    return {
        "services": {"app": tool(platform, *command, secrets=list(names))},
        "secrets": {
            "value": {"environment": "VALUE"},
            "content": {"content": "password=${VALUE}"},
            "file": {"file": "./file"},
            "vault": {"file": "./vault"},
            "pem": {"environment": "PEM"},
        },
    }


def tasks(platform: Any, app: str, version: str) -> list[dict[str, Any]]:
    """One release, whose secret values come from variables as they would from a vault."""
    options = {
        "app": app,
        "version": version,
        "compose": "compose.yml",
        "secret_values": {"VALUE": "{{ given_value }}", "PEM": "{{ given_pem }}"},
        "registry_auths": [platform.credentials],
        "monitor": 1,
        **platform.placement_options(app),
        **platform.options,
    }
    return [{"name": "release", "shipping.code.release": options}]


def run(
    player: Player, platform: Any, app: str, version: str, content: Spec, *flags: str
) -> PlayOutcome:
    """Release it with everything said that Ansible can say."""
    folder = player.folder()
    (folder / "compose.yml").write_text(json.dumps(content))
    (folder / "file").write_text(FILE)
    (folder / "vault").write_text(VAULT)
    (folder / "given.json").write_text(json.dumps({"given_value": VALUE, "given_pem": PEM}))
    password = player.home / "vault-password"
    password.write_text(VAULT_PASSWORD)
    vault = [
        str(Path(sys.executable).parent / "ansible-vault"),
        "encrypt",
        "--vault-password-file",
        str(password),
    ]
    for name in ("vault", "given.json"):
        subprocess.run(
            [*vault, str(folder / name)], check=True, capture_output=True, env=player.environment()
        )
    running = player.start_tasks(
        folder,
        tasks(platform, app, version),
        "-vvvv",
        "--diff",
        "-e",
        "@given.json",
        "--vault-password-file",
        str(password),
        *flags,
    )
    outcome = running.wait()
    (folder / "file").unlink()
    return outcome


def found_in(text: str, also_encoded: bool = True) -> list[str]:
    """Which of the secrets a text holds, in clear or as base64."""
    encoded = (
        [base64.b64encode(secret.encode()).decode() for secret in SECRETS] if also_encoded else []
    )
    return [secret for secret in (*SECRETS, *encoded) if secret in text]


def written(folder: Path) -> str:
    """All files below a folder."""
    return "\n".join(
        path.read_bytes().decode("latin-1")
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    )


def test_secrets_are_shown_nowhere(
    platform: Any, player: Player, app: str, watcher: Watcher
) -> None:
    """Not in what is printed at -vvvv, results, files, arguments, or what the platform shows."""
    checked = run(player, platform, app, "1", spec(platform), "--check")
    first = run(player, platform, app, "1", spec(platform))
    assert checked.ok and first.ok, first.output
    assert platform.exec(app, "app", "cat", "/run/secrets/content") == f"password={VALUE}"
    assert (
        platform.exec(app, "app", "cat", "/run/secrets/vault", "/run/secrets/file") == VAULT + FILE
    )
    talkative = changed(spec(platform), "app", command=["sh", "-c", "cat /run/secrets/*; exit 3"])
    failed = run(player, platform, app, "2", talkative)
    assert failed.result["outcome"] == "rolled_back" and "********" in failed.result["msg"]
    outcomes = (checked, first, failed)
    assert not found_in("".join(outcome.output for outcome in outcomes))
    assert not found_in(repr([outcome.results for outcome in outcomes]))
    assert not found_in(platform.everything(app))
    assert not found_in(written(player.home))
    assert not found_in(b"\n".join(watcher.seen).decode("latin-1"))
    known = player.run("release_info", {"app": app, **platform.options})
    assert not found_in(known.output + repr(known.results))


def test_private_files_only(platform: Any, player: Player, app: str) -> None:
    """What is left between two processes is readable by nobody else."""
    running = player.start(
        "release",
        {
            "app": app,
            "version": "1",
            "spec": {"services": {"app": tool(platform)}},
            **platform.options,
        },
    )
    files, folders = set(), set()
    while running.process.poll() is None:
        for path in (player.home / "state").rglob("*"):
            with contextlib.suppress(OSError):
                (folders if path.is_dir() else files).add(oct(path.stat().st_mode & 0o777))
    assert running.wait().ok
    assert (files, folders) == ({"0o600"}, {"0o700"})


def test_secret_values_belong_below_secrets(platform: Any, player: Player, app: str) -> None:
    """Elsewhere they would be readable by everybody, so that is refused unless it is wished."""
    wrong = {
        "services": {
            "app": tool(platform, environment={"PASSWORD": "${VALUE}"}, labels={"note": "${VALUE}"})
        }
    }
    options = {
        "app": app,
        "version": "1",
        "spec": wrong,
        "secret_values": {"VALUE": VALUE},
        **platform.options,
    }
    refused = player.run("release", options)
    paths = [problem["path"] for problem in refused.result["problems"]]
    assert not refused.ok and paths == [
        "services.app.environment.PASSWORD",
        "services.app.labels.note",
    ]
    assert "declare it under secrets:" in refused.result["msg"]
    wished = player.run("release", {**options, "allow_secret_environment": True})
    assert wished.ok and platform.environment(app, "app")["PASSWORD"] == VALUE
    assert VALUE not in wished.output


def test_unchanged_secrets_change_nothing(platform: Any, player: Player, app: str) -> None:
    """The same content again is no change.

    Another one rewires the service, and the old stays for a rollback.
    """
    content = {
        "services": {"app": tool(platform, secrets=["token"])},
        "secrets": {"token": {"environment": "TOKEN"}},
    }
    options = {
        "app": app,
        "version": "1",
        "spec": content,
        "secret_values": {"TOKEN": "first-token"},
        **platform.options,
    }
    assert player.run("release", options).ok
    assert player.run("release", options).result["changed"] is False
    second = player.run(
        "release", {**options, "version": "2", "secret_values": {"TOKEN": "second-token"}}
    )
    assert second.ok and platform.exec(app, "app", "cat", "/run/secrets/token") == "second-token"
    assert player.run("rollback", {"app": app, **platform.options}).ok
    assert platform.exec(app, "app", "cat", "/run/secrets/token") == "first-token"
