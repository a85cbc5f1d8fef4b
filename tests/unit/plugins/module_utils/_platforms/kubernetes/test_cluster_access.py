# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a cluster is and how to be let in: options, kubeconfigs, variables."""

from __future__ import annotations

import base64
import os
import sys
import types

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster_access import (  # noqa: E501
    access,
)

yaml = pytest.importorskip("yaml")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    """No variables of this machine, and no kubeconfig at home."""
    for name in [name for name in os.environ if name.startswith(("K8S_AUTH_", "KUBE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def encoded(text):
    return base64.b64encode(text.encode()).decode()


def config(cluster=None, user=None, context=None, name="one"):
    """A kubeconfig of one context."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [
            {
                "name": name,
                "cluster": {"server": f"https://{name}.example:6443/", **(cluster or {})},
            }
        ],
        "users": [{"name": name, "user": user or {}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, **(context or {})}}],
    }


@pytest.fixture
def write(tmp_path):
    """Writes a kubeconfig, and gives its path."""

    def written(content, name="config"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return str(path)

    return written


# What a kubeconfig says -> what is made of it.
MEANINGS = [
    (
        {},
        {
            "host": "https://one.example:6443",
            "namespace": "default",
            "verify": True,
            "ca": b"",
            "certificate": b"",
            "server_name": "",
            "proxy": "",
        },
    ),
    ({"context": {"namespace": "stores"}}, {"namespace": "stores"}),
    ({"cluster": {"insecure-skip-tls-verify": True}}, {"verify": False}),
    ({"cluster": {"tls-server-name": "kubernetes"}}, {"server_name": "kubernetes"}),
    ({"cluster": {"proxy-url": "http://proxy:3128"}}, {"proxy": "http://proxy:3128"}),
    ({"cluster": {"certificate-authority-data": encoded("CA")}}, {"ca": b"CA"}),
    (
        {"user": {"client-certificate-data": encoded("CERT"), "client-key-data": encoded("KEY")}},
        {"certificate": b"CERT\nKEY"},
    ),
]


@pytest.mark.parametrize(("given", "expected"), MEANINGS, ids=str)
def test_kubeconfig(given, expected, write):
    found = access({"kubeconfig": write(config(**given))})
    assert {name: getattr(found, name) for name in expected} == expected


AUTHORIZATIONS = [
    ({}, ""),
    ({"token": "abc"}, "Bearer abc"),
    ({"username": "alice", "password": "s"}, f"Basic {encoded('alice:s')}"),
    ({"token": "abc", "username": "alice"}, "Bearer abc"),
]


@pytest.mark.parametrize(("user", "header"), AUTHORIZATIONS)
def test_authorization(user, header, write):
    assert access({"kubeconfig": write(config(user=user))}).authorization() == header


def test_a_token_in_a_file_may_change(write):
    path = write("first\n", "token")
    found = access({"kubeconfig": write(config(user={"tokenFile": "token", "token": "not this"}))})
    assert found.authorization() == "Bearer first"
    write("second", "token")
    assert found.authorization() == "Bearer second"
    os.unlink(path)
    with pytest.raises(ShippingError, match=r"cannot read .*token"):
        found.authorization()


def test_paths_are_relative_to_the_kubeconfig(write, monkeypatch, tmp_path):
    write("CA", "pki/ca.crt")
    write("CERT", "pki/client.crt")
    write("KEY", "pki/client.key")
    user = {"client-certificate": "client.crt", "client-key": str(tmp_path / "pki" / "client.key")}
    path = write(config({"certificate-authority": "ca.crt"}, user), "pki/config")
    monkeypatch.chdir("/")
    found = access({"kubeconfig": path})
    assert (found.ca, found.certificate) == (b"CA", b"CERT\nKEY")


def test_several_files_are_one(write, monkeypatch, tmp_path):
    """The first says what is current; a context may be in one, its cluster in another."""
    other = config({"server": "https://other.example"}, {"token": "other"}, name="two")
    first = {**config(user={"token": "first"}), "current-context": "two"}
    merged = [
        write(first, "a"),
        str(tmp_path / "missing"),
        write(
            {**other, "users": [*other["users"], {"name": "one", "user": {"token": "late"}}]}, "b"
        ),
    ]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(merged))
    assert (access({}).host, access({}).authorization()) == (
        "https://other.example",
        "Bearer other",
    )
    assert access({"context": "one"}).authorization() == "Bearer first"
    assert access({"kubeconfig": merged[0], "context": "one"}).authorization() == "Bearer first"


def test_the_one_at_home(write, tmp_path):
    (tmp_path / "home" / ".kube").mkdir(parents=True)
    (tmp_path / "home" / ".kube" / "config").write_text(
        yaml.safe_dump(config(user={"token": "home"}))
    )
    assert (
        access({}).authorization()
        == access({"kubeconfig": "~/.kube/config"}).authorization()
        == "Bearer home"
    )


# Kubeconfig, options, what is said.
BROKEN = [
    (config(), {"context": "three"}, "there is no context three in .*it has one"),
    ({**config(), "current-context": ""}, {}, "there is no context chosen in"),
    ({**config(), "clusters": []}, {}, "there is no cluster one in .*it has none"),
    ({**config(), "users": None}, {}, "there is no user one in"),
    ("a: [", {}, "cannot read .*config: it is not YAML"),
    ("just words", {}, "cannot read .*config: it is not a kubeconfig"),
    ("", {}, "it is not a kubeconfig"),
    (
        config({"certificate-authority": "nowhere.crt"}),
        {},
        "cannot read .*nowhere.crt: no such file or directory",
    ),
    (
        config({"certificate-authority-data": "abc"}),
        {},
        "cannot read certificate-authority-data .*not base64",
    ),
]


@pytest.mark.parametrize(("content", "options", "says"), BROKEN)
def test_what_is_wrong_is_said(content, options, says, write):
    with pytest.raises(ShippingError, match=says):
        access({"kubeconfig": write(content), **options})


def test_no_kubeconfig_at_all(tmp_path, monkeypatch):
    with pytest.raises(ShippingError, match=r"no kubeconfig exists at .*home/.kube/config"):
        access({})
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/a{os.pathsep}{tmp_path}/b")
    with pytest.raises(ShippingError, match=r"no kubeconfig exists at .*/a or .*/b"):
        access({})


def test_an_explicit_host_needs_no_kubeconfig(write):
    pair = {
        "client_cert": write("CERT", "c"),
        "client_key": write("KEY", "k"),
        "ca_path": write("CA", "ca"),
    }
    found = access(
        {
            "host": "https://a.example/",
            "api_key": "abc",
            "namespace": "stores",
            "validate_certs": False,
            "timeout": 5,
            "no_proxy": "x",
            **pair,
        }
    )
    assert (found.host, found.namespace, found.authorization(), found.verify, found.timeout) == (
        "https://a.example",
        "stores",
        "Bearer abc",
        False,
        5.0,
    )
    assert (found.certificate, found.ca, found.no_proxy, found.headers) == (
        b"CERT\nKEY",
        b"CA",
        "x",
        (),
    )
    with pytest.raises(ShippingError, match=r"cannot use host a\.example: it has no scheme"):
        access({"host": "a.example"})


def test_options_go_before_the_kubeconfig(write):
    path = write(config({"proxy-url": "http://one"}, {"token": "theirs"}, {"namespace": "theirs"}))
    found = access(
        {
            "kubeconfig": path,
            "api_key": "mine",
            "namespace": "mine",
            "proxy": "http://two",
            "validate_certs": False,
        }
    )
    assert (found.authorization(), found.namespace, found.proxy, found.verify) == (
        "Bearer mine",
        "mine",
        "http://two",
        False,
    )


def test_a_certificate_without_its_key(write):
    with pytest.raises(ShippingError, match="client_cert is set without client_key"):
        access({"host": "https://a", "client_cert": write("x", "c")})
    with pytest.raises(
        ShippingError, match=r"cannot read .*nowhere: no such file.*Correct ca_path"
    ):
        access({"host": "https://a", "ca_path": "/nowhere"})


def test_variables(write, monkeypatch):
    for name, content in (("SSL_CA_CERT", "CA"), ("CERT_FILE", "CERT"), ("KEY_FILE", "KEY")):
        monkeypatch.setenv(f"K8S_AUTH_{name}", write(content, name))
    found = access({"host": "https://a"})
    assert (found.ca, found.certificate, found.verify) == (b"CA", b"CERT\nKEY", True)
    assert access({"host": "https://a", "ca_path": write("mine", "mine")}).ca == b"mine"


def test_impersonation():
    found = access(
        {"host": "https://a", "impersonate_user": "bob", "impersonate_groups": ["x", "y"]}
    )
    assert found.headers == (
        ("Impersonate-User", "bob"),
        ("Impersonate-Group", "x"),
        ("Impersonate-Group", "y"),
    )


def test_secrets_are_not_shown(write):
    found = access(
        {
            "kubeconfig": write(
                config(
                    user={
                        "token": "s3cret",
                        "client-certificate-data": encoded("s3cret"),
                        "client-key-data": encoded("s3cret"),
                    }
                )
            )
        }
    )
    assert "s3cret" not in repr(found)


class Configuration:
    """As the official client's, after a plugin has logged in."""

    def __init__(self):
        self.host, self.verify_ssl, self.ssl_ca_cert, self.cert_file, self.key_file, self.proxy = (
            "",
            True,
            None,
            None,
            None,
            None,
        )
        self.tokens = iter(["Bearer one", "Bearer two"])

    def get_api_key_with_prefix(self, name):
        return next(self.tokens) if name == "authorization" else None


@pytest.fixture
def client(monkeypatch):
    """The official client, as a stub; ``asked`` has what it was to load."""
    asked = []

    def load(content, context, client_configuration, persist_config):
        if content["users"][0]["user"].get("exec", {}).get("command") == "broken":
            raise OSError("no such\nplugin")
        asked.append((content, context))
        client_configuration.host = "https://by-plugin/"

    package = types.ModuleType("kubernetes")
    package.client = types.SimpleNamespace(Configuration=Configuration)
    package.config = types.SimpleNamespace(
        kube_config=types.SimpleNamespace(load_kube_config_from_dict=load)
    )
    monkeypatch.setitem(sys.modules, "kubernetes", package)
    return asked


@pytest.mark.parametrize(
    "user", [{"exec": {"command": "login"}}, {"auth-provider": {"name": "oidc"}}]
)
def test_plugins_are_left_to_the_official_client(user, client, write):
    found = access(
        {"kubeconfig": write(config(user=user, context={"namespace": "stores"})), "context": "one"}
    )
    assert (found.host, found.namespace) == ("https://by-plugin", "stores") and client[0][
        1
    ] == "one"
    assert [found.authorization(), found.authorization()] == [
        "Bearer one",
        "Bearer two",
    ], "asked anew each time, since a token runs out"


def test_a_plugin_that_fails_or_a_client_that_is_missing(client, write, monkeypatch):
    with pytest.raises(ShippingError, match="cannot log in to the cluster: no such plugin"):
        access({"kubeconfig": write(config(user={"exec": {"command": "broken"}}))})
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(ShippingError, match="the Python package kubernetes is missing"):
        access({"kubeconfig": write(config(user={"exec": {"command": "login"}}))})
