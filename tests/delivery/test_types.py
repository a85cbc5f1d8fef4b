# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Test each type on a real host: first, again, changed, again, removed."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import lzma
import os
import shlex
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from backports import zstd

from tests.testbed.wheel_files import lock_of, wheel
from tests.unit.plugins.module_utils._toolbox.archives import archive
from tests.unit.plugins.plugin_utils._catalog.minisign_samples import KEY, SIGNATURES, TOOL

from .fleet import OPT, Fleet, sha256

pytestmark = pytest.mark.long

Tools = dict[str, Any]
PC, USER = "pc1.example.com", "bob"


def says(text: str) -> bytes:
    return f"#!/bin/sh\necho {text}\n".encode()


def script(fleet: Fleet, version: str) -> Tools:
    fleet.catalog_of("p", {}, **{"t.sh": says(version)})
    return {"type": "script", "file": "p/t.sh", "commands": ["t"]}


def binary(fleet: Fleet, version: str) -> Tools:
    fleet.catalog_of("p", {}, **{f"t{version}": says(version)})
    return {
        "type": "binary",
        "url": (fleet.catalog / "p" / f"t{version}").as_uri(),
        "sha256": sha256(says(version)),
    }


def archived(fleet: Fleet, version: str) -> Tools:
    packed = archive((f"t-{version}/bin/t", says(version)))
    fleet.catalog_of("p", {}, **{"t.tar.gz": packed})
    return {
        "type": "archive",
        "file": "p/t.tar.gz",
        "sha256": sha256(packed),
        "strip": 1,
        "commands": {"t": "bin/t"},
    }


def env(fleet: Fleet, version: str) -> Tools:
    return {"type": "env", "variables": {"T": version}}


def file(fleet: Fleet, version: str) -> Tools:
    fleet.catalog_of("p", {}, conf=version.encode())
    return {"type": "file", "file": "p/conf", "path": "conf/t"}


def git(fleet: Fleet, version: str) -> Tools:
    repository = fleet.home / "repository"
    (repository / "bin").mkdir(parents=True, exist_ok=True)
    (repository / "bin" / "t").write_bytes(says(version))
    who = ("-c", "user.name=t", "-c", "user.email=t@example.com")
    for words in (
        ("init", "--quiet"),
        ("add", "."),
        (*who, "commit", "--quiet", "--message", version),
    ):
        subprocess.run(["git", "-C", str(repository), *words], check=True)
    commit = subprocess.run(
        ["git", "-C", str(repository), "rev-parse", "HEAD"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    return {"type": "git", "repository": str(repository), "commit": commit, "commands": ["bin/t"]}


def python(fleet: Fleet, version: str) -> Tools:
    folder = fleet.catalog / "p" / f"wheels{version}"
    folder.mkdir(parents=True, exist_ok=True)
    path = wheel(folder, "t", version, f"def main():\n    print('{version}')\n")
    fleet.catalog_of("p", {}, **{"lock.txt": lock_of("t", version, path).encode()})
    return {
        "type": "python",
        "lock": "p/lock.txt",
        "wheels": f"p/wheels{version}",
        "commands": ["t"],
    }


def locked(fleet: Fleet, version: str) -> None:
    """Write a lock of npm with two packages, and their tarballs."""
    packages: dict[str, Any] = {"": {"dependencies": {"t": version}}}
    for name, file, text in (
        ("t", "t.js", "#!/usr/bin/env node\nconsole.log(require('dep'))\n"),
        ("dep", "index.js", f"module.exports = '{version}'\n"),
    ):
        packed = archive((f"package/{file}", text.encode()))
        fleet.catalog_of("p", {}, **{f"{name}-{version}.tgz": packed})
        integrity = base64.b64encode(hashlib.sha512(packed).digest()).decode()
        packages[f"node_modules/{name}"] = {"version": version, "integrity": f"sha512-{integrity}"}
    packages["node_modules/t"]["bin"] = {"t": "t.js"}
    lock = {"lockfileVersion": 3, "packages": packages}
    fleet.catalog_of("p", {}, **{"package-lock.json": json.dumps(lock).encode()})


def npm(fleet: Fleet, version: str) -> Tools:
    node = shutil.which("node")
    if not node:
        pytest.skip("needs node, which CI's machines have")
    locked(fleet, version)
    return {
        "type": "npm",
        "package_lock": "p/package-lock.json",
        "tarballs": "p",
        "node": os.path.realpath(node),
        "commands": ["t"],
        "self_test": ["t"],
    }


ASK = {"env": "bash -lc 'echo $T'", "file": f"cat {OPT}/current/users/{USER}/share/p/conf/t"}
TYPES: dict[str, Callable[[Fleet, str], Tools]] = {
    "script": script,
    "binary": binary,
    "archive": archived,
    "env": env,
    "file": file,
    "git": git,
    "python": python,
    "npm": npm,
}


@pytest.mark.parametrize("type_name", TYPES)
def test_each_type(fleet: Fleet, type_name: str):
    fleet.projects = {"p": {USER}}
    ask = ASK.get(type_name, "t")
    for version in ("1", "2"):
        tool = {"version": version, **TYPES[type_name](fleet, version)}
        fleet.catalog_of("p", {"t": tool})
        done = fleet.deliver("--limit", PC)
        assert done.ok and done.changed == {PC}, done.output
        assert fleet.says(PC, USER, ask) == (0, version), done.output
        again = fleet.deliver("--limit", PC)
        assert again.ok and again.changed == set(), again.output
    fleet.projects = {"p": set()}
    assert fleet.deliver("--limit", PC).ok
    assert fleet.says(PC, USER, ask) != (0, "2") and fleet.objects(PC) == set()


def packed_tar(*members: tuple[str, bytes, int]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as content:
        for name, data, mode in members:
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), mode
            content.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of_windows(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        for name, data in files.items():
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 0, 0x20
            content.writestr(info, data)
    return buffer.getvalue()


def test_as_it_is_published(fleet: Fleet):
    """Compressed, signed, by a template, from Windows: one run, which rejects one tool."""
    fleet.projects = {"p": {USER}}
    single, small = lzma.compress(says("xz")), zstd.compress(says("zst"))
    tar = zstd.compress(
        packed_tar(("t-1/tar", says("tar"), 0o755), ("t-1/ping", says("ping"), 0o4755))
    )
    windows = zip_of_windows(
        win=b'#!/bin/sh\n"$(dirname "$(realpath "$0")")/inner"\n', inner=says("windows")
    )
    base = (fleet.catalog / "p").as_uri()
    signed = {"minisign": {"key": KEY, "file": "p/signed.minisig"}}
    files = {
        "xz-1-amd64.xz": single,
        "zst.zst": small,
        "t.tar.zst": tar,
        "win.zip": windows,
        "signed": TOOL,
        "signed.minisig": SIGNATURES["prehashed"].encode(),
    }
    tools = {
        "xz": {
            "type": "binary",
            "url": f"{base}/xz-{{version}}-{{arch}}.xz",
            "sha512": hashlib.sha512(single).hexdigest(),
            "arch_names": {"x86_64": "amd64"},
            "platforms": [{"os": "linux", "arch": "x86_64"}],
        },
        "zst": {"type": "binary", "file": "p/zst.zst", "sha256": sha256(small)},
        "tar": {
            "type": "archive",
            "file": "p/t.tar.zst",
            "sha256": sha256(tar),
            "commands": {"tar-t": "t-{version}/tar"},
            "setid": "drop",
        },
        "win": {
            "type": "archive",
            "file": "p/win.zip",
            "sha256": sha256(windows),
            "commands": ["win"],
            "executable": ["in*"],
        },
        "signed": {
            "type": "binary",
            "file": "p/signed",
            "sha256": sha256(TOOL),
            "signature": signed,
        },
        "forged": {
            "type": "binary",
            "file": "p/zst.zst",
            "sha256": sha256(small),
            "version": "2",
            "commands": ["forged"],
            "signature": signed,
        },
    }
    versioned = {name: {"version": "1", **tool} for name, tool in tools.items()}
    fleet.catalog_of("p", versioned, **files)
    done = fleet.deliver("--limit", PC)
    assert not done.ok, done.output
    assert "does not match the minisign key C34C31982B743C0D" in done.output
    assert "p tar: setuid and setgid bits of t-1/ping were dropped" in done.output
    for command, text in {
        "xz": "xz",
        "zst": "zst",
        "tar-t": "tar",
        "win": "windows",
        "signed": "signed",
    }.items():
        assert fleet.says(PC, USER, command) == (0, text), done.output
    assert "forged" not in fleet.commands(PC, USER)
    del versioned["forged"]
    fleet.catalog_of("p", versioned)
    again = fleet.deliver("--limit", PC)
    assert again.ok and again.changed == set(), again.output


def test_a_tool_and_the_node_that_it_needs(fleet: Fleet):
    """A user who has another node on the PATH of the session gets the one of the project."""
    fleet.projects = {"p": {USER}}
    tool = {"version": "1", **npm(fleet, "1")}
    start = f'#!/bin/sh\necho "node of p"; exec {tool.pop("node")} "$@"\n'
    node = {"type": "script", "version": "1", "file": "p/node"}
    fleet.catalog_of("p", {"t": {**tool, "needs": ["node"]}, "node": node}, node=start.encode())
    done = fleet.deliver("--limit", PC)
    assert done.ok and fleet.says(PC, USER, "t") == (0, "node of p\n1"), done.output
    link = f"ln -s {OPT}/current/users/{USER}/bin/t /tmp/other-name; PATH=/bin /tmp/other-name"
    assert fleet.says(PC, USER, link) == (0, "node of p\n1")
    # The new node does not work: both tools stay as they are.
    fleet.catalog_of("p", {"t": {**tool, "needs": ["node"]}, "node": {**node, "version": "2"}})
    (fleet.catalog / "p" / "node").write_text("#!/bin/sh\nexit 3\n")
    broken = fleet.deliver("--limit", PC)
    assert not broken.ok and "t, which needs it, fails with it" in broken.output, broken.output
    assert fleet.says(PC, USER, "t") == (0, "node of p\n1")


def test_a_large_tool(fleet: Fleet):
    """500 MB are sent once; without changes they are neither read nor sent again."""
    fleet.projects = {"p": {USER}}
    fleet.catalog_of("p", {}, large=b"#!/bin/sh\necho large\nexit\n")
    path = fleet.catalog / "p" / "large"
    os.truncate(path, 500_000_000)
    with path.open("rb") as stream:
        checksum = hashlib.file_digest(stream, "sha256").hexdigest()
    fleet.catalog_of(
        "p", {"t": {"type": "binary", "version": "1", "file": "p/large", "sha256": checksum}}
    )
    first = fleet.deliver("--limit", PC)
    assert first.ok and fleet.says(PC, USER, "t") == (0, "large"), first.output
    again = fleet.deliver("--limit", PC)
    assert again.ok and again.changed == set()
    fleet.projects = {"p": set()}
    assert fleet.deliver("--limit", PC).ok and fleet.objects(PC) == set()


def test_a_tampered_wheel_is_refused(fleet: Fleet):
    fleet.projects = {"p": {USER}}
    tool = {"version": "1", **python(fleet, "1")}
    other = wheel(Path(fleet.home), "t", "1", "def main():\n    print('evil')\n")
    (fleet.catalog / "p" / "wheels1" / other.name).write_bytes(other.read_bytes())
    fleet.catalog_of("p", {"t": tool, "u": {"type": "env", "variables": {"A": "b"}}})
    done = fleet.deliver("--limit", PC)
    assert not done.ok and "has a hash of p/lock.txt: t 1" in done.output
    others = dict.fromkeys(set(done.states) - {PC}, "not selected")
    assert done.states == {PC: "incomplete"} | others
    assert fleet.says(PC, USER, "bash -lc 'echo $A'") == (0, "b")


def test_a_wheel_for_another_python(fleet: Fleet):
    """The host reports its system, and the controller what it lacks.

    Nothing is built.
    """
    fleet.projects = {"p": {USER}}
    tool = {"version": "1", **python(fleet, "1")}
    folder = fleet.catalog / "p" / "wheels1"
    (folder / "t-1-py3-none-any.whl").rename(folder / "t-1-cp39-cp39-manylinux_2_17_x86_64.whl")
    fleet.catalog_of("p", {"t": tool, "u": {"type": "env", "variables": {"A": "b"}}})
    done = fleet.deliver("--limit", PC)
    assert (
        not done.ok
        and "is for linux x86_64, Python 3." in done.output
        and "has a hash of p/lock.txt: t 1" in done.output
    ), done.output
    assert (
        fleet.says(PC, USER, "bash -lc 'echo $A'") == (0, "b")
        and "uv" not in done.of(PC)[-1]["catalog_errors"][0]["reason"]
    )


def test_a_tampered_download(fleet: Fleet):
    fleet.projects = {"p": {USER}}
    tool = {"version": "1", **binary(fleet, "1")}
    (fleet.catalog / "p" / "t1").write_bytes(says("evil"))
    fleet.catalog_of("p", {"t": tool})
    done = fleet.deliver("--limit", PC)
    assert not done.ok and "is not what the catalog declares" in done.output
    assert fleet.commands(PC, USER) == set()


def test_a_hostile_archive(fleet: Fleet):
    fleet.projects = {"p": {USER}}
    packed = archive(("bin/t", says("1")), ("../../../../etc/cron.d/evil", b"x"))
    fleet.catalog_of(
        "p",
        {
            "t": {
                "type": "archive",
                "version": "1",
                "file": "p/t.tar",
                "sha256": sha256(packed),
                "commands": ["bin/t"],
            }
        },
        **{"t.tar": packed},
    )
    done = fleet.deliver("--limit", PC)
    assert not done.ok and "the archive of t is rejected" in done.output
    assert fleet.commands(PC, USER) == set() and fleet.objects(PC) == set()
    assert fleet.says(PC, "root", "ls /etc/cron.d/evil")[0] == 2


REPOSITORY = r"""
set -e
rm -rf /etc/apt/sources.list.d /opt/repository
mkdir -p /etc/apt/sources.list.d /opt/repository
: > /etc/apt/sources.list
cd /opt/repository
deb() {
  mkdir -p $1-$2/DEBIAN $1-$2/usr/bin
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: t <t@example.com>\n%s' \
    "$1" "$2" "${3:+Depends: $3
}" > $1-$2/DEBIAN/control
  printf 'Description: t\n' >> $1-$2/DEBIAN/control
  printf '#!/bin/sh\necho %s\n' "$2" > $1-$2/usr/bin/$1
  chmod 755 $1-$2/usr/bin/$1
  dpkg-deb --root-owner-group -b $1-$2 $1_$2.deb > /dev/null
  { dpkg-deb -f $1_$2.deb; echo "Filename: ./$1_$2.deb"
    echo "Size: $(stat -c %s $1_$2.deb)"; echo "SHA256: $(sha256sum < $1_$2.deb | cut -d' ' -f1)"
    echo; } >> Packages
}
deb shipping-t 1 shipping-lib
deb shipping-t 2 shipping-lib
deb shipping-lib 1
deb shipping-u 1 shipping-t
echo 'deb [trusted=yes] file:/opt/repository ./' > /etc/apt/sources.list.d/t.list
"""
RPM_REPOSITORY = r"""
set -e
mv /usr/bin/dpkg-query /usr/bin/dpkg-query.not-here
printf 'ID=fedora\nVERSION_ID=40\n' > /etc/os-release
rm -rf /etc/yum.repos.d /opt/repository
mkdir -p /etc/yum.repos.d /opt/repository
cd /opt/repository
rpm_of() {
  cat > $1.spec <<EOF
Name: $1
Version: $2
Release: 1
Summary: t
License: MIT
BuildArch: noarch
AutoReqProv: no
${3:+Requires: $3}
%description
t
%install
mkdir -p %{buildroot}/usr/bin
printf '#!/bin/sh\\necho $2\\n' > %{buildroot}/usr/bin/$1
chmod 755 %{buildroot}/usr/bin/$1
%files
/usr/bin/$1
EOF
  rpmbuild -bb --define "_topdir $PWD/build" --define "_rpmdir $PWD" $1.spec > build.log 2>&1
}
rpm_of shipping-t 1 shipping-lib
rpm_of shipping-t 2 shipping-lib
rpm_of shipping-lib 1
rpm_of shipping-u 1 shipping-t
createrepo_c -q .
printf '[t]\nname=t\nbaseurl=file:///opt/repository\ngpgcheck=0\nenabled=1\n' \
  > /etc/yum.repos.d/t.repo
rpm --initdb
"""
HOLDER = """
import fcntl, subprocess, time
f = open('/var/lib/dpkg/lock-frontend', 'w')
fcntl.lockf(f, fcntl.LOCK_EX)
deadline = time.monotonic() + 60
while subprocess.call(['pgrep', '-x', 'apt-get']) and time.monotonic() < deadline:
    time.sleep(0.2)
time.sleep(7)
"""
"""Holds the lock until seven seconds after a delivery first runs apt, however busy all is."""


def package(version: str, name: str = "shipping-t") -> Tools:
    distribution = {"name": name, "version": version} if version else name
    return {
        "type": "package",
        "version": version or "any",
        "packages": {"debian": [distribution], "fedora": [distribution]},
        "self_test": [name],
    }


def test_packages_of_the_distribution(fleet: Fleet):
    """A real apt with a repository of its own: by the second user, by a lock, by dependencies."""
    machine = fleet.machines[PC]
    assert machine.ssh("root", REPOSITORY).returncode == 0
    fleet.projects = {"p": {USER}}
    fleet.catalog_of("p", {"t": package("1"), "free": {"type": "env", "variables": {"A": "b"}}})
    would = fleet.deliver("--limit", PC, "--check", "--diff")
    assert fleet.says(PC, "root", "ls /usr/bin/shipping-t")[0], would.output
    holder = f"nohup python3 -c {shlex.quote(HOLDER)} > /dev/null 2>&1 &"
    assert machine.ssh("root", holder).returncode == 0
    first = fleet.deliver("--limit", PC)
    assert first.ok and first.changed == {PC}, first.output
    # Everybody has it, with or without the project.
    assert fleet.says(PC, "eve", "shipping-t") == (0, "1")
    assert "s for the lock of apt, which process" in first.output, first.output
    again = fleet.deliver("--limit", PC)
    assert again.ok and again.changed == set(), again.output
    # Another project cannot have another version; an unknown name is a fault of its tool alone.
    fleet.projects["q"] = {"ada"}
    fleet.catalog_of("p", {"t": package("2"), "u": package("", "shipping-none")})
    fleet.catalog_of("q", {"t": package("1")})
    second = fleet.deliver("--limit", PC)
    assert not second.ok and fleet.says(PC, USER, "shipping-t") == (0, "2"), second.output
    assert "Unable to locate package shipping-none" in second.output, second.output
    assert "p needs shipping-t=2: a host has one version" in second.output, second.output
    # An administrator's own package needs it: it stays until that is removed.
    assert machine.ssh("root", "apt-get -y -q install shipping-u").returncode == 0
    fleet.projects = {"p": set(), "q": set()}
    third = fleet.deliver("--limit", PC)
    assert third.ok and fleet.says(PC, USER, "shipping-t") == (0, "2"), third.output
    assert "stays, since shipping-u would be removed with it" in third.output, third.output
    assert machine.ssh("root", "apt-get -y -q remove shipping-u").returncode == 0
    last = fleet.deliver("--limit", PC)
    assert last.ok and last.changed == {PC}, last.output
    left = fleet.says(PC, "root", "dpkg-query -W -f '${db:Status-Status}\\n' 'shipping-*'")[1]
    assert "installed" not in left.split(), left


def test_packages_of_dnf(fleet: Fleet):
    """A real dnf with a repository of its own, on a host without dpkg-query."""
    machine = fleet.machines[PC]
    made = machine.ssh("root", RPM_REPOSITORY)
    assert made.returncode == 0, made
    fleet.projects = {"p": {USER}}
    fleet.catalog_of("p", {"t": package("1"), "free": {"type": "env", "variables": {"A": "b"}}})
    would = fleet.deliver("--limit", PC, "--check", "--diff")
    assert fleet.says(PC, "root", "ls /usr/bin/shipping-t")[0], would.output
    first = fleet.deliver("--limit", PC)
    assert first.ok and first.changed == {PC}, first.output
    assert fleet.says(PC, "eve", "shipping-t") == (0, "1")
    again = fleet.deliver("--limit", PC)
    assert again.ok and again.changed == set(), again.output
    # An unknown name is a fault of its tool alone.
    fleet.catalog_of("p", {"t": package("2"), "u": package("", "shipping-none")})
    second = fleet.deliver("--limit", PC)
    assert not second.ok and fleet.says(PC, USER, "shipping-t") == (0, "2"), second.output
    assert "shipping-none" in second.output, second.output
    # An administrator's own package needs it: it stays until that is removed.
    assert machine.ssh("root", "dnf -y -q install shipping-u").returncode == 0
    fleet.projects = {"p": set()}
    third = fleet.deliver("--limit", PC)
    assert third.ok and fleet.says(PC, USER, "shipping-t") == (0, "2"), third.output
    assert "stays, since shipping-u would be removed with it" in third.output, third.output
    assert machine.ssh("root", "dnf -y -q remove --noautoremove shipping-u").returncode == 0
    last = fleet.deliver("--limit", PC)
    assert last.ok and last.changed == {PC}, last.output
    left = fleet.says(PC, "root", "rpm -qa 'shipping-*'")[1]
    assert not left.split(), left
