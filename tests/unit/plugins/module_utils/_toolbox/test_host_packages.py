# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of distributions: what is installed, what is removed, and whose they are.

A stand-in answers with the words of apt 2.6 on Debian 12. tests/delivery/test_types.py has the real
apt.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox import (
    distributions,
    package_managers,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.delivery_errors import (
    PackageFailure,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.distributions import Wish
from ansible_collections.shipping.code.plugins.module_utils._toolbox.generation_model import (
    Tool,
    View,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.host_packages import (
    HostPackages,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.package_managers import (
    APT,
    DNF,
    Packages,
)

LOCKED = (
    "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 1234 (apt-get)\n"
    "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process"
    " using it?\n"
)
INTERRUPTED = (
    "E: dpkg was interrupted, you must manually run 'dpkg --configure -a' to correct the problem."
)


class Apt:
    """A stand-in for apt: a repository of names with a version and what they need."""

    def __init__(self, **repository: tuple[str, ...]) -> None:
        self.repository = {name.replace("_", "-"): about for name, about in repository.items()}
        self.there: dict[str, str] = {}
        self.auto: set[str] = set()
        self.calls: list[tuple[str, ...]] = []
        self.answers: list[str] = []
        self.is_updated = True

    def __call__(self, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        self.calls.append(tuple(words))
        if self.answers and "apt-get" in words:
            return self.answer(words, self.answers.pop(0), 100)
        names = [word for word in words[1:] if not word.startswith("-") and "::" not in word]
        what = next((word for word in ("install", "remove", "update") if word in names), words[0])
        method = getattr(self, what.replace("-", "_"))
        return method(words, [name for name in names if name not in (what, "showauto", "-f")])

    @staticmethod
    def answer(
        words: Sequence[str], output: str, code: int = 0
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(list(words), code, output)

    def dpkg_query(self, words: Sequence[str], names: list[str]) -> Any:
        known = [name for name in names if name in self.there]
        lines = [f"installed {name} {self.there[name]}\n" for name in known]
        return self.answer(words, "".join(lines))

    def apt_mark(self, words: Sequence[str], names: list[str]) -> Any:
        return self.answer(words, "".join(f"{name}\n" for name in names if name in self.auto))

    def dpkg(self, words: Sequence[str], _names: list[str]) -> Any:
        return self.answer(words, "")

    def update(self, words: Sequence[str], _names: list[str]) -> Any:
        self.is_updated = True
        return self.answer(words, "")

    def install(self, words: Sequence[str], names: list[str]) -> Any:
        lines = []
        for wish in map(Wish.parse, names):
            version, *needs = self.repository.get(wish.name, ("",))
            if not version or not self.is_updated:
                return self.answer(words, f"E: Unable to locate package {wish.name}\n", 100)
            if wish.version not in ("", version):
                text = f"E: Version '{wish.version}' for '{wish.name}' was not found\n"
                return self.answer(words, text, 100)
            added = [name for name in needs if name not in self.there]
            lines += [f"Inst {name} (1 Debian:12 [amd64])" for name in added]
            old = f"[{self.there[wish.name]}] " if wish.name in self.there else ""
            lines.append(f"Inst {wish.name} {old}({version} Debian:12 [amd64])")
            if "-s" not in words:
                self.auto.update(added)
                self.there.update(dict.fromkeys(added, "1"), **{wish.name: version})
        return self.answer(words, "\n".join(lines))

    def remove(self, words: Sequence[str], names: list[str]) -> Any:
        others = [
            name
            for name in self.there
            if set(self.repository.get(name, ())[1:]).intersection(names)
        ]
        gone = sorted({*names, *others})
        if "-s" not in words:
            for name in gone:
                self.there.pop(name)
        return self.answer(words, "".join(f"Remv {name} [1]\n" for name in gone))


def tool(*packages: str, project: str = "p") -> Tool:
    return Tool(project, packages[0], "package", "1", "", "", {}, packages=packages)


def views(*tools: Tool) -> tuple[View, ...]:
    return (View("1", "daemon", 1, tools),)


def host(tmp_path: Path, apt: Apt, *, timeout: float = 0, dry: bool = False) -> HostPackages:
    packages = Packages(APT, time.monotonic() + timeout, apt)
    return HostPackages(str(tmp_path), timeout, dry=dry, packages=packages)


def deliver(tmp_path: Path, apt: Apt, *tools: Tool, dry: bool = False) -> HostPackages:
    """What a delivery does, without the reasons of tools that are not ready."""
    delivery = host(tmp_path, apt, dry=dry)
    delivery.install(views(*tools))
    delivery.remove_others(views(*tools))
    return delivery


def reasons(delivery: HostPackages, *tools: Tool) -> list[str]:
    return [failed.reason for failed in delivery.install(views(*tools))]


def test_installed_once_and_removed_with_what_came_along(tmp_path: Path) -> None:
    apt = Apt(jq=("1.6", "libjq1"))
    first = deliver(tmp_path, apt, tool("jq=1.6"))
    assert first.as_data() == {"installed": ["jq=1.6"], "removed": []}
    assert apt.there == {"jq": "1.6", "libjq1": "1"}
    apt.calls.clear()
    assert not deliver(tmp_path, apt, tool("jq=1.6")).has_changed
    assert [call[0] for call in apt.calls] == ["dpkg-query"]
    would = deliver(tmp_path, apt, dry=True)
    assert would.removed == ["jq", "libjq1"] and apt.there
    assert deliver(tmp_path, apt).removed == ["jq", "libjq1"] and not apt.there
    assert not deliver(tmp_path, apt).has_changed


def test_one_query_for_all_packages(tmp_path: Path) -> None:
    # A dependency of yq is jq, which another tool needs, too.
    apt = Apt(jq=("1",), yq=("3", "jq"))
    tools = (tool("yq"), tool("jq"), tool("yq=3", project="q"))
    assert deliver(tmp_path, apt, *tools).installed == ["yq"]
    apt.calls.clear()
    assert not deliver(tmp_path, apt, *tools).has_changed
    assert [call[0] for call in apt.calls] == ["dpkg-query"]


def test_check_mode_installs_nothing(tmp_path: Path) -> None:
    apt = Apt(jq=("1.6",))
    would = deliver(tmp_path, apt, tool("jq"), dry=True)
    assert would.installed == ["jq"] and would.lines == ([], ["all users of this host: package jq"])
    assert not apt.there and not (tmp_path / "packages.json").exists()


def test_what_was_there_before_stays(tmp_path: Path) -> None:
    apt = Apt(jq=("1.6",))
    apt.there["jq"] = "1.6"
    assert not deliver(tmp_path, apt, tool("jq")).has_changed
    assert not deliver(tmp_path, apt).has_changed and apt.there
    # Another version of it is installed, and is still not ours to remove.
    apt.repository["jq"] = ("1.7",)
    assert deliver(tmp_path, apt, tool("jq=1.7")).installed == ["jq=1.7"]
    assert not deliver(tmp_path, apt).has_changed and apt.there == {"jq": "1.7"}


def test_what_others_need_stays(tmp_path: Path) -> None:
    apt = Apt(jq=("1.6", "libjq1"), other=("1", "libjq1"), report=("1", "jq"))
    deliver(tmp_path, apt, tool("jq"))
    apt.there |= {"other": "1"}
    # Its dependency is needed elsewhere.
    assert deliver(tmp_path, apt).removed == ["jq"] and apt.there.keys() == {"libjq1", "other"}
    deliver(tmp_path, apt, tool("jq"))
    apt.there |= {"report": "1"}
    kept = deliver(tmp_path, apt)
    assert (
        kept.notes == ["the package jq stays, since report would be removed with it"]
        and not kept.removed
    )
    apt.there.pop("report")
    assert deliver(tmp_path, apt).removed == ["jq"]
    # An administrator marks it as automatic: apt's autoremove decides.
    deliver(tmp_path, apt, tool("jq"))
    apt.auto.add("jq")
    assert not deliver(tmp_path, apt).has_changed and "jq" in apt.there
    assert json.loads((tmp_path / "packages.json").read_text()) == {}


def test_a_killed_run_knows_what_it_has_installed(tmp_path: Path) -> None:
    apt = Apt(jq=("1.6",))
    delivery = host(tmp_path, apt)

    def killed(_wishes: Any) -> None:
        apt.there["jq"] = "1.6"
        raise KeyboardInterrupt

    delivery.packages.install = killed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        delivery.install(views(tool("jq")))
    assert deliver(tmp_path, apt).removed == ["jq"]


def test_a_failure_is_of_its_tool_alone(tmp_path: Path) -> None:
    apt = Apt(jq=("1.6",), yq=("3",))
    found = reasons(
        host(tmp_path, apt), tool("no-such"), tool("jq=9"), tool("yq=3"), tool("yq=4", project="q")
    )
    assert "Unable to locate package no-such" in found[0]
    assert "Version '9' for 'jq' was not found" in found[1]
    assert found[2] == "it needs yq=4, and p needs yq=3: a host has one version of a package"
    assert len(found) == 3 and apt.there == {"yq": "3"}
    assert reasons(host(tmp_path, apt), tool("yq"), tool("yq=3", project="q"), tool("yq")) == []


def test_what_failed_is_not_reported_as_done(tmp_path: Path) -> None:
    apt = Apt(jq=("1.6",))

    def fails(_names: Any) -> None:
        raise PackageFailure("apt-get failed", "dpkg returned an error code")

    delivery = host(tmp_path, apt)
    delivery.packages.install = fails  # type: ignore[method-assign]
    (reason,) = reasons(delivery, tool("jq"))
    assert "dpkg returned an error code" in reason and not delivery.has_changed
    assert deliver(tmp_path, apt, tool("jq")).installed == ["jq"]
    removal = host(tmp_path, apt)
    removal.packages.remove = fails  # type: ignore[method-assign]
    removal.remove_others(())
    (note,) = removal.notes
    assert note.startswith("the package jq stays: ") and not removal.has_changed
    assert deliver(tmp_path, apt).removed == ["jq"]


def test_the_version_of_the_first_project(tmp_path: Path) -> None:
    """By its name: which user comes first differs from host to host."""
    apt = Apt(jq=("1.6",))
    users = (
        View("1", "ada", 1, (tool("jq=1.5", project="q"),)),
        View("2", "bob", 2, (tool("jq=1.6"),)),
    )
    found = host(tmp_path, apt).install(users)
    assert [(failed.view.name, failed.reason.partition(":")[0]) for failed in found] == [
        ("ada", "it needs jq=1.5, and p needs jq=1.6")
    ]
    assert apt.there == {"jq": "1.6"}


def test_old_lists_are_read_again(tmp_path: Path) -> None:
    apt = Apt(jq=("1.6",))
    apt.is_updated = False
    assert reasons(host(tmp_path, apt), tool("jq")) == [] and apt.there == {"jq": "1.6"}


def test_a_name_that_is_a_pattern(tmp_path: Path) -> None:
    apt = Apt(jq=("1.6",))
    answer = "Inst jq (1 Debian:12 [amd64])\nInst jp (1 Debian:12 [amd64])\n"
    apt.install = lambda words, names: apt.answer(words, answer)  # type: ignore[method-assign]
    assert reasons(host(tmp_path, apt), tool("j.")) == [
        "no package is called j.; it would add jq, jp"
    ]


def test_a_lock_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package_managers, "_LOOK_EVERY", 0.01)
    monkeypatch.setattr(package_managers, "_NOTED_AFTER", 0.0)
    apt = Apt(jq=("1.6",))
    apt.answers = [LOCKED, LOCKED]
    delivery = host(tmp_path, apt, timeout=60)
    assert reasons(delivery, tool("jq")) == [] and apt.there
    assert delivery.notes == ["waited 0 s for the lock of apt, which process 1234 (apt-get) held"]
    apt.answers = [LOCKED]
    removal = host(tmp_path, apt, timeout=60)
    removal.remove_others(())
    assert not apt.there and removal.notes == delivery.notes
    apt.answers = [LOCKED]
    (reason,) = reasons(host(tmp_path, apt), tool("jq=1.7"))
    assert "process 1234 (apt-get) holds its lock, and 0 s have passed" in reason


def test_an_interrupted_dpkg_is_repaired(tmp_path: Path) -> None:
    apt = Apt(jq=("1.6",))
    delivery = host(tmp_path, apt)
    delivery.packages.added([Wish("jq")])
    apt.answers = [INTERRUPTED]
    delivery.packages.install([Wish("jq")])
    assert apt.there == {"jq": "1.6"}
    repair = ("dpkg", "--force-confdef", "--force-confold", "--configure", "-a")
    assert repair in apt.calls


# As dnf 4.14 prints them with --assumeno.
DNF_INSTALL = """\
Last metadata expiration check: 0:00:01 ago on Mon Nov 30 16:00:00 2026.
Dependencies resolved.
================================================================================
 Package          Architecture     Version              Repository         Size
================================================================================
Installing:
 jq               noarch           1.6-1                local             6.1 k
Installing dependencies:
 oniguruma        noarch           6.9-1                local             6.0 k

Transaction Summary
================================================================================
Install  2 Packages

Operation aborted.
"""


def test_the_table_of_dnf() -> None:
    assert DNF.added(DNF_INSTALL) == ["jq", "oniguruma"]
    assert DNF.removed(DNF_INSTALL) == []
    assert DNF.removed(DNF_INSTALL.replace("Installing:", "Removing:")) == ["jq"]
    assert DNF.spec(Wish("jq", "1.6-1")) == "jq-1.6-1" and DNF.spec(Wish("jq")) == "jq"


def test_the_closest_name_of_a_distribution() -> None:
    names = distributions.names('ID=ubuntu\nID_LIKE="debian"\nVERSION_ID="24.04"\n# x\n')
    assert names == ("ubuntu-24.04", "ubuntu", "debian")
    assert distributions.names("") == ("linux",)
    packages = {"debian": [{"name": "jq"}], "ubuntu": [{"name": "jq", "version": "1.7-1"}]}
    assert distributions.packages_for(packages, names) == ("jq=1.7-1",)
    assert distributions.packages_for(packages, ("fedora-42", "fedora")) == ()
