# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The package managers of hosts: apt (tried with 2.6) and dnf (4.14), without any prompt."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from .._core.errors import os_words
from .delivery_errors import PackageFailure
from .distributions import Wish

_TIMEOUT = 1800
_NOTED_AFTER = 5.0
_LOOK_EVERY = 1.0
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    # Words of the package manager are read below.
    "LC_ALL": "C.UTF-8",
    "HOME": "/root",
    "DEBIAN_FRONTEND": "noninteractive",
    "APT_LISTCHANGES_FRONTEND": "none",
    # needrestart only lists what should be restarted.
    "NEEDRESTART_MODE": "l",
}


Runner = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


class PackageManager(NamedTuple):
    """The commands of one package manager, and how their output is read."""

    name: str
    query: tuple[str, ...]
    """Prints a line for each installed package: its name and its versions."""
    install: tuple[str, ...]
    remove: tuple[str, ...]
    simulate: str
    refresh: tuple[str, ...]
    repair: tuple[str, ...]
    """Finishes what a killed run has begun."""
    spec: Callable[[Wish], str]
    added: Callable[[str], list[str]]
    """From what a simulation prints to the packages that are new."""
    removed: Callable[[str], list[str]]
    automatic: tuple[str, ...]
    """Prints which packages were installed for others alone."""


_LOCKED = re.compile(
    r"Could not get lock \S+ It is held by (process \d+ \(\S*\))|Could not get lock"
    r"|Failed to obtain the transaction lock"
)
_NOT_FOUND = re.compile(
    r"Unable to locate package|Version '.*' for '.*' was not found|has no installation candidate"
    r"|Unable to find a match|No match for argument"
)
_INTERRUPTED = "dpkg was interrupted"


def _of_apt(word: str) -> Callable[[str], list[str]]:
    # "Inst jq (1.6-2.1 Debian:12 [amd64])"; one in brackets before that is the version it replaces.
    pattern = re.compile(rf"^{word} ([^ ]+) (?!\[.*\] \()", re.MULTILINE)
    return pattern.findall


def _of_dnf(*headings: str) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        """Return the first words of the lines below a heading of a transaction's table."""
        names, is_below = [], False
        for line in text.splitlines():
            if not line.startswith(" "):
                is_below = line.rstrip(":").lower() in headings
            elif is_below:
                names.append(line.split()[0])
        return names

    return read


_APT = ("apt-get", "-y", "-q", "-o", "Dpkg::Use-Pty=0")
_KEEP_SETTINGS = (
    *("-o", "Dpkg::Options::=--force-confdef"),
    *("-o", "Dpkg::Options::=--force-confold"),
)
# dnf waits for its lock without an end otherwise.
_DNF = ("dnf", "-y", "--setopt=exit_on_lock=True")

APT = PackageManager(
    "apt",
    ("dpkg-query", "-W", "-f", "${db:Status-Status} ${Package} ${Version}\\n"),
    # Nothing else leaves the host for a tool.
    (*_APT, *_KEEP_SETTINGS, "install", "--no-remove"),
    (*_APT, *_KEEP_SETTINGS, "remove"),
    "-s",
    (*_APT, "update"),
    ("dpkg", "--force-confdef", "--force-confold", "--configure", "-a"),
    str,
    _of_apt("Inst"),
    re.compile(r"^(?:Remv|Purg) ([^ ]+)", re.MULTILINE).findall,
    ("apt-mark", "showauto"),
)
DNF = PackageManager(
    "dnf",
    (
        *("rpm", "-q", "--qf"),
        "installed %{NAME} %{VERSION} %{VERSION}-%{RELEASE} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n",
    ),
    (*_DNF, "install"),
    (*_DNF, "remove", "--noautoremove"),
    "--assumeno",
    (*_DNF, "makecache"),
    (),
    lambda wish: "-".join(filter(None, wish)),
    _of_dnf("installing", "installing dependencies", "installing weak dependencies"),
    _of_dnf("removing", "removing dependent packages", "removing unused dependencies"),
    (*("dnf", "-q", "repoquery", "--installed"), "--qf", "%{name} %{reason}\\n"),
)


def of_host() -> PackageManager:
    """Return the package manager of this host."""
    for program, manager in (("dpkg-query", APT), ("dnf", DNF)):
        if shutil.which(program, path=_ENVIRONMENT["PATH"]):
            return manager
    raise PackageFailure("packages cannot be installed", "this host has neither apt nor dnf")


def run(words: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program of the package manager without a terminal."""
    try:
        # run_command of AnsibleModule knows no timeout.
        return subprocess.run(  # pylint: disable=ansible-bad-function
            list(words),
            env=_ENVIRONMENT,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PackageFailure(f"{words[0]} failed", f"it did not end within {_TIMEOUT} s") from error
    except OSError as error:
        raise PackageFailure(f"{words[0]} does not start", os_words(error)) from error


class Packages:
    """The packages of this host. Locks of others are waited for until the deadline."""

    def __init__(self, manager: PackageManager, deadline: float, runner: Runner = run) -> None:
        self.manager, self.deadline, self.runner = manager, deadline, runner
        self.notes: list[str] = []

    def installed(self, names: Collection[str]) -> dict[str, list[str]]:
        """Return the forms of the installed versions by name."""
        lines = self.runner([*self.manager.query, *sorted(names)]).stdout.splitlines()
        rows = [line.split() for line in lines if line.startswith("installed ")]
        return {row[1]: row[2:] for row in rows}

    def automatic(self, names: Collection[str]) -> set[str]:
        """Return the packages that are on the host only because others need them."""
        if not names:
            return set()
        lines = self.runner([*self.manager.automatic, *sorted(names)]).stdout.splitlines()
        rows = [line.split() for line in lines]
        # apt prints names alone; dnf prints the reason: user, dependency, weak-dependency.
        return {row[0] for row in rows if row and (len(row) == 1 or row[1] != "user")}

    def added(self, wishes: Collection[Wish]) -> list[str]:
        """Return the packages that an installation would add."""
        words = [*self.manager.install, self.manager.simulate, *map(self.manager.spec, wishes)]
        done = self._do(words, is_simulation=True)
        if _NOT_FOUND.search(done.stdout):
            # The lists of the repositories may be older than the version.
            self._do(self.manager.refresh)
            done = self._do(words, is_simulation=True)
        self._check(done, words, is_simulation=True)
        return self.manager.added(done.stdout)

    def install(self, wishes: Collection[Wish]) -> None:
        """Install packages."""
        words = [*self.manager.install, *map(self.manager.spec, wishes)]
        self._check(self._do(words), words)

    def removed(self, names: Collection[str]) -> list[str]:
        """Return the packages that would be removed with these."""
        words = [*self.manager.remove, self.manager.simulate, *sorted(names)]
        done = self._do(words, is_simulation=True)
        self._check(done, words, is_simulation=True)
        return self.manager.removed(done.stdout)

    def remove(self, names: Collection[str]) -> None:
        """Remove packages; their settings in /etc stay."""
        words = [*self.manager.remove, *sorted(names)]
        self._check(self._do(words), words)

    def _do(
        self, words: Sequence[str], *, is_simulation: bool = False
    ) -> subprocess.CompletedProcess[str]:
        done = self._waiting(words)
        # Such as by a delivery that was killed.
        if _INTERRUPTED in done.stdout and not is_simulation:
            self.runner(self.manager.repair)
            done = self._waiting(words)
        return done

    def _waiting(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        """Run it again until no other process holds the lock of the package manager."""
        begun, holder = time.monotonic(), ""
        while True:
            done = self.runner(words)
            locked = _LOCKED.search(done.stdout) if done.returncode else None
            waited = time.monotonic() - begun
            if not locked:
                if holder and waited >= _NOTED_AFTER:
                    self.notes.append(
                        f"waited {waited:.0f} s for the lock of {self.manager.name}, which {holder}"
                        " held"
                    )
                return done
            holder = locked[1] or "another process"
            if time.monotonic() >= self.deadline:
                raise PackageFailure(
                    f"{self.manager.name} cannot be used",
                    f"{holder} holds its lock, and {waited:.0f} s have passed",
                    "Wait for it, or raise lock_timeout",
                )
            time.sleep(_LOOK_EVERY)

    def _check(
        self,
        done: subprocess.CompletedProcess[str],
        words: Sequence[str],
        *,
        is_simulation: bool = False,
    ) -> None:
        # dnf --assumeno ends with 1 after it has shown the transaction.
        if done.returncode == 0 or (is_simulation and "Operation aborted" in done.stdout):
            return
        lines = list(_errors(done.stdout)) or done.stdout.strip().splitlines()[-3:]
        raise PackageFailure(
            f"{words[0]} failed", "; ".join(lines) or f"exit code {done.returncode}"
        )


def _errors(text: str) -> Iterator[str]:
    for line in text.splitlines():
        match = re.match(r"(?:E|Error): ?(.*)|(No match for argument: .*)", line)
        if match and (match[1] or match[2]):
            yield (match[1] or match[2]).strip()
