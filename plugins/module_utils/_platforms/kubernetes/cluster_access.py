# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The address of a cluster and the login to it.

Addresses, tokens and certificates are read here, which takes a tenth of a second. What needs more,
such as exec plugins, OpenID Connect and a pod's own account, the official client does. Format:
https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import base64
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._core.errors import ShippingError, os_words
from ..._core.libraries import Library

# For plugins and OpenID Connect of kubeconfigs, and a pod's own account.
CLIENT = Library("kubernetes", "the host that talks to the cluster", "34", "38")

_SERVICE_HOST = "KUBERNETES_SERVICE_HOST"
_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount/token"
_ENVIRONMENT = {
    "ca_path": "K8S_AUTH_SSL_CA_CERT",
    "client_cert": "K8S_AUTH_CERT_FILE",
    "client_key": "K8S_AUTH_KEY_FILE",
}
# Of kubeconfigs; relative paths are relative to the file.
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_TEXTS = (
    "server",
    "tls-server-name",
    "proxy-url",
    "certificate-authority-data",
    "client-certificate-data",
    "client-key-data",
    "token",
    "username",
    "password",
    "cluster",
    "user",
    "namespace",
)


@dataclass(frozen=True)
class Access:
    """One way to one API server.

    ``authorization`` gives the header's value, also when it changes.
    """

    host: str
    namespace: str = "default"
    verify: bool = True
    ca: bytes = b""
    certificate: bytes = field(default=b"", repr=False)
    server_name: str = ""
    authorization: Callable[[], str] = field(default=lambda: "", repr=False)
    headers: tuple[tuple[str, str], ...] = ()
    proxy: str = ""
    no_proxy: str = ""
    timeout: float = 60.0


def access(options: Mapping[str, Any]) -> Access:
    """Return the access by a module's options, completed by the kubeconfig."""
    given = {**options, **_from_environment(options)}
    found = _explicit(given) if given.get("host") else _configured(given)
    changes: dict[str, Any] = {
        "headers": _impersonation(given),
        "timeout": float(given.get("timeout") or 60),
        **_login(given),
    }
    if given.get("validate_certs") is False:
        changes["verify"] = False
    for name in ("namespace", "proxy", "no_proxy"):
        if given.get(name):
            changes[name] = given[name]
    return Access(**{**vars(found), **changes})


def _impersonation(given: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return the headers by which a user acts as another one."""
    user = given.get("impersonate_user")
    return (
        *([("Impersonate-User", user)] if user else []),
        *(("Impersonate-Group", group) for group in given.get("impersonate_groups") or []),
    )


def _login(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the login and the trust that the options set."""
    result: dict[str, Any] = {}
    if given.get("api_key"):
        result["authorization"] = _bearer(given["api_key"])
    if given.get("ca_path"):
        result["ca"] = _read(given["ca_path"], "ca_path")
    if given.get("client_cert"):
        result["certificate"] = _pair(given)
    return result


def _from_environment(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options of all platforms by the variables of kubernetes.core."""
    values = {option: os.environ.get(variable) for option, variable in _ENVIRONMENT.items()}
    return {option: value for option, value in values.items() if value and not options.get(option)}


def _pair(given: Mapping[str, Any]) -> bytes:
    if not given.get("client_key"):
        raise ShippingError(
            "client_cert is set without client_key",
            "one is of no use without the other",
            "Set client_key, too",
        )
    return (
        # One PEM for load_cert_chain; the first file may end without a line feed.
        _read(given["client_cert"], "client_cert")
        + b"\n"
        + _read(given["client_key"], "client_key")
    )


def _read(path: str, option: str) -> bytes:
    try:
        with open(os.path.expanduser(path), "rb") as stream:
            return stream.read()
    except OSError as error:
        raise ShippingError(
            f"cannot read {path}",
            os_words(error),
            f"Correct {option}, a path on the host that runs the module",
        ) from error


def _bearer(token: str) -> Callable[[], str]:
    return lambda: f"Bearer {token}"


def _explicit(given: Mapping[str, Any]) -> Access:
    host = str(given["host"]).rstrip("/")
    if not host.startswith(("https://", "http://")):
        raise ShippingError(
            f"cannot use host {host}",
            "it has no scheme",
            "Write for example https://cluster.example.com:6443",
        )
    return Access(host)


def _configured(given: Mapping[str, Any]) -> Access:
    """Return the access by a kubeconfig's context; by a pod's own account without a kubeconfig."""
    paths = _paths(given)
    existing = [path for path in paths if os.path.exists(path)]
    if not existing:
        if (
            given.get("kubeconfig") is None
            and os.environ.get(_SERVICE_HOST)
            and os.path.exists(_ACCOUNT)
        ):
            return _by_client(
                lambda config, target: config.load_incluster_config(client_configuration=target),
                _account_namespace(),
            )
        raise ShippingError(
            f"no kubeconfig exists at {' or '.join(paths)}",
            "no such file on the host that runs the module",
            "Set kubeconfig, or host with api_key or client_cert",
        )
    return _of_context(_merged(existing), ", ".join(existing), given)


def _paths(given: Mapping[str, Any]) -> list[str]:
    named = given.get("kubeconfig") or os.environ.get("KUBECONFIG")
    return [
        os.path.expanduser(path) for path in (named or "~/.kube/config").split(os.pathsep) if path
    ]


def _merged(paths: list[str]) -> dict[str, Any]:
    """Merge several files: of an entry that is in two, the first counts."""
    try:
        import yaml
    except ImportError as error:
        raise CLIENT.unusable(error) from error

    result: dict[str, Any] = {}
    for path in paths:
        try:
            content = yaml.safe_load(_read(path, "kubeconfig"))
        except yaml.YAMLError as error:
            raise ShippingError(
                f"cannot read {path}",
                f"it is not YAML: {' '.join(str(error).split())}",
                "Correct the kubeconfig",
            ) from error
        if not isinstance(content, dict):
            raise _no_kubeconfig(path, "it is not a kubeconfig")
        for kind in ("clusters", "users", "contexts"):
            entries = [_section(entry, kind[:-1], path) for entry in _entries(content, kind, path)]
            result.setdefault(kind, []).extend(entries)
        if content.get("current-context"):
            result.setdefault("current-context", str(content["current-context"]))
    return result


def _entries(content: Mapping[str, Any], kind: str, path: str) -> list[Any]:
    entries = content.get(kind) or []
    if not isinstance(entries, list):
        raise _no_kubeconfig(path, f"its {kind} are no list")
    return entries


def _section(entry: Any, noun: str, path: str) -> dict[str, Any]:
    """Return an entry with its one section: values as texts, and paths relative to the file."""
    values = (entry.get(noun) or {}) if isinstance(entry, dict) else None
    if not isinstance(values, dict):
        raise _no_kubeconfig(path, f"an entry of its {noun}s is no {noun} with a name")
    folder = os.path.dirname(os.path.abspath(path))
    return {"name": str(entry.get("name")), noun: _texts(values, folder, path)}


def _texts(values: Mapping[str, Any], folder: str, path: str) -> dict[str, Any]:
    result = dict(values)
    for key in (*_TEXTS, *_PATHS):
        value = result.get(key)
        if isinstance(value, (dict, list)):
            raise _no_kubeconfig(path, f"{key} is not a string")
        if value is not None:
            result[key] = os.path.join(folder, str(value)) if key in _PATHS else str(value)
    return result


def _no_kubeconfig(path: str, why: str) -> ShippingError:
    return ShippingError(f"cannot read {path}", why, "Correct the file, or name another one")


def _of_context(config: dict[str, Any], origin: str, given: Mapping[str, Any]) -> Access:
    name = given.get("context") or config.get("current-context")
    context = _entry(config, "contexts", name, origin)
    cluster = _entry(config, "clusters", context.get("cluster"), origin)
    user = _entry(config, "users", context["user"], origin) if context.get("user") else {}
    # Left to the official client. persist_config=False: a renewed token lasts for this run, and the
    # kubeconfig is never rewritten.
    if "exec" in user or "auth-provider" in user:
        return _by_client(
            lambda loader, target: loader.kube_config.load_kube_config_from_dict(
                config, context=name, client_configuration=target, persist_config=False
            ),
            context.get("namespace") or "default",
        )
    return Access(
        host=str(cluster.get("server", "")).rstrip("/"),
        namespace=context.get("namespace") or "default",
        verify=not cluster.get("insecure-skip-tls-verify", False),
        ca=_data(cluster, "certificate-authority"),
        certificate=b"\n".join(
            filter(None, [_data(user, "client-certificate"), _data(user, "client-key")])
        ),
        server_name=cluster.get("tls-server-name", ""),
        authorization=_authorization(user),
        proxy=cluster.get("proxy-url", ""),
    )


def _entry(config: Mapping[str, Any], kind: str, name: str | None, origin: str) -> dict[str, Any]:
    noun = kind[:-1]
    found = next((entry for entry in config.get(kind) or [] if entry.get("name") == name), None)
    if found is None:
        known = ", ".join(entry.get("name", "") for entry in config.get(kind) or []) or "none"
        raise ShippingError(
            f"there is no {noun} {name or 'chosen'} in {origin}",
            f"it has {known}",
            "Set context, or correct the kubeconfig",
        )
    return dict(found.get(noun) or {})


def _data(entry: Mapping[str, Any], key: str) -> bytes:
    # The data override the file (kubeconfig v1, Cluster and AuthInfo).
    if entry.get(f"{key}-data"):
        try:
            return base64.b64decode(entry[f"{key}-data"])
        except ValueError as error:
            raise ShippingError(
                f"cannot read {key}-data of the kubeconfig",
                f"it is not base64: {error}",
                "Correct the kubeconfig",
            ) from error
    return _read(entry[key], "kubeconfig") if entry.get(key) else b""


def _authorization(user: Mapping[str, Any]) -> Callable[[], str]:
    # Before token, over which it takes precedence (kubeconfig v1, AuthInfo).
    if user.get("tokenFile"):
        # Read for each request, because kubelets rotate the tokens of service accounts.
        return lambda: f"Bearer {_read(user['tokenFile'], 'kubeconfig').decode().strip()}"
    if user.get("token"):
        return _bearer(user["token"])
    if user.get("username"):
        pair = base64.b64encode(f"{user['username']}:{user.get('password', '')}".encode()).decode()
        return lambda: f"Basic {pair}"
    return lambda: ""


def _account_namespace() -> str:
    try:
        with open(os.path.join(os.path.dirname(_ACCOUNT), "namespace"), encoding="utf-8") as stream:
            return stream.read().strip()
    except OSError:
        return "default"


def _by_client(load: Callable[[Any, Any], None], namespace: str) -> Access:
    """Return the access as the official client reads a configuration."""
    try:
        from kubernetes import client, config
    except ImportError as error:
        raise CLIENT.unusable(error) from error
    target = client.Configuration()
    # kubernetes 37 takes HTTPS_PROXY, for which there are options here; the kubeconfig may set it.
    target.proxy = None
    _load(lambda: load(config, target), lambda: bool(target.cert_file or _token(target)))
    return Access(
        host=target.host.rstrip("/"),
        namespace=namespace,
        verify=target.verify_ssl,
        ca=_read(target.ssl_ca_cert, "kubeconfig") if target.ssl_ca_cert else b"",
        certificate=b"\n".join(
            _read(path, "kubeconfig") for path in (target.cert_file, target.key_file) if path
        ),
        server_name=getattr(target, "tls_server_name", None) or "",
        # For each request, because reading the key runs the hook of the client that renews it.
        authorization=lambda: _token(target),
        proxy=target.proxy or "",
    )


def _load(load: Callable[[], None], has_login: Callable[[], bool]) -> None:
    """Load a configuration; raise ShippingError where that fails or has no login.

    The client only logs why a plugin failed.
    """
    # kube_config.py reports a failed plugin by logging.error, and loads on without a login.
    log = _ErrorLog()
    logging.getLogger().addHandler(log)
    try:
        load()
    except Exception as error:  # its plugins fail in ways of their own
        CLIENT.check_version()
        raise _no_login(" ".join(str(error).split())) from error
    finally:
        logging.getLogger().removeHandler(log)
    if log.texts and not has_login():
        raise _no_login("; ".join(log.texts))


def _no_login(why: str) -> ShippingError:
    return ShippingError(
        "cannot log in to the cluster", why, "Check the kubeconfig's user and its plugin"
    )


def _token(configuration: Any) -> str:
    # The name of the key differs between versions of the client (kubernetes 37: BearerToken).
    return str(
        configuration.get_api_key_with_prefix("authorization")
        or configuration.get_api_key_with_prefix("BearerToken")
        or ""
    )


class _ErrorLog(logging.Handler):
    """Messages that the official client only logs, such as why a plugin failed."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        self.texts.append(" ".join(record.getMessage().split()))
