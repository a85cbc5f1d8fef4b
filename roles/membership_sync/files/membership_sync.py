# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""membership_sync.py SETTINGS [sync|events]: what a timer, or a service for events, runs on a control machine.

``sync`` brings the project's checkout up to date and delivers, and ends with

0   everybody whose machine answers has what they must have
1   delivered, but a machine has failed, or the project's checkout is an older one
2   not delivered, or removals are held: a person must look
75  nothing was done, since another run is under way

``events`` becomes ansible-rulebook.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

DELIVERED, PARTLY, FAILED, BUSY = 0, 1, 2, 75
MEANINGS = {
    DELIVERED: "delivered",
    PARTLY: "delivered, but not everything is right",
    FAILED: "not delivered, or removals are held",
}
_PATIENCE = 10.0


def main(arguments: Sequence[str]) -> int:
    """Do what the command line says."""
    if len(arguments) not in (1, 2) or arguments[1:] not in ([], ["sync"], ["events"]):
        print(__doc__, file=sys.stderr)
        return FAILED
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        settings = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        return events(settings) if arguments[1:] == ["events"] else sync(settings)
    except (OSError, ValueError) as error:
        print(
            f"the sync cannot run: {error}. Look at {arguments[0]} and at what it names",
            file=sys.stderr,
        )
        return FAILED


def sync(settings: dict[str, Any]) -> int:
    """One sync, unless another one is under way."""
    keep_log(settings)
    time.sleep(random.uniform(0, settings["jitter"]))
    with lock(Path(settings["home"]) / "lock") as handle:
        if handle is None:
            say("another run is under way; the next one comes by itself")
            return BUSY
        begun = time.time()
        current = checkout(settings)
        status = (
            FAILED
            if current is None
            else verdict(settings, deliver(settings, handle), current, begun)
        )
        say(f"{MEANINGS[status]} after {time.time() - begun:.0f} s")
        tell(settings, status, begun, bool(current))
        return status


def events(settings: dict[str, Any]) -> int:
    """Become ansible-rulebook."""
    with lock(Path(settings["home"]) / "lock", wait=True):
        if checkout(settings) is None:
            return FAILED
    os.chdir(folder(settings))
    return os.execve(settings["events"][0], settings["events"], environment(settings))


def say(text: str) -> None:
    """A line in the log, with the time where there is no journal that adds it."""
    stamp = (
        ""
        if "JOURNAL_STREAM" in os.environ
        else time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime())
    )
    print(f"{stamp}{text}", flush=True)


def keep_log(settings: dict[str, Any]) -> None:
    """From now on, everything goes into the log; a log that has grown makes room for a new one."""
    log = settings.get("log")
    if not log:
        return
    path = Path(log["path"])
    if path.exists() and path.stat().st_size > log["size"]:
        for number in range(log["keep"] - 1, 0, -1):
            with contextlib.suppress(FileNotFoundError):
                os.replace(f"{path}.{number}", f"{path}.{number + 1}")
        os.replace(path, f"{path}.1")
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(handle, stream.fileno())
    os.close(handle)


@contextlib.contextmanager
def lock(path: Path, wait: bool = False) -> Iterator[int | None]:
    """The lock's handle, or None where another run has it."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        os.close(handle)
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def folder(settings: dict[str, Any]) -> str:
    """Where the project is."""
    return str(settings["project"] or os.path.join(settings["home"], "project"))


def environment(settings: dict[str, Any]) -> dict[str, str]:
    """The environment of git and Ansible.

    Secrets are files, whose place depends on who starts us.
    """
    credentials = os.environ.get("CREDENTIALS_DIRECTORY") or settings["credentials"]
    given = {
        name: value.replace("{credentials}", credentials)
        for name, value in settings["environment"].items()
    }
    # What lies beside Ansible, such as uv, is found.
    path = f"{os.path.dirname(settings['command'][0])}:{os.environ.get('PATH', os.defpath)}"
    return {
        **os.environ,
        "PATH": path,
        "HOME": settings["home"],
        "GIT_TERMINAL_PROMPT": "0",
        "ANSIBLE_NOCOLOR": "1",
        **given,
    }


def checkout(settings: dict[str, Any]) -> bool | None:
    """Whether the project is what its branch is now; None where there is none at all."""
    if not settings["repository"]:
        return True
    place = folder(settings)
    fetched = all(
        subprocess.run(
            ["git", "-C", place, *words],
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            timeout=settings["timeout"],
            check=False,
        ).returncode
        == 0
        for words in git_commands(settings, place)
    )
    if fetched:
        return True
    there = subprocess.run(
        ["git", "-C", place, "rev-parse", "--verify", "--quiet", "HEAD"],
        env=environment(settings),
        capture_output=True,
        check=False,
    )
    if there.returncode:
        say(
            f"{settings['repository']} could not be fetched, and there is no former checkout. See"
            " above why"
        )
        return None
    say(
        f"{settings['repository']} could not be fetched; its former checkout is used. See above why"
    )
    return False


def git_commands(settings: dict[str, Any], place: str) -> Iterator[list[str]]:
    """How the checkout becomes the branch, whatever it was before."""
    if not os.path.isdir(os.path.join(place, ".git")):
        os.makedirs(place, exist_ok=True)
        yield ["init", "--quiet"]
    yield [
        "fetch",
        "--quiet",
        "--depth",
        "1",
        settings["repository"],
        f"+refs/heads/{settings['branch']}",
    ]
    yield ["checkout", "--quiet", "--force", "--detach", "FETCH_HEAD"]
    yield ["clean", "--quiet", "-ffdx"]


def deliver(settings: dict[str, Any], handle: int) -> int | None:
    """Run the playbook; how it ended, or None after the timeout.

    The lock stays with it, should this program be killed.
    """
    process = subprocess.Popen(
        settings["command"],
        cwd=folder(settings),
        env=environment(settings),
        stdin=subprocess.DEVNULL,
        start_new_session=True,
        pass_fds=[handle],
    )
    try:
        return process.wait(settings["timeout"])
    except subprocess.TimeoutExpired:
        say(f"the playbook has not ended after {settings['timeout']} s, and is ended")
        return None
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a program that has not ended, and all that it has started."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)


def verdict(settings: dict[str, Any], ended: int | None, current: bool, begun: float) -> int:
    """What the run came to; a delivery that was made has written its metrics."""
    if ended == 0:
        return DELIVERED if current else PARTLY
    found = numbers(settings["delivery_metrics"])
    was_made = found.get("shipping_delivery_last_run_timestamp_seconds", 0) >= begun
    return (
        PARTLY
        if was_made and ended is not None and not found.get("shipping_delivery_removals_held")
        else FAILED
    )


def numbers(path: str) -> dict[str, float]:
    """The metrics in a file; none where there is no file."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    return {
        name: float(value)
        for name, value in re.findall(r"^(\w+(?:{.*})?) ([0-9.]+)$", text, re.MULTILINE)
    }


def tell(settings: dict[str, Any], status: int, begun: float, current: bool) -> None:
    """Write the metrics of the sync, by one rename."""
    path, now = Path(settings["sync_metrics"]), time.time()
    former = numbers(str(path)).get("shipping_sync_last_success_timestamp_seconds")
    success = now if status == DELIVERED else former
    found = {
        "shipping_sync_last_run_timestamp_seconds": ("When the last sync ended.", now),
        "shipping_sync_last_success_timestamp_seconds": (
            "When the last sync ended that came to 0. Absent before the first one.",
            success,
        ),
        "shipping_sync_exit_status": (
            (
                "What the last sync came to: 0 delivered, 1 delivered in part, 2 not delivered or"
                " removals held."
            ),
            status,
        ),
        "shipping_sync_duration_seconds": ("How long the last sync took.", now - begun),
        "shipping_sync_project_current": (
            "1 where the project's checkout is what its branch is.",
            current,
        ),
    }
    text = "".join(
        f"# HELP {name} {meaning}\n# TYPE {name} gauge\n{name} {value:.0f}\n"
        for name, (meaning, value) in found.items()
        if value is not None
    )
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
    os.replace(temporary, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
