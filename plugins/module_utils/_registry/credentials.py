# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials of registries, read without the Docker SDK.

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

from .._core.errors import PlanError, os_words
from .._core.slow_calls import waiting_for

# Docker clients keep the Hub's login under the address of its first API.
HUB = "https://index.docker.io/v1/"
_HUB_NAMES = ("docker.io", "index.docker.io")
# docker-credential-helpers: with this name the secret is an identity token, no password.
_TOKEN_USER = "<token>"  # noqa: S105
_HELPER_TIMEOUT = 30.0
# Messages of docker-credential-helpers that mean that there is no login. They come with exit
# status 1, as errors do.
_NOT_FOUND = ("credentials not found", "no credentials server url")
_SHOWN = 200

_FIELDS = ("auth", "identitytoken", "username", "password")

Login = dict[str, str]


@dataclass(frozen=True)
class Credentials:
    """Credentials of the options first, then of the Docker client's configuration and helpers.

    A login is ``username`` and ``password``, or an ``identitytoken``, and its
    ``serveraddress``.
    """

    given: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    config_path: str | None = None

    def for_registry(self, registry: str) -> Login:
        """Return the login for a registry as references name it; empty without one."""
        given = self.given.get(registry)
        return dict(given) if given else self._configured(registry)

    def dockerconfigjson(self, registries: Iterable[str]) -> bytes:
        """Return the content of a ``kubernetes.io/dockerconfigjson`` Secret.

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
        why = ""
        try:
            helper = helper_of(content, registry)
            from_helper = _run_helper(helper, server_of(registry)) if helper else {}
            return from_helper or login_in(content, registry)
        except ValueError as error:
            why = str(error)
        # Outside of the handler: the context of an error may hold what was read.
        raise PlanError(
            f"cannot read the credentials for {registry}",
            why,
            "Check docker_config and its credential helper, or set registry_auths",
        )

    def _config_file(self) -> str:
        if self.config_path:
            return os.path.expanduser(self.config_path)
        folders = (os.environ.get("DOCKER_CONFIG") or "", os.path.expanduser("~/.docker"))
        paths = (os.path.join(folder, "config.json") for folder in folders if folder)
        return next((path for path in paths if os.path.exists(path)), "")


def server_of(registry: str) -> str:
    """Return a registry's name in Docker clients: the Hub has one of its own."""
    return HUB if registry in _HUB_NAMES else registry


def parse_config(text: str) -> dict[str, Any]:
    """Return the content of a ``config.json``; raise ValueError if it is invalid."""
    content = json.loads(text)
    if not isinstance(content, dict):
        raise ValueError("no mapping at its top")
    return content


def helper_of(content: Mapping[str, Any], registry: str) -> str:
    """Return the program that knows a registry's login; empty without one."""
    helpers = _mapping(content, "credHelpers")
    named = next(
        (helpers[name] for name in _names(registry) if helpers.get(name)), content.get("credsStore")
    )
    if named and not isinstance(named, str):
        raise ValueError("its credential helper is not a name")
    return f"docker-credential-{named}" if named else ""


def login_in(content: Mapping[str, Any], registry: str) -> Login:
    """Return what ``auths`` has for a registry; raise ValueError where it is malformed."""
    auths = _mapping(content, "auths")
    key = _key_of(auths, registry)
    if key is None:
        return {}
    entry = auths[key]
    if not isinstance(entry, dict) or not all(
        isinstance(entry.get(name, ""), str) for name in _FIELDS
    ):
        raise ValueError(f"the entry {key} of auths is not in the Docker client's format")
    if entry.get("identitytoken"):
        return {"identitytoken": entry["identitytoken"], "serveraddress": key}
    username, password = entry.get("username", ""), entry.get("password", "")
    # As the Docker client does: `auth` takes precedence over a name and a password.
    if entry.get("auth"):
        username, password = _decoded(entry["auth"], key)
    return {"username": username, "password": password, "serveraddress": key} if username else {}


def _key_of(auths: Mapping[str, Any], registry: str) -> str | None:
    """Return the key of a registry: its own name, else an address with its name."""
    names = _names(registry)
    for name in names:
        if name in auths:
            return name
    return next((key for key in auths if _host(key) in names), None)


def login_from_helper(program: str, server: str, text: str) -> Login:
    """Return the login in a helper's answer to ``get``; raise ValueError for another answer."""
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
    """Return logins by registry in the form of a Secret; empty where there are none.

    The same logins give the same bytes.

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
    if not auths:
        return b""
    # Sorted, so that the same logins do not change the Secret.
    return json.dumps({"auths": auths}, sort_keys=True, separators=(",", ":")).encode()


def basic(username: str, password: str) -> str:
    """Return user and password as RFC 7617 section 2 and configurations of Docker write them."""
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def _decoded(auth: str, key: str) -> tuple[str, str]:
    try:
        username, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except ValueError:
        username = colon = password = ""
    if not colon:
        raise ValueError(f"the auth of {key} is no base64 of name:password")
    # As decodeAuth of the Docker client does.
    return username, password.strip("\0")


def _names(registry: str) -> tuple[str, ...]:
    return (HUB, *_HUB_NAMES) if registry in _HUB_NAMES else (registry,)


def _host(key: str) -> str:
    """Return the host of a key: old clients wrote whole addresses."""
    return key.rpartition("://")[2].partition("/")[0]


def _mapping(content: Mapping[str, Any], name: str) -> dict[str, Any]:
    mapping = content.get(name) or {}
    if not isinstance(mapping, dict):
        raise ValueError(f"its {name} is no mapping")
    return mapping


def _read_config(path: str) -> dict[str, Any]:
    why, hint = "", "Correct docker_config"
    try:
        with open(path, encoding="utf-8") as stream:
            return parse_config(stream.read())
    except OSError as error:
        why = os_words(error)
    except ValueError as error:
        why, hint = (
            f"it is not the JSON of a Docker client ({error})",
            "Correct the file, or name another one by docker_config",
        )
    raise PlanError(f"cannot read {path}", why, hint)


def _run_helper(program: str, server: str) -> Login:
    executable = shutil.which(program)
    if not executable:
        raise ValueError(f"{program} is not installed or not on the PATH")
    status, output = _run(program, executable, server)
    if not status:
        return login_from_helper(program, server, output)
    if any(word in output.lower() for word in _NOT_FOUND):
        return {}
    # Helpers write their errors where they write their secrets.
    message = (
        " ".join(output.split())[:_SHOWN] if output and "{" not in output else f"status {status}"
    )
    raise ValueError(f"{program} says: {message}")


def _run(program: str, executable: str, server: str) -> tuple[int, str]:
    """Return status and output; what it writes to stderr only where there is no other."""
    try:
        # No module is at hand here, whose run_command would put the answer into the log.
        with waiting_for(program):
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
        why = f"{program} does not start: {os_words(error)}"
    raise ValueError(why)
