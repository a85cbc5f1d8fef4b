# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of the test bed: a network namespace with an address of its own, and processes in it.

Everything that a machine is can be found again from its folder, so that it can be taken down by a
later command, also after this one was killed. Needs root; touches nothing that it did not make.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

NETNS = Path("/run/netns")
CGROUPS = Path("/sys/fs/cgroup")


def checkout_of(root: Path) -> str:
    """Return what names carry of the checkout that started something: two may share a host."""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:5]


CHECKOUT = checkout_of(Path(__file__).parents[2])
PREFIX, LINK = f"shipping-{CHECKOUT}-", f"sc{CHECKOUT}"


def cache() -> Path:
    """Return where long builds and private engines are kept."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = Path(base) / "shipping.code"
    path.mkdir(parents=True, exist_ok=True)
    return path


def machines() -> Path:
    """Return the folder with the data of the machines that this checkout started."""
    return cache() / "machines" / CHECKOUT


@contextlib.contextmanager
def exclusive_lock(what: str, folder: Path | None = None) -> Iterator[None]:
    """Do something that only one process at a time may do.

    By default, these are the processes that share the cache.
    """
    with ((folder or cache()) / f"{what}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def run(*command: str | Path, **options: object) -> str:
    """Run a command to its end and return what it printed; its errors are in the exception."""
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, **options
    )  # type: ignore[call-overload]
    if done.returncode:
        raise RuntimeError(
            f"{' '.join(map(str, command))} failed with {done.returncode}:"
            f" {done.stderr.strip() or done.stdout.strip()}"
        )
    return str(done.stdout)


def free_port() -> int:
    """Return a port of this host's loopback that no process listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Machine:
    """One machine. ``folder`` holds its data; ``number`` chooses its addresses."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        self.name = name
        self.netns = f"{PREFIX}{name}"
        # The kernel takes 15 characters.
        self.link = f"{LINK}{hashlib.sha256(name.encode()).hexdigest()[:8]}"
        self.folder = folder or machines() / name
        self.runtime = Path("/run") / self.netns
        self.folder.mkdir(parents=True, exist_ok=True)

    @property
    def exists(self) -> bool:
        """Return whether its namespace is there."""
        return (NETNS / self.netns).exists()

    @property
    def number(self) -> int:
        """Return what distinguishes its addresses from those of other machines."""
        return int((self.folder / "number").read_text())

    @property
    def address(self) -> str:
        """Its address, as seen from here."""
        return f"10.231.{self.number}.2"

    @property
    def gateway(self) -> str:
        """The address of this side of its cable."""
        return f"10.231.{self.number}.1"

    def up(self) -> None:
        """Make the namespace with its cable to here."""
        if self.exists:
            return
        # Addresses are the whole host's: checkouts with other caches take some, too.
        with exclusive_lock("shipping.code-addresses", Path("/run/lock")):
            (self.folder / "number").write_text(str(_free_number()))
            run("ip", "netns", "add", self.netns)
            run(
                "ip",
                "link",
                "add",
                self.link,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                self.netns,
            )
            run("ip", "addr", "add", f"{self.gateway}/30", "dev", self.link)
        run("ip", "link", "set", self.link, "up")
        for command in (
            ("addr", "add", f"{self.address}/30", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", self.gateway),
        ):
            run("ip", "-n", self.netns, *command)
        self.runtime.mkdir(exist_ok=True)
        # Without a name server, so that an unknown registry is known to be unknown at once.
        (self.folder / "resolv.conf").write_text(
            "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"
        )

    def connect(self, other: Machine) -> None:
        """Lay a cable to another machine.

        The computer that both are on may not pass on what is not for itself.
        """
        ends = ((self, other, f"10.232.{self.number}.1"), (other, self, f"10.232.{self.number}.2"))
        run(
            "ip",
            "-n",
            self.netns,
            "link",
            "add",
            f"to{other.number}",
            "type",
            "veth",
            "peer",
            "name",
            f"to{self.number}",
            "netns",
            other.netns,
        )
        for machine, peer, address in ends:
            run(
                "ip", "-n", machine.netns, "addr", "add", f"{address}/30", "dev", f"to{peer.number}"
            )
            run("ip", "-n", machine.netns, "link", "set", f"to{peer.number}", "up")
        for machine, peer, address in ends:
            run(
                "ip",
                "-n",
                machine.netns,
                "route",
                "add",
                f"{peer.address}/32",
                "dev",
                f"to{peer.number}",
                "src",
                address,
            )

    def start(self, name: str, command: str, *, isolated: bool = True) -> int:
        """Start a daemon in the machine; it logs to ``<name>.log``. Return its pid."""
        private = ["unshare", "--mount", "--uts", "--propagation", "slave"] if isolated else []
        prepare = (
            f"hostname {self.name} && mount --bind {self.folder}/resolv.conf /etc/resolv.conf && "
            if isolated
            else ""
        )
        words = [
            "nsenter",
            f"--net={NETNS / self.netns}",
            *private,
            "sh",
            "-c",
            f"{prepare}exec {command}",
        ]
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        (self.folder / f"{name}.pid").write_text(f"{process.pid} {_start_time(process.pid)}")
        return process.pid

    def pid(self, name: str) -> int | None:
        """Return the pid of a daemon that runs, else None."""
        with contextlib.suppress(OSError, ValueError):
            pid, born = (self.folder / f"{name}.pid").read_text().split()
            if _start_time(int(pid)) == born:
                return int(pid)
        return None

    @contextlib.contextmanager
    def paused(self, name: str) -> Iterator[None]:
        """Let a daemon do nothing: connections are accepted by the kernel, and never answered."""
        pid = self.pid(name)
        if pid is None:
            raise RuntimeError(f"{name} does not run on {self.name}")
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def stop(self, name: str, patience: float = 20) -> None:
        """Stop a daemon and wait for its end; kill it when it takes too long."""
        pid = self.pid(name)
        if pid is None:
            return
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + patience
        while self.pid(name) and time.monotonic() < deadline:
            _reap(pid)
            time.sleep(0.05)
        if self.pid(name):
            os.kill(pid, signal.SIGKILL)
            _reap(pid)

    def kill(self, name: str, spare: list[str]) -> None:
        """End a daemon and everything that it started at once.

        ``spare`` names the daemons that keep running.
        """
        spared = {self.pid(other) for other in spare}
        for _attempt in range(100):
            left = [pid for pid in {self.pid(name), *self._left()} if pid and pid not in spared]
            if not left:
                self._clear_runtime()
                return
            _kill_all(left)
            time.sleep(0.05)
        raise RuntimeError(f"{name} on {self.name} does not end")

    def down(self, *, keep_folder: bool = False) -> None:
        """Remove everything of the machine."""
        for file in self.folder.glob("*.pid"):
            self.stop(file.stem)
        for _attempt in range(50):
            left = list(self._left())
            _kill_all(left)
            if not left:
                break
            time.sleep(0.1)
        if self.exists:
            with contextlib.suppress(RuntimeError):
                run("ip", "link", "del", self.link)
            run("ip", "netns", "del", self.netns)
        self._clear_runtime()
        if not keep_folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _left(self) -> Iterator[int]:
        """Return the processes in the machine's namespace, or made by its engine."""
        if self.exists:
            yield from map(int, run("ip", "netns", "pids", self.netns).split())
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if (
                    entry.name.isdigit()
                    and f"{self.runtime}/".encode() in (entry / "cmdline").read_bytes()
                ):
                    yield int(entry.name)
        for group in CGROUPS.glob(f"*/{self.netns}/**/cgroup.procs"):
            with contextlib.suppress(OSError):
                yield from map(int, group.read_text().split())

    def _clear_runtime(self) -> None:
        """Remove what does not outlive a power cut."""
        self._unmount()
        self._remove_cgroups()
        shutil.rmtree(self.runtime, ignore_errors=True)

    def _unmount(self) -> None:
        mounts = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
        for mount in sorted(mounts, reverse=True):
            if mount.startswith((f"{self.folder}/", f"{self.runtime}/")):
                subprocess.run(["umount", "--lazy", mount], check=False)

    def _remove_cgroups(self) -> None:
        for top in CGROUPS.glob(f"*/{self.netns}"):
            for group, _folders, _files in os.walk(top, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(group)


def _free_number() -> int:
    used = run("ip", "-4", "-o", "addr")
    return next(number for number in range(1, 250) if f" 10.231.{number}." not in used)


def _start_time(pid: int) -> str:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    return ""


def _kill_all(pids: list[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _reap(pid)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
