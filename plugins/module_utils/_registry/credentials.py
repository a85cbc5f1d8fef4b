# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What lets one into registries, read without the Docker SDK.

Configuration: https://github.com/docker/cli/blob/master/docs/reference/commandline/login.md
Helpers: https://github.com/docker/docker-credential-helpers#development
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._core.errors import PlanError

HUB = "https://index.docker.io/v1/"
_HUB_NAMES = ("docker.io", "index.docker.io")
_TOKEN_USER = "<token>"  # noqa: S105
_HELPER_TIMEOUT = 30.0
_NOT_FOUND = ("credentials not found", "no credentials server url")
_SHOWN = 200

Login = dict[str, str]


@dataclass(frozen=True)
class Credentials:
    """Given ones first, then the Docker client's configuration and its helpers.

    A login is ``username`` and ``password``, or an ``identitytoken``; with it goes its
    ``serveraddress``.
    """

    given: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    config_path: str | None = None

    def for_registry(self, registry: str) -> Login:
        """The login for a registry as image references name it; empty where nothing is known."""
        given = self.given.get(registry)
        return dict(given) if given else self._configured(registry)

    def dockerconfigjson(self, registries: Iterable[str]) -> bytes:
        """The content of a ``kubernetes.io/dockerconfigjson`` Secret.

        Empty where no registry has a login.
        """
        return dockerconfigjson(
            {registry: self.for_registry(registry) for registry in set(registries)}
        )

    def _configured(self, registry: str) -> Login:
        path = self._config_file()
        if not path:
            return {}
        content = _read_config(path)
        found: Login = {}
        why = ""
        try:
            helper = helper_of(content, registry)
            found = (_ask_helper(helper, server_of(registry)) if helper else {}) or login_in(
                content, registry
            )
        except ValueError as error:
            why = str(error)
        if why:  # Outside of the handler: an error's context may hold what was read.
            raise PlanError(
                f"cannot read the credentials for {registry}",
                why,
                "Check docker_config and its credential helper, or give registry_auths",
            )
        return found

    def _config_file(self) -> str:
        if self.config_path:
            return os.path.expanduser(self.config_path)
        folders = (os.environ.get("DOCKER_CONFIG") or "", os.path.expanduser("~/.docker"))
        paths = (os.path.join(folder, "config.json") for folder in folders if folder)
        return next((path for path in paths if os.path.exists(path)), "")


def server_of(registry: str) -> str:
    """What a Docker client calls a registry: the Hub has a name of its own."""
    return HUB if registry in _HUB_NAMES else registry


def parse_config(text: str) -> dict[str, Any]:
    """The content of a ``config.json``; raises ValueError."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("no mapping at its top")
    return content


def helper_of(content: Mapping[str, Any], registry: str) -> str:
    """The program that knows a registry's login; empty where there is none. Raises ValueError."""
    helpers = _mapping(content, "credHelpers")
    named = next(
        (helpers[name] for name in _names(registry) if helpers.get(name)), content.get("credsStore")
    )
    if named and not isinstance(named, str):
        raise ValueError("its credential helper is no name")
    return f"docker-credential-{named}" if named else ""


def login_in(content: Mapping[str, Any], registry: str) -> Login:
    """What ``auths`` has for a registry; raises ValueError."""
    auths = _mapping(content, "auths")
    names = _names(registry)
    exact = (name for name in names if name in auths)
    alike = (key for key in auths if _host(key) in names)
    key = next(exact, None) or next(alike, None)
    if key is None:
        return {}
    entry = auths[key]
    if not isinstance(entry, dict) or not all(
        isinstance(entry.get(name, ""), str)
        for name in ("auth", "identitytoken", "username", "password")
    ):
        raise ValueError(f"the entry {key} of auths is none of a Docker client")
    if entry.get("identitytoken"):
        return {"identitytoken": entry["identitytoken"], "serveraddress": key}
    username, password = (
        _decoded(entry["auth"], key)
        if entry.get("auth")
        else (entry.get("username", ""), entry.get("password", ""))
    )
    return {"username": username, "password": password, "serveraddress": key} if username else {}


def login_from_helper(program: str, server: str, text: str) -> Login:
    """A helper's answer to ``get``; raises ValueError."""
    try:
        answer = json.loads(text)
        username, secret = answer["Username"], answer["Secret"]
    except (ValueError, KeyError, TypeError):
        username, secret = None, None
    if not isinstance(username, str) or not isinstance(secret, str):
        raise ValueError(f"{program} answers with something else than a name and a secret")
    if not secret:
        return {}
    if username == _TOKEN_USER:
        return {"identitytoken": secret, "serveraddress": server}
    return {"username": username, "password": secret, "serveraddress": server}


def dockerconfigjson(logins: Mapping[str, Mapping[str, str]]) -> bytes:
    """Logins by registry in the form of a Secret, the same bytes for the same logins; empty where there are none.

    https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/
    The kubelet reads no identity tokens; others do.
    """
    auths: dict[str, Login] = {}
    for registry, login in logins.items():
        if login.get("identitytoken"):
            auths[server_of(registry)] = {"identitytoken": login["identitytoken"]}
        elif login.get("username"):
            username, password = login["username"], login.get("password", "")
            auths[server_of(registry)] = {
                "username": username,
                "password": password,
                "auth": basic(username, password),
            }
    return (
        json.dumps({"auths": auths}, sort_keys=True, separators=(",", ":")).encode()
        if auths
        else b""
    )


def basic(username: str, password: str) -> str:
    """https://www.rfc-editor.org/rfc/rfc7617#section-2, which configurations use, too."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def _decoded(auth: str, key: str) -> tuple[str, str]:
    try:
        username, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except ValueError:
        username = colon = password = ""
    if not colon:
        raise ValueError(f"the auth of {key} is no base64 of name:password")
    return username, password.strip("\0")


def _names(registry: str) -> tuple[str, ...]:
    return (HUB, *_HUB_NAMES) if registry in _HUB_NAMES else (registry,)


def _host(key: str) -> str:
    """Old clients wrote whole addresses."""
    return key.rpartition("://")[2].partition("/")[0]


def _mapping(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = content.get(name) or {}
    if not isinstance(found, dict):
        raise ValueError(f"its {name} is no mapping")
    return found


def _read_config(path: str) -> dict[str, Any]:
    why, remedy = "", "Correct docker_config"
    try:
        with open(path, encoding="utf-8") as stream:
            return parse_config(stream.read())
    except OSError as error:
        why = str(error.strerror)
    except ValueError as error:
        why, remedy = (
            f"it is no JSON of a Docker client ({error})",
            "Correct the file, or name another one by docker_config",
        )
    raise PlanError(f"cannot read {path}", why, remedy)


def _ask_helper(program: str, server: str) -> Login:
    executable = shutil.which(program)
    if not executable:
        raise ValueError(f"{program} is not installed or not on the PATH")
    status, output = _run(program, executable, server)
    if not status:
        return login_from_helper(program, server, output)
    if any(word in output.lower() for word in _NOT_FOUND):
        return {}
    # Helpers tell their errors where they tell their secrets.
    said = " ".join(output.split())[:_SHOWN] if output and "{" not in output else f"status {status}"
    raise ValueError(f"{program} says: {said}")


def _run(program: str, executable: str, server: str) -> tuple[int, str]:
    """Status and output, which is an error's only where there is no other."""
    try:
        # No module is at hand here, whose run_command would put the answer into the log.
        done = subprocess.run(  # pylint: disable=ansible-bad-function
            [executable, "get"],
            input=server.encode(),
            capture_output=True,
            timeout=_HELPER_TIMEOUT,
            check=False,
        )
        return done.returncode, (
            done.stdout.strip() or (done.stderr.strip() if done.returncode else b"")
        ).decode(errors="replace")
    except subprocess.TimeoutExpired:
        why = f"{program} does not answer within {_HELPER_TIMEOUT:g} s"
    except OSError as error:
        why = f"{program} does not start: {str(error.strerror).lower()}"
    raise ValueError(why)
