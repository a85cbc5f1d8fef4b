# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages that are missing, broken or of another version."""

from __future__ import annotations

import sys
from importlib import metadata

import pytest
from ansible_collections.shipping.code.plugins.module_utils._awx import awx_api
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._core.libraries import Library
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    cluster_access,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes.cluster import (
    Cluster,
)
from ansible_collections.shipping.code.plugins.module_utils._platforms.swarm.engine import (
    Connection,
    Engine,
)
from ansible_collections.shipping.code.plugins.module_utils._registry.registry_http import (
    RegistryHttp,
)

PACKAGE = Library("docker", "the host", "7.1", "8")
KUBECONFIG = "{clusters: [], users: [], contexts: []}"


def engine(_folder):
    Engine(Connection("unix:///no/such/socket"))


def kubeconfig(folder):
    (folder / "config").write_text(KUBECONFIG)
    cluster_access.access({"kubeconfig": str(folder / "config")})


# Where a package is missing -> what is said of it. Each is the first that the connection needs.
MISSING = [
    (engine, "docker", "the Python package docker is missing on the host that talks to the engine"),
    (
        kubeconfig,
        "yaml",
        "the Python package yaml is missing on the host that talks to the cluster",
    ),
    (
        lambda _folder: Cluster(cluster_access.Access("https://127.0.0.1:1")),
        "urllib3",
        "the Python package urllib3 is missing on the host that talks to the cluster",
    ),
    (
        lambda _folder: cluster_access._by_client(lambda _config, _target: None, "default"),
        "kubernetes",
        "the Python package kubernetes is missing on the host that talks to the cluster",
    ),
    (
        lambda _folder: awx_api.connect("https://127.0.0.1:1", "token", True, 1),
        "awxkit",
        "the Python package awxkit is missing on the host that talks to AWX",
    ),
    (
        lambda _folder: RegistryHttp(frozenset(), 1).request("127.0.0.1:1", "GET", "/v2/", {}),
        "urllib3",
        "the Python package urllib3 is missing on the host that queries the registries",
    ),
]


@pytest.mark.parametrize(("connect", "package", "message"), MISSING)
def test_a_package_that_is_missing(connect, package, message, monkeypatch, tmp_path):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ShippingError, match=message) as caught:
        connect(tmp_path)
    assert "pip install" in str(caught.value)


@pytest.mark.parametrize(
    ("version", "state"),
    [("6.1.3", "old"), ("7.0", "old"), ("8.0.0", "new"), ("7.1", ""), ("7.2.0.dev1", "")],
)
def test_a_version_that_does_not_fit(version, state, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda _package: version)
    if not state:
        PACKAGE.check_version()
        return
    with pytest.raises(
        ShippingError,
        match=rf"docker is too {state} on the host: it is {version}, and >=7.1,<8 is needed."
        r" Install it for that host's Python: pip install 'docker>=7.1,<8'",
    ):
        PACKAGE.check_version()


def test_an_engine_by_a_package_that_is_too_old(monkeypatch):
    """docker 6 with requests 2.32 reports: Not supported URL scheme http+docker."""
    pytest.importorskip("docker")
    monkeypatch.setattr(metadata, "version", lambda _package: "6.1.3")
    with pytest.raises(ShippingError, match="the Python package docker is too old"):
        engine(None)


def test_a_package_without_metadata(monkeypatch):
    def missing(package):
        raise metadata.PackageNotFoundError(package)

    monkeypatch.setattr(metadata, "version", missing)
    PACKAGE.check_version()


def test_a_package_that_lacks_what_is_imported():
    error = ImportError("cannot import name 'APIClient' from 'docker'", name="docker")
    assert str(PACKAGE.unusable(error)).startswith(
        "the Python package docker cannot be imported on the host: cannot import name 'APIClient'"
    )
