# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images for the test bed, made of Debian's packages: no registry outside is needed."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from .machine import cache, exclusive_lock, run
from .swarm_bed import REGISTRY, SwarmBed

EXAMPLE = Path(__file__).resolve().parents[2] / "playbooks" / "files" / "shop"
BASE = "shop-base:1"
_PACKAGES = ("haproxy", "python3-minimal", "libpython3-stdlib", "busybox-static")
_UNNEEDED = (
    "perl",
    "libperl",
    "dpkg",
    "debconf",
    "adduser",
    "usrmerge",
    "tar_",
    "sysvinit",
    "init-system",
    "passwd",
    "libfile-",
    "libtext-",
    "libnumber-",
    "media-types",
)
_LAYOUT = "3"


def base_archive() -> Path:
    """Return a root file system with HAProxy, Python and BusyBox, made once and kept."""
    target = cache() / f"shop-base-{_debian_version()}-{_LAYOUT}.tar"
    with exclusive_lock("images"):
        if not target.exists():
            _make_base_archive(target)
    return target


def _make_base_archive(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=cache()) as scratch:
        root, archives = Path(scratch) / "root", Path(scratch) / "archives"
        (archives / "partial").mkdir(parents=True)
        root.mkdir()
        _download(archives)
        for package in sorted(archives.glob("*.deb")):
            if not package.name.startswith(_UNNEEDED):
                run("dpkg-deb", "--extract", package, root)
        _finish_layout(root)
        partial = target.with_suffix(".partial")
        with tarfile.open(partial, "w") as archive:
            archive.add(root, arcname=".")
        partial.rename(target)


def _debian_version() -> str:
    return Path("/etc/debian_version").read_text().strip().replace("/", "-")


def _download(archives: Path) -> None:
    """Return the packages with their dependencies, as if nothing were installed."""
    run(
        "apt-get",
        "--yes",
        "-qq",
        "--download-only",
        "--no-install-recommends",
        "-o",
        "Dir::State::status=/dev/null",
        "-o",
        f"Dir::Cache::archives={archives}",
        "-o",
        "Debug::NoLocking=1",
        "-o",
        "APT::Sandbox::User=root",
        "install",
        *_PACKAGES,
    )


def _finish_layout(root: Path) -> None:
    for folder in (
        "usr/share/doc",
        "usr/share/man",
        "usr/share/locale",
        "usr/share/info",
        "var/lib/dpkg",
    ):
        shutil.rmtree(root / folder, ignore_errors=True)
    for folder in ("bin", "lib", "lib64", "sbin"):
        _merge_usr(root, folder)
    for folder in ("tmp", "proc", "sys", "dev", "run", "etc"):
        (root / folder).mkdir(exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "etc/passwd").write_text(
        "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/:/bin/sh\n"
    )
    (root / "etc/group").write_text("root:x:0:\napp:x:1000:\n")
    busybox = root / "usr/bin/busybox"
    for applet in subprocess.run(
        [busybox, "--list"], capture_output=True, text=True, check=True
    ).stdout.split():
        link = root / "usr/bin" / applet
        if not link.exists() and not link.is_symlink() and applet != "busybox":
            link.symlink_to("busybox")
    (root / "usr/bin/haproxy").symlink_to("/usr/sbin/haproxy")


def _merge_usr(root: Path, folder: str) -> None:
    """``/bin`` and its like become links into ``/usr``, as on an installed system."""
    (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
    if (root / folder).is_dir() and not (root / folder).is_symlink():
        shutil.copytree(root / folder, root / "usr" / folder, symlinks=True, dirs_exist_ok=True)
        shutil.rmtree(root / folder)
    (root / folder).symlink_to(f"usr/{folder}")


def load_base(swarm: SwarmBed) -> str:
    """Load the base image into an engine; return its reference."""
    if not swarm.image_id(BASE):
        swarm.docker(
            "import",
            "--change",
            "ENV PATH=/usr/sbin:/usr/bin",
            "--change",
            'CMD ["sleep", "1000000"]',
            base_archive(),
            BASE,
        )
    return BASE


def build_shop(swarm: SwarmBed, version: str, needs: str = "") -> None:
    """Build and push one version of the example's web service, as a CI does."""
    load_base(swarm)
    image = f"{REGISTRY}/shop-web:{version}"
    swarm.docker(
        "build",
        "--quiet",
        "--tag",
        image,
        "--build-arg",
        f"BASE={BASE}",
        "--build-arg",
        f"VERSION={version}",
        "--build-arg",
        f"NEEDS={needs}",
        EXAMPLE / "web",
    )
    swarm.docker("push", "--quiet", image)


def build_front(swarm: SwarmBed) -> None:
    """Build and push the example's front."""
    load_base(swarm)
    image = f"{REGISTRY}/shop-front:1"
    swarm.docker(
        "build", "--quiet", "--tag", image, "--build-arg", f"BASE={BASE}", EXAMPLE / "front"
    )
    swarm.docker("push", "--quiet", image)
