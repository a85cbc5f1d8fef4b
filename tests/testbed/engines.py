# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Docker Engines of other versions than the host's: how each is obtained, kept and started."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from .downloaded_parts import Part, built, containerd, missing, not_built
from .machine import Machine, cache, exclusive_lock, run
from .versions import BUILT_ENGINES, DEBIAN_ENGINES, ENGINES, check

KIND = "engines"


def lacks(version: str) -> str:
    """Return why an engine cannot be started here, empty if it can."""
    if version in DEBIAN_ENGINES:
        absent = [] if _system(version).exists() else [f"Debian {DEBIAN_ENGINES[version]}"]
    else:
        absent = missing(KIND, _parts(version)) if version else []
    return not_built(absent)


def obtain(version: str, tell: Callable[[str], None]) -> None:
    """Build what an engine consists of, unless that is done already."""
    if version in DEBIAN_ENGINES:
        _install(version, tell)
    elif version:
        built(KIND, _parts(version), tell)


def command(version: str, machine: Machine) -> str:
    """Return the words that start an engine on a machine, without the engine's options."""
    if version in DEBIAN_ENGINES:
        script = machine.folder / "engine.sh"
        script.write_text(_inside(version, machine))
        return f"sh {script} dockerd"
    if version:
        programs = built(KIND, _parts(version), lambda _line: None)
        folders = dict.fromkeys(str(program.parent) for program in programs.values())
        return f"env PATH={':'.join(folders)}:$PATH dockerd"
    return "dockerd"


def storage(version: str) -> str:
    """Return the option of an engine's storage, empty for its default."""
    # Docker 29 keeps images in containerd's store, unless a driver of Docker is named.
    return "" if version in BUILT_ENGINES else "--storage-driver overlay2"


def _parts(version: str) -> tuple[Part, ...]:
    check(version, ENGINES)
    versions = BUILT_ENGINES[version]
    commands = ("/cmd/dockerd", "/cmd/docker-proxy")
    flags = f"-X github.com/moby/moby/v2/dockerversion.Version={versions.calls_itself}"
    return (
        Part("github.com/moby/moby/v2", versions.moby, commands, flags),
        containerd(versions.containerd),
        # Debian 12's has no time namespaces, which a container of this engine has.
        Part("github.com/opencontainers/runc", versions.runc, ("",), tags="seccomp", needs_c=True),
    )


def _system(version: str) -> Path:
    """Return the root of the Debian release that has an engine."""
    return cache() / KIND / DEBIAN_ENGINES[version]


def _install(version: str, tell: Callable[[str], None]) -> None:
    release, target = DEBIAN_ENGINES[version], _system(version)
    with exclusive_lock(f"{KIND}-{release}"):
        if target.exists():
            return
        tell(f"installing Debian {release} with its engine, once")
        partial = target.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.parent.mkdir(parents=True, exist_ok=True)
        run("debootstrap", "--variant=minbase", "--include=docker.io,iptables", release, partial)
        partial.rename(target)


def _inside(version: str, machine: Machine) -> str:
    """Return a script that runs a command in a Debian of its own, with the machine's folders.

    A plain chroot does not do: runc remounts /, which must be a mount there.
    """
    root = machine.folder / "engine" / "root"
    layers = {name: machine.folder / "engine" / name for name in ("upper", "work")}
    for folder in (root, *layers.values()):
        folder.mkdir(parents=True, exist_ok=True)
    shown = f"{machine.folder} {machine.runtime}"
    return f"""set -e
mount -t overlay overlay {root} \\
  -o lowerdir={_system(version)},upperdir={layers["upper"]},workdir={layers["work"]}
for folder in /proc /sys /dev; do mount --rbind $folder {root}$folder; done
mount -t tmpfs -o mode=755 tmpfs {root}/run
mkdir -p {root}/run/lock
for folder in {shown}; do mkdir -p {root}$folder; mount --rbind $folder {root}$folder; done
cp {machine.folder}/resolv.conf {root}/etc/resolv.conf
mkdir -p {root}/mnt/host
cd {root}
pivot_root . mnt/host
umount --lazy /mnt/host
exec "$@"
"""
