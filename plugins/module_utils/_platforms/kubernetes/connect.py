# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a module's options to a cluster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._deploy.ports import Platform
from ..._registry.credentials import Credentials
from ..._registry.registries import Registries
from .cluster import Cluster
from .cluster_access import access
from .completion import Completer
from .diagnoser import Diagnoser
from .driver import Driver
from .experiment_store import ExperimentStore
from .manifest_source import ManifestSource
from .options import KubernetesOptions
from .preview import Preview
from .reader import Reader
from .router import RouterPlace
from .storage import Storage
from .unblocker import Unblocker

NAME = "kubernetes"


def connect(options: Mapping[str, Any], registries: Mapping[str, Mapping[str, str]]) -> Platform:
    """Return the namespace of the cluster that the options name."""
    credentials = Credentials(registries, options.get("docker_config"))
    asked = Registries(credentials, options.get("insecure_registries") or ())
    names = KubernetesOptions.__dataclass_fields__
    own = KubernetesOptions(
        **{name: options[name] for name in names if options.get(name) is not None}
    )
    cluster = Cluster(access(options))
    storage = Storage(cluster, create_namespace=own.create_namespace)
    return Platform(
        NAME,
        reader=Reader(cluster, asked, own.monitor),
        preview=Preview(cluster, credentials, asked, own),
        driver=Driver(cluster, credentials),
        records=storage,
        leases=storage,
        diagnoser=Diagnoser(cluster, asked),
        unblocker=Unblocker(cluster),
        manifests=ManifestSource(cluster, asked),
        completer=Completer(cluster, credentials, own.pod_security),
        router=RouterPlace(cluster),
        experiments=ExperimentStore(cluster),
    )
