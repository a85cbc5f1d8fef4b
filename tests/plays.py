# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Start Ansible's programs from a process that has imported them already.

To import Ansible, and to pack a module for its host, takes about half of the processor time of a
small play, and the tests run thousands of them. So a server imports what plays need, and each play
is a fork of it: a session, an environment, a folder and streams of its own, as if it were started.
Settings that Ansible reads at import (ANSIBLE_*, except those of ``_LATE``) are the server's; for
other values there is another server. What is packed once is in the cache that Ansible has for that,
and all plays of a server share it. Ansible polls its workers a thousand times a second whether they
have ended, which takes 6 % of a processor for each play that waits; here it polls less often.

``SHIPPING_TEST_PLAYS=exec`` starts each play as a program of its own.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

PROGRAMS = {
    "ansible": ("ansible.cli.adhoc", "AdHocCLI"),
    "ansible-inventory": ("ansible.cli.inventory", "InventoryCLI"),
    "ansible-playbook": ("ansible.cli.playbook", "PlaybookCLI"),
}
# What Ansible reads when it needs it, or what a play is given in _become.
_LATE = {
    "ANSIBLE_HOME",
    "ANSIBLE_PYTHON_INTERPRETER",
    "ANSIBLE_REMOTE_TMP",
    "ANSIBLE_SSH_CONTROL_PATH_DIR",
}
_LIBRARIES = ("docker", "kubernetes.client", "ldap3", "requests")
_EXECUTORS = ("module_common", "playbook_executor", "task_queue_manager")
# What plays take of Ansible's own plugins: their options are in YAML, and reading it takes half of
# what an empty play takes.
_PLUGINS = {
    "action": ("command", "copy", "debug", "include_role", "normal", "set_fact"),
    "become": ("sudo",),
    "cache": ("memory",),
    "callback": ("default", "minimal"),
    "connection": ("local", "ssh"),
    "inventory": ("auto", "host_list", "ini", "script", "toml", "yaml"),
    "shell": ("sh",),
    "strategy": ("linear",),
}
_POLL_INTERVAL = 0.02
_MESSAGE = 1 << 20
_STATUS = struct.Struct("i")


class Play:
    """A play under way, with the methods of ``subprocess.Popen`` that the tests use."""

    def __init__(self, pid: int, status: int) -> None:
        """Take the pid, and a file that its exit status comes through."""
        self.pid = pid
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        """Return the exit status; None while it runs."""
        return self._exit_status(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit status."""
        status = self._exit_status(timeout)
        if status is None:
            raise subprocess.TimeoutExpired("play", timeout or 0)
        return status

    def _exit_status(self, timeout: float | None) -> int | None:
        if self.returncode is None and select.select([self._status], [], [], timeout)[0]:
            packed = os.read(self._status, _STATUS.size)
            os.close(self._status)
            # Without a status, the server has died, and the play with it.
            status = _STATUS.unpack(packed)[0] if packed else signal.SIGKILL
            self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


class PlayServer:
    """The process that plays are forks of, for one set of settings."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Start it; it ends with this process."""
        self.home = tempfile.mkdtemp(prefix="plays-")
        self.socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (self.socket, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MESSAGE)
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        # In a folder that has no ansible.cfg.
        self.process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(theirs.fileno())],
            env={**kept, **settings, "HOME": self.home},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        atexit.register(self.stop)

    def start(self, request: Mapping[str, Any], output: int, errors: int) -> Play:
        """Start a play."""
        ours, theirs = os.pipe()
        socket.send_fds(self.socket, [json.dumps(request).encode()], [output, errors, theirs])
        os.close(theirs)
        packed = os.read(ours, _STATUS.size)
        if not packed:
            raise RuntimeError("the server of plays has died")
        return Play(_STATUS.unpack(packed)[0], ours)

    def stop(self) -> None:
        """End it; plays under way continue."""
        self.socket.close()
        self.process.wait()
        shutil.rmtree(self.home, ignore_errors=True)


_servers: dict[tuple[tuple[str, str], ...], PlayServer] = {}


def start(
    words: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdout: IO[Any],
    stderr: IO[Any] | None = None,
) -> Play | subprocess.Popen[bytes]:
    """Start one of Ansible's programs; its output is written to files."""
    errors = stderr or stdout
    if not _can_fork(words, env, cwd):
        return subprocess.Popen(
            words,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=errors,
            start_new_session=True,
        )
    settings = {
        name: value
        for name, value in env.items()
        if (name.startswith("ANSIBLE_") and name not in _LATE) or name == "LANG"
    }
    key = tuple(sorted(settings.items()))
    if key not in _servers:
        _servers[key] = PlayServer(settings)
    request = {"words": list(words), "env": dict(env), "cwd": str(cwd)}
    return _servers[key].start(request, stdout.fileno(), errors.fileno())


def run(
    words: Sequence[str], *, env: Mapping[str, str], cwd: Path, timeout: float
) -> subprocess.CompletedProcess[str]:
    """Run one of Ansible's programs to its end, as ``subprocess.run`` with captured text does."""
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        play = start(words, env=env, cwd=cwd, stdout=output, stderr=errors)
        try:
            status = play.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(play.pid, signal.SIGKILL)
            raise
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess(list(words), status, output.read(), errors.read())


def _can_fork(words: Sequence[str], env: Mapping[str, str], cwd: Path) -> bool:
    """Return whether a program is of this Python, and takes no settings or code of its own."""
    program = Path(words[0])
    return (
        program.name in PROGRAMS
        and program.parent == Path(sys.executable).parent
        and not {"ANSIBLE_CONFIG", "PYTHONPATH"} & set(env)
        and not (cwd / "ansible.cfg").exists()
        and os.environ.get("SHIPPING_TEST_PLAYS") != "exec"
    )


def serve(requests: socket.socket) -> None:
    """Fork a play for each request, and report how each ends, until the connection is closed."""
    packed = _prepare()
    woken, wake = socket.socketpair()
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno())
    signal.signal(signal.SIGCHLD, lambda _signal, _frame: None)
    playing: dict[int, int] = {}
    while True:
        ready = select.select([requests, woken], [], [])[0]
        if woken in ready:
            woken.recv(1024)
            _report(playing)
        if requests not in ready:
            continue
        message, files, _flags, _address = socket.recv_fds(requests, _MESSAGE, 3)
        if not message:
            return
        output, errors, status = files
        pid = os.fork()
        if not pid:
            signal.set_wakeup_fd(-1)
            for file in (
                requests.detach(),
                woken.detach(),
                wake.detach(),
                status,
                *playing.values(),
            ):
                os.close(file)
            _run_play(json.loads(message), output, errors, packed)
        playing[pid] = status
        os.write(status, _STATUS.pack(pid))
        os.close(output)
        os.close(errors)


def _prepare() -> Path:
    """Import what plays need; return the folder for modules that are packed once for all."""
    from ansible import constants as C
    from ansible.plugins import loader
    from ansible.utils.path import cleanup_tmp_file

    for module, _name in PROGRAMS.values():
        importlib.import_module(module)
    for name in (*(f"ansible.executor.{name}" for name in _EXECUTORS), *_LIBRARIES):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for kind, names in _PLUGINS.items():
        for name in names:
            getattr(loader, f"{kind}_loader").get(name, class_only=True)
    vars(C).update(DEFAULT_INTERNAL_POLL_INTERVAL=_POLL_INTERVAL)
    # Each play removes what is its own.
    atexit.unregister(cleanup_tmp_file)
    packed = Path(C.DEFAULT_LOCAL_TMP) / "ansiballz_cache"  # type: ignore[attr-defined]
    packed.mkdir()
    # What never changes stays shared with the forks.
    gc.freeze()
    return packed


def _report(playing: dict[int, int]) -> None:
    """Pass on the exit statuses of plays that have ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            file = playing.pop(pid)
            with contextlib.suppress(BrokenPipeError):
                os.write(file, _STATUS.pack(status))
            os.close(file)


def _run_play(request: Mapping[str, Any], output: int, errors: int, packed: Path) -> None:
    """Be a program that has just been started, run it, and end as it does."""
    from ansible import constants as C

    status = 250
    try:
        os.setsid()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(output, 1)
        os.dup2(errors, 2)
        os.close(output)
        os.close(errors)
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        time.tzset()
        home = os.environ.get("ANSIBLE_HOME") or os.path.expanduser("~/.ansible")
        tmp = _local_tmp(Path(home) / "tmp", packed)
        # Settings of a process's own, which Ansible makes at import.
        vars(C).update(ANSIBLE_HOME=home, DEFAULT_LOCAL_TMP=str(tmp))
        words = request["words"]
        sys.argv = list(words)
        module, name = PROGRAMS[Path(words[0]).name]
        program = getattr(importlib.import_module(module), name)
        try:
            program.cli_executor(words)
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        atexit._run_exitfuncs()
        shutil.rmtree(tmp, ignore_errors=True)
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(status)


def _local_tmp(top: Path, packed: Path) -> Path:
    """Return a folder for a play's files as Ansible makes one, which shares the packed modules."""
    top.mkdir(mode=0o700, parents=True, exist_ok=True)
    tmp = Path(tempfile.mkdtemp(prefix=f"ansible-local-{os.getpid()}", dir=top))
    (tmp / "ansiballz_cache").symlink_to(packed)
    return tmp


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
