# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A private one-node Kubernetes with registries, in a machine of the test bed.

By hand: ``python3 -m tests.testbed.kubernetes_bed up NAME | down NAME``; ``up`` prints the path of
a kubeconfig.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import secrets
import ssl
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import kubernetes_images as images
from .downloaded_parts import MORE, programs
from .issuer import CLIENT, Issuer
from .machine import CGROUPS, Machine, run
from .swarm_bed import PASSWORD, USER, SwarmBed, htpasswd
from .tls import Authority
from .versions import TODAYS_KUBERNETES

BRIDGE, PODS, DNS = "cni0", "10.244.0.0/24", "10.244.0.1"
SERVICES, API = "10.96.0.0/16", "10.96.0.1"
PAUSE = "localhost/pause:1"
STORAGE_CLASS = "local"
VOLUMES = 30
REGISTRIES = ("registry", "private-registry")
# In the order of their start.
DAEMONS = (
    "etcd",
    "kube-apiserver",
    "containerd",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "coredns",
)
ENFORCER = "kube-router"
# What a kubelet would otherwise change for all of this machine.
_KERNEL = {
    "vm/overcommit_memory": "1",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
}
_KERNEL["kernel/keys/root_maxbytes"] = "25000000"


class KubernetesBed:
    """A control plane and a node of its own.

    Its daemons see a private /run, /var/lib and /var/log.
    """

    def __init__(self, machine: Machine, version: str = TODAYS_KUBERNETES) -> None:
        self.machine = machine
        self.version = version
        self.node = machine.name
        self.kubeconfig = machine.folder / "admin.kubeconfig"

    @property
    def address(self) -> str:
        """The machine's address: of the API server, of the registries and of host ports."""
        return self.machine.address

    @property
    def server(self) -> str:
        """The address of the API server."""
        return f"https://{self.address}:6443"

    @property
    def ca(self) -> Path:
        """The certificate of the authority that the API server's is of."""
        return self._authority.certificate

    @property
    def issuer(self) -> Issuer:
        """Add an issuer whose tokens the API server accepts once it runs."""
        return Issuer(self.machine, self._authority)

    @property
    def registry_address(self) -> str:
        """The open registry, from the node and from here."""
        return f"{self.address}:5000"

    @property
    def private_registry_address(self) -> str:
        """The registry that needs a password."""
        return f"{self.address}:5001"

    @property
    def running(self) -> bool:
        """Return whether the API server answers and the node's daemons are there."""
        return all(self.machine.pid(name) for name in ("node", *DAEMONS)) and self._answers()

    def up(self) -> None:
        """Start all of it and wait for the node, unless that is done already."""
        self.machine.up()
        if not self.running:
            self.start()

    def start(self) -> None:
        """Start what does not run and wait until the node is ready."""
        begun = time.time()
        self._enter()
        self._prepare()
        for name in DAEMONS[:3]:
            self._start(name)
        self._wait("the API server", self._answers, "kube-apiserver")
        for name in DAEMONS[3:]:
            self._start(name)
        self._load_pause()
        self._make_storage()
        self._wait("the node", lambda: self._node_is_ready(begun), "kubelet")
        self._wait(
            "the default service account",
            lambda: self._found("/api/v1/namespaces/default/serviceaccounts/default"),
            "kube-controller-manager",
        )

    def stop(self) -> None:
        """Stop all daemons as an upgrade does: the containers keep running."""
        for name in reversed(DAEMONS):
            self.machine.stop(name)

    def kill(self) -> None:
        """End all daemons and containers as a power cut does.

        The registries are elsewhere and keep running.
        """
        self.machine.kill("node", spare=[name for name in REGISTRIES if self.machine.pid(name)])

    def down(self) -> None:
        """Remove everything at once."""
        self.kill()
        self.machine.down()

    def stop_daemon(self, name: str) -> None:
        """Stop one daemon."""
        self.machine.stop(name)

    def start_daemon(self, name: str) -> None:
        """Start one daemon that was stopped."""
        self._start(name)
        if name == "kube-apiserver":
            self._wait("the API server", self._answers, name)

    def restart_daemon(self, name: str) -> None:
        """Stop one daemon and start it again."""
        self.stop_daemon(name)
        self.start_daemon(name)

    def start_enforcing(self) -> None:
        """Let NetworkPolicies be enforced, which the bridge alone does not do."""
        self.inside("sysctl", "-q", "net.bridge.bridge-nf-call-iptables=1")
        self._start(ENFORCER)

    def stop_enforcing(self) -> None:
        """Let them be words again."""
        self.machine.stop(ENFORCER)
        for direction in ("INPUT", "FORWARD", "OUTPUT"):
            self.inside("iptables", "--flush", f"KUBE-ROUTER-{direction}")
        self.inside("sysctl", "-q", "net.bridge.bridge-nf-call-iptables=0")

    def programs(self, *more: str) -> dict[str, Path]:
        """Return the paths of the programs of the cluster's version, and of those of ``MORE``."""
        return programs(*more, version=self.version)

    def kubectl(self, *words: str | Path, **options: object) -> str:
        """Run kubectl as the cluster's administrator."""
        return run(
            self.programs()["kubectl"],
            f"--cache-dir={self.machine.folder}/kubectl",
            *words,
            env=self._environment(),
            **options,
        )

    def ctr(self, *words: str | Path, **options: object) -> str:
        """Run containerd's own client on the images and containers of the pods."""
        return self.inside(
            self.programs()["ctr"],
            f"--address={self._runtime}/containerd.sock",
            "--namespace=k8s.io",
            *words,
            **options,
        )

    def inside(self, *words: str | Path, **options: object) -> str:
        """Run a command on the node."""
        return run(
            "nsenter",
            f"--target={self.machine.pid('node')}",
            "--mount",
            "--uts",
            "--net",
            *words,
            **options,
        )

    def ask(
        self, method: str, path: str, body: object = None, token: str = ""
    ) -> tuple[int, dict[str, Any]]:
        """One request to the API, as the administrator or with a token.

        The status and the answer.
        """
        context = ssl.create_default_context(cafile=str(self.ca))
        connection = http.client.HTTPSConnection(self.address, 6443, timeout=10, context=context)
        headers = {
            "Authorization": f"Bearer {token or self.token()}",
            "Content-Type": "application/json",
        }
        try:
            connection.request(
                method, path, json.dumps(body) if body is not None else None, headers
            )
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        return answer.status, json.loads(text) if text.startswith("{") else {"text": text}

    def token(self, account: str = "", namespace: str = "default") -> str:
        """Return the administrator's token, or one for a service account.

        A missing service account is created.
        """
        if not account:
            return self._tokens()["admin"]
        if not self._found(f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}"):
            self.kubectl("--namespace", namespace, "create", "serviceaccount", account)
        return self.kubectl("--namespace", namespace, "create", "token", account).strip()

    def user(self, name: str) -> Path:
        """Return a kubeconfig of a user who has a certificate and may do what RBAC lets him."""
        certificate, key = self._authority.issue(name)
        user = {"client-certificate-data": _encoded(certificate), "client-key-data": _encoded(key)}
        return self.write_kubeconfig(self.machine.folder / f"user-{name}.kubeconfig", user)

    def write_kubeconfig(
        self, path: Path, user: dict[str, str], namespace: str = "default"
    ) -> Path:
        """Return a kubeconfig for this cluster, such as with ``{"token": …}``."""
        settings = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": self.node,
                    "cluster": {
                        "server": self.server,
                        "certificate-authority-data": _encoded(self.ca),
                    },
                }
            ],
            "users": [{"name": "user", "user": user}],
            "contexts": [
                {
                    "name": self.node,
                    "context": {"cluster": self.node, "user": "user", "namespace": namespace},
                }
            ],
            "current-context": self.node,
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(settings))
        return path

    def registry(self, name: str = "registry", address: str = "", htpasswd: str = "") -> None:
        """Start a registry inside the machine; with ``htpasswd`` it accepts only known users."""
        default = self.private_registry_address if htpasswd else self.registry_address
        SwarmBed(self.machine).registry(name, address or default, htpasswd)

    def open_registry(self, address: str) -> images.Registry:
        """Return a registry by its address, with what lets one in."""
        return images.Registry(
            address, (USER, PASSWORD) if address == self.private_registry_address else None
        )

    def image(self, name: str, *, private: bool = False) -> str:
        """Return the reference of an image in a registry of the machine."""
        return f"{self.private_registry_address if private else self.registry_address}/{name}"

    def drop_image(self, reference: str) -> None:
        """Let the node lose an image; containers that run of it keep running."""
        listed = dict(line.split()[::2][:2] for line in self.ctr("images", "ls").splitlines()[1:])
        repository = re.split(r"@|:(?!.*/)", reference)[0]
        wanted = listed.get(reference)
        gone = [
            name
            for name, digest in listed.items()
            if digest == wanted and re.split(r"@|:(?!.*/)", name)[0] in {repository, "sha256"}
        ]
        if gone:
            self.ctr("images", "rm", "--sync", *gone)

    def make_volumes(self, number: int) -> None:
        """Make more volumes of one GiB."""
        folder = self.machine.folder / "volumes"
        folder.mkdir(exist_ok=True)
        first = len(list(folder.iterdir()))
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [self.node]}
        for place in (folder / f"{index:03}" for index in range(first, first + number)):
            place.mkdir()
            place.chmod(0o777)
            spec = {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce", "ReadWriteMany", "ReadOnlyMany"],
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": STORAGE_CLASS,
                "local": {"path": str(place)},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
            }
            volume = {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": f"volume-{place.name}"},
                "spec": spec,
            }
            self.ask("POST", "/api/v1/persistentvolumes", volume)

    @property
    def _authority(self) -> Authority:
        return Authority(self.machine.folder / "pki")

    @property
    def _runtime(self) -> Path:
        return self.machine.runtime

    def _environment(self) -> dict[str, str]:
        """Without proxies: all traffic stays on this machine."""
        kept = {
            name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
        }
        return {**kept, "KUBECONFIG": str(self.kubeconfig)}

    def _enter(self) -> None:
        """Start the process that keeps the mount namespace of all daemons.

        What they mount ends with it.
        """
        if self.machine.pid("node"):
            return
        folder, ready = self.machine.folder, self.machine.folder / "node.ready"
        ready.unlink(missing_ok=True)
        unified = (CGROUPS / "cgroup.controllers").exists()
        for hierarchy in (
            [CGROUPS]
            if unified
            else [entry for entry in CGROUPS.iterdir() if (entry / "cgroup.procs").exists()]
        ):
            (hierarchy / self.machine.netns).mkdir(exist_ok=True)
        self._runtime.mkdir(exist_ok=True)
        (folder / "node.sh").write_text(self._mounts(ready))
        self.machine.start("node", f"sh {folder}/node.sh")
        self._wait("the node's file systems", ready.exists, "node")

    def _mounts(self, ready: Path) -> str:
        lines = [
            "set -e",
            "mount --make-rshared /",
            "mount -t tmpfs -o mode=755 tmpfs /run",
            f"mkdir -p {self._runtime} /run/netns",
        ]
        for place in ("/var/lib", "/var/log"):
            own = self.machine.folder / "node" / place[1:].replace("/", "-")
            own.mkdir(parents=True, exist_ok=True)
            lines.append(f"mount --bind {own} {place}")
        for name, value in _KERNEL.items():
            own = self.machine.folder / "node" / name.replace("/", "-")
            own.write_text(f"{value}\n")
            lines.append(f"[ ! -e /proc/sys/{name} ] || mount --bind {own} /proc/sys/{name}")
        # What a power cut has left of the pods' network.
        lines.append(f"nft flush ruleset; ip link del {BRIDGE} 2>/dev/null || true")
        lines.append(
            f"ip link add {BRIDGE} address 0a:58:0a:f4:00:01 type bridge && ip addr add {DNS}/24"
            f" dev {BRIDGE} && ip link set {BRIDGE} up"
        )
        lines.append(f"touch {ready}")
        lines.append(f"exec sleep 2000000000 # {self._runtime}/")
        return "\n".join(lines) + "\n"

    def _prepare(self) -> None:
        """Write what the daemons read."""
        names = (
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
            "localhost",
        )
        self._authority.issue(
            "kube-apiserver",
            *(f"DNS:{name}" for name in names),
            *(f"IP:{address}" for address in (self.address, API, "127.0.0.1")),
        )
        for name in ("service-accounts", "kubelet-client"):
            if not (self._authority.folder / f"{name}.pem").exists():
                self._authority.issue(name)
        for name, token in self._tokens().items():
            self.write_kubeconfig(self.machine.folder / f"{name}.kubeconfig", {"token": token})
        for name, content in self._files().items():
            path = self.machine.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))

    def _tokens(self) -> dict[str, str]:
        """Return the tokens of the administrator and of the daemons, made once."""
        path = self.machine.folder / "tokens.csv"
        if not path.exists():
            users = {
                "admin": ("admin", "system:masters"),
                "kube-controller-manager": ("system:kube-controller-manager", ""),
                "kube-scheduler": ("system:kube-scheduler", ""),
                "kube-proxy": ("system:kube-proxy", ""),
                "kubelet": (f"system:node:{self.node}", "system:nodes"),
                "coredns": ("coredns", "system:masters"),
            }
            path.touch(mode=0o600)
            path.write_text(
                "".join(
                    f'{secrets.token_hex(16)},{user},{name},"{groups}"\n'
                    for name, (user, groups) in users.items()
                )
            )
        return {
            name: token
            for token, _user, name, _groups in (
                line.split(",") for line in path.read_text().splitlines()
            )
        }

    def _files(self) -> dict[str, str | dict[str, Any]]:
        """Return the configurations of the daemons, by their paths in the folder."""
        files: dict[str, str | dict[str, Any]] = {
            "containerd.toml": self._containerd(),
            "cni/10-bridge.conflist": _network(),
            "kubelet.json": self._kubelet(),
            "kube-proxy.json": self._kube_proxy(),
            "Corefile": self._corefile(),
        }
        for address in (self.registry_address, self.private_registry_address):
            url = f"http://{address}"
            files[f"certs.d/{address}/hosts.toml"] = (
                f'server = "{url}"\n[host."{url}"]\ncapabilities = ["pull", "resolve"]\n'
            )
        return files

    def _containerd(self) -> str:
        folder, runtime = self.machine.folder, self._runtime
        unneeded = (
            "internal.v1.opt",
            "nri.v1.nri",
            "internal.v1.tracing",
            "tracing.processor.v1.otlp",
        )
        snapshotters = ("blockfile", "btrfs", "devmapper", "erofs", "native", "zfs")
        disabled = [
            f"io.containerd.{name}"
            for name in (*unneeded, *(f"snapshotter.v1.{name}" for name in snapshotters))
        ]
        images_plugin, runtime_plugin = (
            'plugins."io.containerd.cri.v1.images"',
            'plugins."io.containerd.cri.v1.runtime"',
        )
        lines = [
            "version = 3",
            "imports = []",
            f'root = "{folder}/containerd"',
            f'state = "{runtime}/containerd"',
            f"disabled_plugins = {json.dumps(disabled)}",
            f'[grpc]\naddress = "{runtime}/containerd.sock"',
            '[debug]\nlevel = "warn"',
            '[plugins."io.containerd.metadata.v1.bolt"]\nno_sync = true',
            f'[{images_plugin}.pinned_images]\nsandbox = "{PAUSE}"',
            f'[{images_plugin}.registry]\nconfig_path = "{folder}/certs.d"',
            f"[{runtime_plugin}]\nrestrict_oom_score_adj = true\nenable_cdi = false",
            f'[{runtime_plugin}.cni]\nbin_dirs = ["/usr/lib/cni"]\nconf_dir = "{folder}/cni"',
            f'[{runtime_plugin}.containerd.runtimes.runc]\nruntime_type = "io.containerd.runc.v2"',
            f'runtime_path = "{self.programs()["containerd-shim-runc-v2"]}"',
        ]
        return "\n".join(lines) + "\n"

    def _kubelet(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": False},
                "x509": {"clientCAFile": str(self.ca)},
            },
            "authorization": {"mode": "AlwaysAllow"},
            "containerRuntimeEndpoint": f"unix://{self._runtime}/containerd.sock",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.machine.netns}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "enforceNodeAllocatable": [],
            "oomScoreAdj": 0,
            "clusterDNS": [DNS],
            "clusterDomain": "cluster.local",
            "resolvConf": "/etc/resolv.conf",
            "serializeImagePulls": False,
            "registryPullQPS": 0,
            # The disk is shared with others: its usage has no meaning for this node.
            "evictionHard": {
                "memory.available": "1%",
                "nodefs.available": "0%",
                "nodefs.inodesFree": "0%",
                "imagefs.available": "0%",
            },
            "imageGCHighThresholdPercent": 100,
        }

    def _kube_proxy(self) -> dict[str, Any]:
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "hostnameOverride": self.node,
            "clusterCIDR": PODS,
            "clientConnection": {"kubeconfig": f"{self.machine.folder}/kube-proxy.kubeconfig"},
            "nftables": {"minSyncPeriod": "100ms"},
            "conntrack": {
                "maxPerCore": 0,
                "tcpEstablishedTimeout": "0s",
                "tcpCloseWaitTimeout": "0s",
            },
            "oomScoreAdj": 0,
        }

    def _corefile(self) -> str:
        """Return the cluster's names; all others are unknown at once."""
        kubernetes = (
            f"kubernetes {{\nkubeconfig {self.machine.folder}/coredns.kubeconfig\npods insecure\n}}"
        )
        known = f"cluster.local:53 in-addr.arpa:53 {{\nbind {DNS}\nerrors\n{kubernetes}\n}}\n"
        return f"{known}.:53 {{\nbind {DNS}\ntemplate ANY ANY {{\nrcode NXDOMAIN\n}}\n}}\n"

    def _commands(self) -> dict[str, tuple[str, ...]]:
        """Return the options of each daemon."""
        folder, keys = self.machine.folder, self._authority.folder
        accounts = f"{keys}/service-accounts-key.pem"
        etcd = "http://127.0.0.1:2379"
        quiet = ("--secure-port=0", "--leader-elect=false", "--profiling=false")
        return {
            "etcd": (
                f"--data-dir={folder}/etcd",
                f"--listen-client-urls={etcd}",
                f"--advertise-client-urls={etcd}",
                "--listen-peer-urls=http://127.0.0.1:2380",
                "--unsafe-no-fsync",
                "--log-level=error",
            ),
            "kube-apiserver": (
                f"--etcd-servers={etcd}",
                f"--advertise-address={self.address}",
                f"--service-cluster-ip-range={SERVICES}",
                f"--tls-cert-file={keys}/kube-apiserver.pem",
                f"--tls-private-key-file={keys}/kube-apiserver-key.pem",
                f"--client-ca-file={self.ca}",
                f"--token-auth-file={folder}/tokens.csv",
                "--authorization-mode=Node,RBAC",
                "--enable-admission-plugins=NodeRestriction",
                "--allow-privileged",
                "--profiling=false",
                "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
                f"--service-account-key-file={keys}/service-accounts.pem",
                f"--service-account-signing-key-file={accounts}",
                f"--kubelet-client-certificate={keys}/kubelet-client.pem",
                f"--kubelet-client-key={keys}/kubelet-client-key.pem",
                f"--oidc-issuer-url={self.issuer.url}",
                f"--oidc-client-id={CLIENT}",
                f"--oidc-ca-file={self.ca}",
                "--oidc-username-prefix=oidc:",
                "--kubelet-preferred-address-types=InternalIP",
                "--shutdown-watch-termination-grace-period=1s",
            ),
            "containerd": (f"--config={folder}/containerd.toml",),
            "kube-controller-manager": (
                f"--kubeconfig={folder}/kube-controller-manager.kubeconfig",
                "--use-service-account-credentials",
                f"--service-account-private-key-file={accounts}",
                f"--root-ca-file={self.ca}",
                f"--cluster-signing-cert-file={self.ca}",
                f"--cluster-signing-key-file={keys}/ca-key.pem",
                *quiet,
            ),
            "kube-scheduler": (f"--kubeconfig={folder}/kube-scheduler.kubeconfig", *quiet),
            "kubelet": (
                f"--kubeconfig={folder}/kubelet.kubeconfig",
                f"--config={folder}/kubelet.json",
                f"--hostname-override={self.node}",
                f"--node-ip={self.address}",
            ),
            "kube-proxy": (f"--config={folder}/kube-proxy.json",),
            "coredns": ("-conf", f"{folder}/Corefile"),
            ENFORCER: (
                f"--kubeconfig={self.kubeconfig}",
                f"--hostname-override={self.node}",
                f"--service-cluster-ip-range={SERVICES}",
                "--health-port=0",
                "--run-firewall",
                "--run-router=false",
                "--run-service-proxy=false",
            ),
        }

    def _start(self, name: str) -> None:
        if self.machine.pid(name):
            return
        proxies = " ".join(
            f"-u {variable}" for variable in os.environ if variable.lower().endswith("_proxy")
        )
        place = f"nsenter --target={self.machine.pid('node')} --mount --uts"
        command = (
            f"{place} env {proxies} {self.programs(*MORE.keys() & {name})[name]}"
            f" {' '.join(self._commands()[name])}"
        )
        self.machine.start(name, command, isolated=False)

    def _answers(self) -> bool:
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except OSError:
            return False

    def _found(self, path: str) -> bool:
        return self.ask("GET", path)[0] == 200

    def _node_is_ready(self, begun: float) -> bool:
        """Return whether the node has reported since, and is schedulable."""
        status, node = self.ask("GET", f"/api/v1/nodes/{self.node}")
        if status != 200 or node["spec"].get("taints"):
            return False
        since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(begun))
        ready = [
            entry for entry in node["status"].get("conditions", ()) if entry["type"] == "Ready"
        ]
        return any(
            entry["status"] == "True" and entry["lastHeartbeatTime"] >= since for entry in ready
        )

    def _load_pause(self) -> None:
        """Give the node what the pods' own containers run."""
        self._wait("containerd", self._containerd_answers, "containerd")
        if PAUSE not in self.ctr("images", "ls", "-q").split():
            archive = self.machine.folder / "pause.tar"
            archive.write_bytes(images.pause_archive(PAUSE))
            self.ctr("images", "import", archive)

    def _containerd_answers(self) -> bool:
        try:
            self.ctr("version")
        except RuntimeError:
            return False
        return True

    def _make_storage(self) -> None:
        """Create a default storage class and volumes of one GiB for it.

        A volume that was claimed is not given again.
        """
        metadata = {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        }
        settings = {
            "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "WaitForFirstConsumer",
        }
        storage = {
            "apiVersion": "storage.k8s.io/v1",
            "kind": "StorageClass",
            "metadata": metadata,
            **settings,
        }
        status, _answer = self.ask("POST", "/apis/storage.k8s.io/v1/storageclasses", storage)
        if status == 201:
            self.make_volumes(VOLUMES)

    def _wait(
        self, what: str, condition: Callable[[], bool], daemon: str, patience: float = 90
    ) -> None:
        deadline = time.monotonic() + patience
        while not condition():
            if self.machine.pid(daemon) is None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"{what} did not get ready; see {self.machine.folder}/{daemon}.log"
                )
            time.sleep(0.1)


def _network() -> dict[str, Any]:
    """Return the network of the pods.

    Addresses are assigned again after a power cut, so they are kept in /run.
    """
    addresses = {
        "type": "host-local",
        "dataDir": "/run/cni-addresses",
        "ranges": [[{"subnet": PODS, "gateway": DNS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": addresses,
    }
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            bridge,
            {"type": "portmap", "capabilities": {"portMappings": True}, "snat": True},
        ],
    }


def _encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def up(name: str) -> None:
    """Start a cluster with registries and the example's images; print its kubeconfig's path."""
    programs(tell=lambda line: print(line, file=sys.stderr, flush=True))
    cluster = KubernetesBed(Machine(name))
    cluster.up()
    cluster.registry()
    cluster.registry("private-registry", htpasswd=htpasswd())
    images.publish_tool(cluster)
    images.publish_front(cluster)
    for version in ("1.0.0", "1.1.0"):
        images.publish_shop(cluster, version)
    images.publish_shop(cluster, "1.1.0", private=True)
    print(cluster.kubeconfig)


def down(name: str) -> None:
    """Remove a cluster."""
    KubernetesBed(Machine(name)).down()


def main(words: list[str]) -> int:
    """Run one command."""
    command = {"up": up, "down": down}.get(words[0] if len(words) == 2 else "")
    if command is None:
        print(__doc__)
        return 2
    command(words[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
