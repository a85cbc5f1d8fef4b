# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a delivery from a timer, or ansible-rulebook: membership_sync.py SETTINGS [sync|events].

``sync`` updates the project's checkout and delivers. The exit status is

0   all hosts that were reached are up to date
1   delivered, but a host has failed, or the project's checkout is older than the branch
2   not delivered, or removals are blocked: an operator must act
75  no changes, because another run is in progress

``events`` replaces this process with ansible-rulebook.
"""

# The role installs this program and prometheus_text.py into one folder. Nothing else of the
# collection is imported, because the sync must write its metrics even without a checkout, which may
# contain the collection.

from __future__ import annotations

import contextlib
import fcntl
import json
import logging.handlers
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prometheus_text import Gauge, read_samples, render

# 75 is EX_TEMPFAIL of sysexits.h.
DELIVERED, PARTLY, FAILED, BUSY = 0, 1, 2, 75
MEANINGS = {
    DELIVERED: "delivered",
    PARTLY: "delivered, with failures",
    FAILED: "not delivered, or removals are blocked",
}
METRICS = {
    "shipping_sync_last_run_timestamp_seconds": "When the last sync ended.",
    "shipping_sync_last_success_timestamp_seconds": (
        "When the last sync with exit status 0 ended. Absent before the first one."
    ),
    "shipping_sync_exit_status": (
        "Outcome of the last sync: 0 delivered, 1 delivered in part, 2 not delivered or removals"
        " blocked."
    ),
    "shipping_sync_duration_seconds": "Duration of the last sync.",
    "shipping_sync_project_current": "1 if the project's checkout is up to date with its branch.",
}
# As in plugins/plugin_utils/_delivery/delivery_answer.py, which describes the file.
ANSWER_VARIABLE, ANSWER_FORMAT = "SHIPPING_DELIVERY_ANSWER", 1
_PATIENCE = 10.0
# As in plugins/plugin_utils/_catalog/tool_sources.py, which this file cannot import where it runs.
# git sets them for its hooks. They override -C, so that git would write another repository.
_OF_A_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


def main(arguments: Sequence[str]) -> int:
    """Run the command line."""
    if len(arguments) not in (1, 2) or arguments[1:] not in ([], ["sync"], ["events"]):
        print(__doc__, file=sys.stderr)
        return FAILED
    # As an exception, so that the playbook ends too when systemd stops the service.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        settings = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        return run_events(settings) if arguments[1:] == ["events"] else sync(settings)
    except (OSError, ValueError) as error:
        print(
            f"the sync cannot run: {error}. Check {arguments[0]} and the files that it names.",
            file=sys.stderr,
        )
        return FAILED


def sync(settings: dict[str, Any]) -> int:
    """Run one sync, unless another one is in progress."""
    redirect_to_log(settings)
    # For cron. systemd's timer has a delay of its own, and jitter is 0 here.
    time.sleep(random.uniform(0, settings["jitter"]))
    with lock(Path(settings["home"]) / "lock") as handle:
        if handle is None:
            log("another run is in progress; the next run follows on schedule")
            return BUSY
        started = time.time()
        current = update_checkout(settings)
        status = FAILED if current is None else deliver(settings, handle, is_current=current)
        log(f"{MEANINGS[status]} after {time.time() - started:.0f} s")
        write_metrics(settings, status, started, is_current=bool(current))
        return status


def run_events(settings: dict[str, Any]) -> int:
    """Replace this process with ansible-rulebook."""
    with lock(Path(settings["home"]) / "lock", wait=True):
        if update_checkout(settings) is None:
            return FAILED
    os.chdir(project_folder(settings))
    return os.execve(settings["events"][0], settings["events"], environment(settings))


def log(text: str) -> None:
    """Write a line to the log, with the time if no journal adds it."""
    stamp = (
        ""
        # Set by systemd if the output is connected to the journal (systemd.exec(5)).
        if "JOURNAL_STREAM" in os.environ
        else time.strftime("%Y-%m-%dT%H:%M:%SZ ", time.gmtime())
    )
    print(f"{stamp}{text}", flush=True)


def redirect_to_log(settings: dict[str, Any]) -> None:
    """Send all output to the log file, which is rotated first if it is too large."""
    log_file = settings.get("log")
    if not log_file:
        return
    path = Path(log_file["path"])
    if path.exists() and path.stat().st_size > log_file["size"]:
        # Only its rotation is used: the programs that the sync starts write to the file directly,
        # so that no handler sees its size.
        logging.handlers.RotatingFileHandler(
            path, backupCount=log_file["keep"], delay=True
        ).doRollover()
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(handle, stream.fileno())
    os.close(handle)


@contextlib.contextmanager
def lock(path: Path, *, wait: bool = False) -> Iterator[int | None]:
    """Yield the lock's handle, or None if another run holds the lock."""
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


def project_folder(settings: dict[str, Any]) -> str:
    """Return the folder of the project."""
    return str(settings["project"] or os.path.join(settings["home"], "project"))


def environment(settings: dict[str, Any]) -> dict[str, str]:
    """Return the environment of git and Ansible.

    Secrets are files, in different folders for systemd and cron.
    """
    credentials = os.environ.get("CREDENTIALS_DIRECTORY") or settings["credentials"]
    from_settings = {
        name: value.replace("{credentials}", credentials)
        for name, value in settings["environment"].items()
    }
    # Finds programs in the same folder as Ansible, such as uv.
    path = f"{os.path.dirname(settings['command'][0])}:{os.environ.get('PATH', os.defpath)}"
    return {
        **os.environ,
        "PATH": path,
        "HOME": settings["home"],
        # git prompts for a password at the terminal, regardless of its input.
        "GIT_TERMINAL_PROMPT": "0",
        "ANSIBLE_NOCOLOR": "1",
        # Otherwise an ignored inventory, such as one with another name, would be a success.
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "true",
        **from_settings,
    }


def update_checkout(settings: dict[str, Any]) -> bool | None:
    """Return whether the checkout is up to date with the branch; None without any checkout."""
    if not settings["repository"]:
        return True
    folder = project_folder(settings)
    fetched = all(run_git(settings, folder, words) for words in git_commands(settings, folder))
    # A git server that is down must not prevent removals: the former checkout is delivered.
    if fetched:
        return True
    if not run_git(settings, folder, ["rev-parse", "--verify", "--quiet", "HEAD"]):
        log(
            f"{settings['repository']} could not be fetched, and no former checkout exists. See the"
            " output of git above."
        )
        return None
    log(
        f"{settings['repository']} could not be fetched; the former checkout is used. See the"
        " output of git above."
    )
    return False


def run_git(settings: dict[str, Any], folder: str, words: Sequence[str]) -> bool:
    """Return whether git succeeds in the checkout; the log has its errors."""
    variables = environment(settings)
    for name in _OF_A_REPOSITORY:
        variables.pop(name, None)
    try:
        done = subprocess.run(
            ["git", "-C", folder, *words],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            timeout=settings["timeout"],
            check=False,
        )
    except subprocess.TimeoutExpired:
        log(f"git {words[0]} did not end within {settings['timeout']} s")
        return False
    except OSError as error:
        log(f"git does not start: {error.strerror}")
        return False
    return done.returncode == 0


def git_commands(settings: dict[str, Any], folder: str) -> Iterator[list[str]]:
    """Yield the commands that update the checkout to the branch, from any former state."""
    if not os.path.isdir(os.path.join(folder, ".git")):
        os.makedirs(folder, exist_ok=True)
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
    # The second f also removes inner repositories, such as a submodule of a former commit.
    yield ["clean", "--quiet", "-ffdx"]


def deliver(settings: dict[str, Any], lock_handle: int, *, is_current: bool) -> int:
    """Run the playbook, and return the exit status of the sync."""
    answer_path = Path(settings["home"]) / "delivery-answer.json"
    # The lock is held until the playbook has ended, even if its sync was killed. A file that exists
    # now is therefore from an earlier run, and a file that exists afterwards is from this run.
    with contextlib.suppress(FileNotFoundError):
        answer_path.unlink()
    return_code = run_playbook(settings, lock_handle, answer_path)
    if return_code == 0:
        return DELIVERED if is_current else PARTLY
    answer = read_answer(answer_path)
    # Without an answer nothing was delivered, regardless of the playbook's status.
    return FAILED if return_code is None or answer.get("removals_blocked", True) else PARTLY


def read_answer(path: Path) -> dict[str, Any]:
    """Return the delivery's answer; empty if nothing was delivered."""
    try:
        answer = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(answer, dict) or answer.get("format") != ANSWER_FORMAT:
        return {}
    return answer


def run_playbook(settings: dict[str, Any], lock_handle: int, answer_path: Path) -> int | None:
    """Return the exit status of the playbook; None after the timeout.

    The playbook inherits the lock, and keeps it if this program is killed.
    """
    process = subprocess.Popen(
        settings["command"],
        cwd=project_folder(settings),
        env={**environment(settings), ANSWER_VARIABLE: str(answer_path)},
        stdin=subprocess.DEVNULL,
        # Its own process group, so that end_process() also ends processes that Ansible has started.
        start_new_session=True,
        pass_fds=[lock_handle],
    )
    try:
        return process.wait(settings["timeout"])
    except subprocess.TimeoutExpired:
        log(f"the playbook exceeded {settings['timeout']} s and was ended")
        return None
    finally:
        end_process(process)


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a running program and all processes that it has started."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)


def write_metrics(
    settings: dict[str, Any], status: int, started: float, *, is_current: bool
) -> None:
    """Replace the metrics of the sync, by one rename."""
    path, now = Path(settings["sync_metrics"]), time.time()
    former_success = read_samples(str(path)).get("shipping_sync_last_success_timestamp_seconds")
    values = {
        "shipping_sync_last_run_timestamp_seconds": now,
        "shipping_sync_last_success_timestamp_seconds": (
            now if status == DELIVERED else former_success
        ),
        "shipping_sync_exit_status": status,
        "shipping_sync_duration_seconds": now - started,
        "shipping_sync_project_current": is_current,
    }
    text = render(
        Gauge(name, METRICS[name], {"": value})
        for name, value in values.items()
        if value is not None
    )
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        # Prometheus' node exporter reads the file with another account; mkstemp() sets 0600.
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
    os.replace(temporary, path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
