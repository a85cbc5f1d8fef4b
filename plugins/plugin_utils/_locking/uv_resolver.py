# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolve requirements to a lock with hashes, by uv."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from ...module_utils._core.errors import ShippingError, os_words
from ...module_utils._core.slow_calls import waiting_for
from .lock_origin import LockOrigin, without_origin
from .package_index import PackageIndex

_TIMEOUT = 900
_MANY = 1500
# The proxies and authorities that the guide on connections names; uv itself would read more.
_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")


@dataclass(frozen=True)
class Resolver:
    """Runs uv without the user's settings."""

    program: str
    cache: str

    def resolve(
        self,
        origin: LockOrigin,
        index: PackageIndex,
        former: str,
        *,
        requirements_file: str = "",
        upgrade: bool,
    ) -> str:
        """Return a lock of these requirements for all systems.

        Versions of the ``former`` lock stay where they satisfy the requirements, unless ``upgrade``
        is set. ``requirements_file`` has the requirements in place of those of ``origin``.
        """
        with tempfile.TemporaryDirectory() as folder:
            output = os.path.join(folder, "lock.txt")
            _write(output, without_origin(former))
            named = os.path.join(folder, "requirements")
            _write(named, "".join(f"{text}\n" for text in origin.requirements))
            source = requirements_file or named
            words = [
                *("pip", "compile", "--quiet", "--no-header", "--generate-hashes", "--universal"),
                *("--python-version", origin.pythons[0], "--no-strip-extras"),
                # That of Ansible, since the control node may have no other.
                *("--python", sys.executable),
                # A source distribution would be built, which runs code of the package.
                *("--only-binary", ":all:", "--output-file", output),
                *(["--upgrade"] if upgrade else []),
                # Relative, since uv writes the path into the lock.
                os.path.basename(source),
            ]
            self._run(words, os.path.dirname(source), index)
            with open(output, encoding="utf-8") as stream:
                return origin.header() + stream.read()

    def _run(self, words: Sequence[str], folder: str, index: PackageIndex) -> None:
        what = "the requirements cannot be locked"
        try:
            with waiting_for("uv, which resolves requirements"):
                done = subprocess.run(
                    [self.program, *words],
                    env=self._environment(index),
                    cwd=folder,
                    capture_output=True,
                    text=True,
                    errors="replace",
                    check=False,
                    stdin=subprocess.DEVNULL,
                    timeout=_TIMEOUT,
                )
        except subprocess.TimeoutExpired as error:
            raise ShippingError(what, f"uv did not end within {_TIMEOUT} s", "Run again") from error
        except OSError as error:
            raise ShippingError(
                what,
                f"{self.program}: {os_words(error)}",
                "Install uv on the control node (pip install uv), or set uv_path",
            ) from error
        if done.returncode:
            output = _without_login(done.stderr, index)
            raise ShippingError(what, f"uv: {output}", _hint(output))

    def _environment(self, index: PackageIndex) -> dict[str, str]:
        """Return the environment of uv; the login is in it, since all users see arguments."""
        names = {*_VARIABLES, *map(str.lower, _VARIABLES)}
        kept = {name: value for name, value in os.environ.items() if name in names}
        return {
            **kept,
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            # An empty one: no configuration, no netrc, no keyring of the user.
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "UV_CACHE_DIR": self.cache,
            "UV_NO_CONFIG": "1",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_KEYRING_PROVIDER": "disabled",
            "UV_SYSTEM_CERTS": "1",
            "UV_DEFAULT_INDEX": index.url_with_login,
        }


def _without_login(text: str, index: PackageIndex) -> str:
    for secret in (index.login.password, index.url_with_login if index.login.user else ""):
        if secret:
            text = text.replace(secret, "***")
    return " ".join(re.sub(r"://[^/@\s]+@", "://", text).split())[-_MANY:].rstrip(".")


def _hint(output: str) -> str:
    if "does not satisfy Python" in output:
        return "Name the versions of Python that workstations have under python_versions"
    return "Correct the requirements, or see whether the control node reaches the index"


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)
