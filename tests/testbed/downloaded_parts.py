# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs built once from their Go modules and kept: those of a Kubernetes, of an engine.

By hand: ``python3 -m tests.testbed.downloaded_parts [helm] [kube-router]``.

Each set is in a folder of the cache that bears its version; KUBEBUILDER_ASSETS may name a
folder that has kube-apiserver, etcd and kubectl already.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from .machine import cache, exclusive_lock, run
from .versions import KUBERNETES_VERSIONS, TODAYS_KUBERNETES, KubernetesParts, check

KUBERNETES = KUBERNETES_VERSIONS[TODAYS_KUBERNETES].kubernetes


@dataclass(frozen=True)
class Part:
    """One set of programs: the module that has them, its version, and their packages inside it."""

    module: str
    version: str
    packages: tuple[str, ...]
    flags: str = ""
    tags: str = ""
    needs_c: bool = False

    @property
    def name(self) -> str:
        """Return how it is called in the cache, with its version."""
        unnamed = {"v2", "v3", "v4", "server"}
        words = [word for word in self.module.split("/") if word not in unnamed]
        return f"{words[-1]}-{self.version}"

    @property
    def programs(self) -> list[str]:
        """The names of the programs; the root package of a module bears the module's name."""
        return [
            {"server": "etcd"}.get(package.split("/")[-1], package.split("/")[-1])
            or self.name.rpartition("-")[0]
            for package in self.packages
        ]


_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)


def containerd(version: str) -> Part:
    """Return the runtime below a kubelet or an engine."""
    names = ("containerd", "containerd-shim-runc-v2", "ctr")
    return Part(
        "github.com/containerd/containerd/v2", version, tuple(f"/cmd/{name}" for name in names)
    )


def parts(version: str) -> tuple[Part, ...]:
    """Return the parts of a Kubernetes by its version, such as ``1.36``."""
    check(version, KUBERNETES_VERSIONS)
    versions = KUBERNETES_VERSIONS[version]
    major, minor = version.split(".")
    values = {"gitVersion": versions.kubernetes, "gitMajor": major, "gitMinor": minor}
    flags = (f"-X k8s.io/component-base/version.{key}={value}" for key, value in values.items())
    commands = tuple(f"/cmd/{name}" for name in _PROGRAMS)
    return (
        Part("go.etcd.io/etcd/server/v3", versions.etcd, ("",)),
        containerd(versions.containerd),
        Part("github.com/coredns/coredns", "v1.12.4", ("",)),
        Part("k8s.io/kubernetes", versions.kubernetes, commands, " ".join(flags)),
    )


def _helm(version: str) -> Part:
    major = version.partition(".")[0]
    return Part(f"helm.sh/helm/{major}", version, ("/cmd/helm",))


KUBE_ROUTER = Part("github.com/cloudnativelabs/kube-router/v2", "v2.1.0", ("/cmd/kube-router",))
MORE: dict[str, Callable[[KubernetesParts], Part]] = {
    "helm": lambda versions: _helm(versions.helm),
    "kube-router": lambda _versions: KUBE_ROUTER,
}
"""What only some tests need, by the name of the program."""


def programs(
    *more: str,
    version: str = TODAYS_KUBERNETES,
    tell: Callable[[str], None] = lambda _line: None,
) -> dict[str, Path]:
    """Return the path of each program of a Kubernetes, and of those of ``MORE``.

    Missing ones are built first, which takes about 15 minutes.
    """
    extra = (MORE[name](KUBERNETES_VERSIONS[version]) for name in more)
    found = built("kubernetes", (*parts(version), *extra), tell)
    given = os.environ.get("KUBEBUILDER_ASSETS")
    if given and version == TODAYS_KUBERNETES:
        found.update({name: Path(given) / name for name in found if (Path(given) / name).exists()})
    return found


def built(kind: str, wanted: Iterable[Part], tell: Callable[[str], None]) -> dict[str, Path]:
    """Return the paths of the programs of parts below a folder of the cache; build missing ones."""
    found: dict[str, Path] = {}
    for part in wanted:
        folder = cache() / kind / part.name
        # A lock for each part, so that a run with all parts waits for no build of another version.
        with exclusive_lock(f"{kind}-{part.name}"):
            if not (folder / "complete").exists():
                _build(part, folder, tell)
        found.update({name: folder / "bin" / name for name in part.programs})
    return found


def lacks(version: str) -> str:
    """Return why a version of Kubernetes cannot be started here; today's is built when needed."""
    if not version:
        return ""
    absent = missing("kubernetes", (*parts(version), _helm(KUBERNETES_VERSIONS[version].helm)))
    return not_built(absent)


def not_built(absent: list[str]) -> str:
    """Return the reason to skip what needs these; empty if nothing is absent."""
    return f"not built here: {', '.join(absent)}; make versions builds it" if absent else ""


def missing(kind: str, wanted: Iterable[Part]) -> list[str]:
    """Return the names of the parts that are not built here."""
    return [part.name for part in wanted if not (cache() / kind / part.name / "complete").exists()]


def _build(part: Part, folder: Path, tell: Callable[[str], None]) -> None:
    begun = time.monotonic()
    tell(f"building {', '.join(part.programs)} {part.version}, once")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "bin").mkdir(parents=True)
    module = json.loads(_go(folder, "mod", "download", "-json", f"{part.module}@{part.version}"))
    given = json.loads(run("go", "mod", "edit", "-json", module["GoMod"]))
    lines = [
        "module testbed",
        f"go {given['Go']}",
        f"require {part.module} {part.version}",
        *(f"tool {part.module}{package}" for package in part.packages),
        *(line for entry in given.get("Replace") or () if (line := _replacement(part, entry))),
    ]
    (folder / "go.mod").write_text("\n".join(lines) + "\n")
    _go(folder, "mod", "tidy")
    for package, program in zip(part.packages, part.programs, strict=True):
        # As many jobs as this process may use processors, whatever GOFLAGS or GOMAXPROCS say.
        words = (
            f"-p={len(os.sched_getaffinity(0))}",
            "-trimpath",
            f"-tags={part.tags}",
            "-ldflags",
            f"-s -w {part.flags}",
        )
        target = ("-o", f"bin/{program}", f"{part.module}{package}")
        _go(folder, "build", *words, *target, CGO_ENABLED=str(int(part.needs_c)))
        tell(f"  {program} after {time.monotonic() - begun:.0f} s")
    (folder / "complete").touch()


def _replacement(part: Part, entry: dict[str, dict[str, str]]) -> str:
    """Return the replacements of a module, for a build from outside.

    Its own folders become the modules that were made of them.
    """
    old, new = entry["Old"]["Path"], entry["New"]
    if new["Path"].startswith("./staging"):
        return f"replace {old} => {old} {part.version.replace('v1', 'v0', 1)}"
    return "" if new["Path"].startswith(".") else f"replace {old} => {new['Path']} {new['Version']}"


def _go(folder: Path, *words: str, **variables: str) -> str:
    fixed = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOWORK": "off"}
    environment = {**os.environ, **fixed, **variables}
    return run("go", *words, cwd=folder, env=environment)


if __name__ == "__main__":
    for program, place in programs(
        *sys.argv[1:], tell=lambda line: print(line, flush=True)
    ).items():
        print(f"{program}\t{place}")
