# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of a Kubernetes, built once from their Go modules and kept.

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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .machine import cache, exclusive_lock, run

KUBERNETES = "v1.36.3"


@dataclass(frozen=True)
class Part:
    """One set of programs: the module that has them, its version, and their packages inside it."""

    module: str
    version: str
    packages: tuple[str, ...]
    flags: str = ""

    @property
    def name(self) -> str:
        """Return how it is called in the cache, with its version."""
        words = [word for word in self.module.split("/") if word not in {"v2", "v3", "server"}]
        return f"{words[-1]}-{self.version}"

    @property
    def programs(self) -> list[str]:
        """The names of the programs; the root package of a module bears the module's name."""
        return [
            {"server": "etcd"}.get(package.split("/")[-1], package.split("/")[-1])
            or self.name.rpartition("-")[0]
            for package in self.packages
        ]


def _version_flags() -> str:
    major, minor = KUBERNETES[1:].split(".")[:2]
    values = {"gitVersion": KUBERNETES, "gitMajor": major, "gitMinor": minor}
    return " ".join(
        f"-X k8s.io/component-base/version.{key}={value}" for key, value in values.items()
    )


_PROGRAMS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)
PARTS = (
    Part("go.etcd.io/etcd/server/v3", "v3.6.5", ("",)),
    Part(
        "github.com/containerd/containerd/v2",
        "v2.2.0",
        ("/cmd/containerd", "/cmd/containerd-shim-runc-v2", "/cmd/ctr"),
    ),
    Part("github.com/coredns/coredns", "v1.12.4", ("",)),
    Part(
        "k8s.io/kubernetes",
        KUBERNETES,
        tuple(f"/cmd/{name}" for name in _PROGRAMS),
        _version_flags(),
    ),
)
MORE = {
    "helm": Part("helm.sh/helm/v3", "v3.20.0", ("/cmd/helm",)),
    "kube-router": Part(
        "github.com/cloudnativelabs/kube-router/v2", "v2.1.0", ("/cmd/kube-router",)
    ),
}
"""What only some tests need, by the name of the program."""


def programs(*more: str, tell: Callable[[str], None] = lambda _line: None) -> dict[str, Path]:
    """Return the path of each program, and of those of ``MORE``.

    Missing ones are built first, which takes about 15 minutes.
    """
    found: dict[str, Path] = {}
    for part in (*PARTS, *(MORE[name] for name in more)):
        folder = cache() / "kubernetes" / part.name
        with exclusive_lock("kubernetes-parts"):
            if not (folder / "complete").exists():
                _build(part, folder, tell)
        found.update({name: folder / "bin" / name for name in part.programs})
    given = os.environ.get("KUBEBUILDER_ASSETS")
    if given:
        found.update({name: Path(given) / name for name in found if (Path(given) / name).exists()})
    return found


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
        *(line for entry in given.get("Replace") or () if (line := _replacement(entry))),
    ]
    (folder / "go.mod").write_text("\n".join(lines) + "\n")
    _go(folder, "mod", "tidy")
    for package, program in zip(part.packages, part.programs, strict=True):
        # As many jobs as this process may use processors, whatever GOFLAGS or GOMAXPROCS say.
        words = (
            f"-p={len(os.sched_getaffinity(0))}",
            "-trimpath",
            "-ldflags",
            f"-s -w {part.flags}",
        )
        _go(folder, "build", *words, "-o", f"bin/{program}", f"{part.module}{package}")
        tell(f"  {program} after {time.monotonic() - begun:.0f} s")
    (folder / "complete").touch()


def _replacement(entry: dict[str, dict[str, str]]) -> str:
    """Return the replacements of a module, for a build from outside.

    Its own folders become the modules that were made of them.
    """
    old, new = entry["Old"]["Path"], entry["New"]
    if new["Path"].startswith("./staging"):
        return f"replace {old} => {old} {KUBERNETES.replace('v1', 'v0', 1)}"
    return "" if new["Path"].startswith(".") else f"replace {old} => {new['Path']} {new['Version']}"


def _go(folder: Path, *words: str) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOWORK": "off"}
    return run("go", *words, cwd=folder, env=environment)


if __name__ == "__main__":
    for program, place in programs(
        *sys.argv[1:], tell=lambda line: print(line, flush=True)
    ).items():
        print(f"{program}\t{place}")
