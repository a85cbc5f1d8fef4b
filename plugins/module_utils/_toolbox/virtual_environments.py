# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make a virtual environment by uv, from wheels whose hashes are locked."""

from __future__ import annotations

import os
import subprocess

from .._core.errors import os_words
from .delivery_errors import DeliveryError
from .installers.installer import Build, Details

_TIMEOUT = 900
_MANY = 1500


def make_environment(build: Build) -> None:
    """Install the packages of a tool to its place in the store; raise DeliveryError."""
    try:
        _into(build)
    except subprocess.TimeoutExpired as error:
        raise DeliveryError(
            f"{build.name} cannot be installed",
            f"{error.cmd[0]} did not end within {_TIMEOUT} s",
            "Run again",
        ) from error
    # uv, or the interpreter that the catalog names.
    except OSError as error:
        raise DeliveryError(
            f"{build.name} cannot be installed",
            f"{error.filename}: {os_words(error)}",
            "Check that it exists, and that root can run it",
        ) from error


def _into(build: Build) -> None:
    interpreter = build.details.get("python") or build.facts.python
    run = _Uv(build)
    os.rmdir(build.target)
    # At its final path, since a virtual environment cannot be moved: its scripts contain the path.
    # And not by ``uv tool install``, which has no --require-hashes and installs for one user.
    run("venv", "--quiet", "--no-project", "--python", interpreter, build.target)
    source = (
        ["--no-index", "--find-links", build.sent("wheels")]
        if build.details.get("wheels")
        else _index(build.details)
    )
    run(
        *(
            "pip",
            "install",
            "--quiet",
            "--python",
            os.path.join(build.target, "bin", "python"),
            "--require-hashes",
            # Never a source distribution: its build would run code of the package as root.
            "--only-binary",
            ":all:",
        ),
        *("--link-mode", "copy", "--requirements", build.sent("lock"), *source),
    )
    # Users cannot write there. Not by the environment's own Python, which would run code of the
    # packages (.pth) as root.
    run.program(
        interpreter, "-I", "-S", "-m", "compileall", "-q", os.path.join(build.target, "lib")
    )


def _index(details: Details) -> list[str]:
    return ["--default-index", details["index_url"]] if details.get("index_url") else []


class _Uv:
    """Runs uv without the host's settings; without the network if wheels were sent."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": build.sent_folder,
            "LC_ALL": "C.UTF-8",
            "UV_NO_CACHE": "1",
            "UV_NO_CONFIG": "1",
            # The interpreter is the workstation's or the one that the catalog names. If it is
            # missing, uv must not download another.
            "UV_PYTHON_DOWNLOADS": "never",
        }
        if build.details.get("wheels"):
            self.environment["UV_OFFLINE"] = "1"

    def program(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        """Run any program in the same environment."""
        # run_command of AnsibleModule has no timeout.
        return subprocess.run(  # pylint: disable=ansible-bad-function
            list(words),
            env=self.environment,
            cwd=self.build.sent_folder,
            capture_output=True,
            timeout=_TIMEOUT,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def __call__(self, *words: str) -> None:
        done = self.program(self.build.programs["uv"], *words)
        if done.returncode:
            output = done.stderr.decode("utf-8", "replace").strip()[-_MANY:]
            raise DeliveryError(
                f"{self.build.name} cannot be installed",
                f"uv {words[0]} exited with code {done.returncode}, {output}",
                "Lock wheels for this host's system and Python"
                f" ({self.build.facts.os} {self.build.facts.arch}, Python"
                f" {self.build.facts.python_version})",
            )
