# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a service becomes what of its pods."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._platforms.kubernetes import (
    pods,
    render,
)
from hypothesis import given
from hypothesis import strategies as st

from .resolved_apps import (
    APP,
    DIGEST,
    container,
    one,
    pod,
    resolved,
    web,
)

OWN = {"shipping.code/app": "shop", "shipping.code/service": "web"}


def expand(text, known):
    """As kubelets do it (k8s.io/kubernetes/third_party/forked/golang/expansion/expand.go)."""
    result, cursor = "", 0
    while cursor < len(text):
        following = text[cursor + 1 : cursor + 2]
        end = text.find(")", cursor + 2)
        if text[cursor] != "$" or not following:
            result, cursor = result + text[cursor], cursor + 1
        elif following == "$":
            result, cursor = result + "$", cursor + 2
        elif following == "(" and end >= 0:
            name = text[cursor + 2 : end]
            result, cursor = result + known.get(name, f"$({name})"), end + 1
        else:
            result, cursor = result + "$" + following, cursor + 2
    return result


TRICKY = st.text(alphabet="$(){}A. \n", max_size=12) | st.lists(
    st.sampled_from(["$", "$$", "$(A)", "(A)", "$(", "{{.Node.ID}}", "x"]), max_size=6
).map("".join)


@given(TRICKY)
def test_what_is_escaped_stays_what_it_is(text):
    assert expand(pods.escaped(text), {"A": "WRONG"}) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("$HOME", "$HOME"),
        ("${A}", "${A}"),
        ("$(A)", "$$(A)"),
        ("a$$", "a$$$"),
        ("100$", "100$"),
        ("", ""),
    ],
)
def test_no_more_is_escaped_than_needed(text, written):
    assert pods.escaped(text) == written


def variables(**given_variables):
    """What the program sees, where the pod is on node-a."""
    fields = {"spec.nodeName": "node-a", "metadata.uid": "uid-1", "metadata.name": "web-1"}
    known = {}
    for entry in container(one(environment=given_variables)).get("env", []):
        known[entry["name"]] = (
            fields[entry["valueFrom"]["fieldRef"]["fieldPath"]]
            if "valueFrom" in entry
            else expand(entry.get("value", ""), known)
        )
    return known


PLACEHOLDERS = [
    ("{{.Node.Hostname}}", "node-a"),
    ("{{ .Node.ID }}", "node-a"),
    ("{{.Task.ID}}-{{.Task.Name}}", "uid-1-web-1"),
    ("{{.Service.Name}}", "web"),
    ("a {{.Service.Name}} $(A)", "a web $(A)"),
    ("${{.Node.Hostname}}", "$node-a"),
    ("$({{.Node.Hostname}})$", "$(node-a)$"),
    ("{{.Values.x}} {{ other }}", "{{.Values.x}} {{ other }}"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "seen"), PLACEHOLDERS)
def test_placeholders_are_filled_in(text, seen):
    assert variables(A=text)["A"] == seen


@given(
    st.dictionaries(
        st.sampled_from("ABC"), TRICKY.filter(lambda text: "{{" not in text), max_size=3
    )
)
def test_variables_refer_to_nothing(given_variables):
    assert variables(**given_variables) == given_variables


def test_an_empty_variable_has_no_value_as_the_server_keeps_none():
    assert container(one(environment={"A": ""}))["env"] == [{"name": "A"}]


def exec_probe(*command, **times):
    return {
        "exec": {"command": list(command)},
        "periodSeconds": 30,
        "timeoutSeconds": 30,
        "failureThreshold": 3,
        **times,
    }


def claim(target, source):
    return {
        "name": target.strip("/").replace("/", "-"),
        "persistentVolumeClaim": {"claimName": source},
    }


# Keys of a service -> what its container has of it.
CONTAINER = [
    ({"command": ["a", "$(B)"]}, {"args": ["a", "$$(B)"]}),
    ({"entrypoint": ["/run", "$$"]}, {"command": ["/run", "$$$"]}),
    (
        {"working_dir": "/srv", "tty": True, "stdin_open": True},
        {"workingDir": "/srv", "tty": True, "stdin": True},
    ),
    (
        {"environment": {"B": "1", "A": "x"}},
        {"env": [{"name": "A", "value": "x"}, {"name": "B", "value": "1"}]},
    ),
    (
        {"mem_limit": "64m"},
        {"resources": {"limits": {"memory": "64Mi"}, "requests": {"memory": "0"}}},
    ),
    (
        {"cpus": 0.5, "mem_reservation": "1g"},
        {"resources": {"limits": {"cpu": "500m"}, "requests": {"cpu": "0", "memory": "1Gi"}}},
    ),
    (
        {"mem_limit": "2g", "mem_reservation": "1g"},
        {"resources": {"limits": {"memory": "2Gi"}, "requests": {"memory": "1Gi"}}},
    ),
    (
        {"cpus": 1, "gpus": [{"count": 2}]},
        {
            "resources": {
                "limits": {"cpu": "1", "nvidia.com/gpu": "2"},
                "requests": {"cpu": "0", "nvidia.com/gpu": "2"},
            }
        },
    ),
    (
        {"ports": [{"target": 80, "published": 8080, "mode": "host"}]},
        {"ports": [{"containerPort": 80, "hostPort": 8080, "protocol": "TCP"}]},
    ),
    (
        {"ports": [{"target": 80, "published": 8080, "mode": "host", "host_ip": "127.0.0.1"}]},
        {
            "ports": [
                {
                    "containerPort": 80,
                    "hostPort": 8080,
                    "hostIP": "127.0.0.1",
                    "protocol": "TCP",
                }
            ]
        },
    ),
    ({"ports": ["8080:80"]}, {"ports": None}),
    ({"ports": [{"target": 80, "mode": "host"}]}, {"ports": None}),
    (
        {"ports": [{"target": 80, "published": 80, "mode": "host"}], "network_mode": "host"},
        {"ports": None},
    ),
    (
        {"stop_signal": "SIGQUIT"},
        {
            "lifecycle": {
                "preStop": {
                    "exec": {
                        "command": [
                            "/bin/sh",
                            "-c",
                            "kill -s QUIT 1; while kill -0 1 2>/dev/null; do sleep 0.2; done",
                        ]
                    }
                }
            }
        },
    ),
    *(({"stop_signal": signal}, {"lifecycle": None}) for signal in ("SIGTERM", "term", "15")),
    (
        {"read_only": True},
        {"securityContext": {"readOnlyRootFilesystem": True, "allowPrivilegeEscalation": False}},
    ),
    ({"privileged": True, "cap_add": ["SYS_ADMIN"]}, {"securityContext": {"privileged": True}}),
    (
        {"security_opt": ["no-new-privileges", "seccomp=unconfined", "apparmor=mine"]},
        {
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "seccompProfile": {"type": "Unconfined"},
                "appArmorProfile": {"type": "Localhost", "localhostProfile": "mine"},
            }
        },
    ),
    (
        {"security_opt": ["seccomp=builtin", "apparmor=unconfined", "label=type:a_t"]},
        {
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "seccompProfile": {"type": "RuntimeDefault"},
                "appArmorProfile": {"type": "Unconfined"},
                "seLinuxOptions": {"type": "a_t"},
            }
        },
    ),
    (
        {"volumes": [{"source": "data", "target": "/x", "volume": {"subpath": "a/b"}}]},
        {"volumeMounts": [{"name": "x", "mountPath": "/x", "subPath": "a/b"}]},
    ),
    (
        {"cap_add": ["NET_ADMIN"], "cap_drop": ["CHOWN"]},
        {
            "securityContext": {
                "allowPrivilegeEscalation": False,
                "capabilities": {"add": ["NET_ADMIN"], "drop": ["CHOWN"]},
            }
        },
    ),
    (
        {"volumes": ["data:/var/lib/x:ro", "/srv:/srv:rslave"]},
        {
            "volumeMounts": [
                {"name": "var-lib-x", "mountPath": "/var/lib/x", "readOnly": True},
                {"name": "srv", "mountPath": "/srv", "mountPropagation": "HostToContainer"},
            ]
        },
    ),
    (
        {"volumes": ["/a:/b:rshared"]},
        {"volumeMounts": [{"name": "b", "mountPath": "/b", "mountPropagation": "Bidirectional"}]},
    ),
    ({"volumes": ["/a:/b:private"]}, {"volumeMounts": [{"name": "b", "mountPath": "/b"}]}),
    (
        {"secrets": ["token"]},
        {
            "volumeMounts": [
                {
                    "name": "run-secrets-token",
                    "mountPath": "/run/secrets/token",
                    "subPath": "token",
                    "readOnly": True,
                }
            ]
        },
    ),
    ({"shm_size": "64m"}, {"volumeMounts": [{"name": "dev-shm", "mountPath": "/dev/shm"}]}),
    # Probes: a health check says when to serve and when to start again; a start period is one of
    # its own.
    (
        {"healthcheck": {"test": ["CMD", "ok"]}},
        {
            "readinessProbe": exec_probe("ok"),
            "livenessProbe": exec_probe("ok"),
            "startupProbe": None,
        },
    ),
    (
        {"healthcheck": {"test": "ok && $(x)"}},
        {"readinessProbe": exec_probe("/bin/sh", "-c", "ok && $(x)")},
    ),
    ({"healthcheck": {"test": ["NONE"]}}, {"readinessProbe": None, "livenessProbe": None}),
    ({"healthcheck": {"interval": "5s"}}, {"readinessProbe": None}),
    (
        {
            "healthcheck": {
                "test": ["CMD", "ok"],
                "interval": "1500ms",
                "timeout": "100ms",
                "retries": 2,
            }
        },
        {"livenessProbe": exec_probe("ok", periodSeconds=2, timeoutSeconds=1, failureThreshold=2)},
    ),
    # 20 s of patience, and then as often as it may fail afterwards.
    (
        {"healthcheck": {"test": ["CMD", "ok"], "interval": "10s", "start_period": "20s"}},
        {
            "startupProbe": exec_probe("ok", periodSeconds=5, failureThreshold=10),
            "livenessProbe": exec_probe("ok", periodSeconds=10),
        },
    ),
    (
        {
            "healthcheck": {
                "test": ["CMD", "ok"],
                "interval": "2s",
                "start_period": "9s",
                "start_interval": "4s",
            }
        },
        {"startupProbe": exec_probe("ok", periodSeconds=4, failureThreshold=4)},
    ),
    (
        {
            "x-shipping": {
                "probe": {"http": {"port": 80, "path": "/ok", "host": "x", "scheme": "https"}}
            }
        },
        {
            "readinessProbe": {
                "httpGet": {
                    "path": "/ok",
                    "port": 80,
                    "scheme": "HTTPS",
                    "httpHeaders": [{"name": "Host", "value": "x"}],
                },
                "periodSeconds": 30,
                "timeoutSeconds": 30,
                "failureThreshold": 3,
            }
        },
    ),
    (
        {
            "x-shipping": {"probe": {"tcp": {"port": 5432}}},
            "healthcheck": {"test": "ok", "interval": "3s", "timeout": "1s"},
        },
        {
            "livenessProbe": {
                "tcpSocket": {"port": 5432},
                "periodSeconds": 3,
                "timeoutSeconds": 1,
                "failureThreshold": 3,
            }
        },
    ),
]


def part(whole, shape):
    return {key: whole.get(key) for key in shape}


@pytest.mark.parametrize(("keys", "expected"), CONTAINER, ids=str)
def test_containers(keys, expected):
    assert part(container(one(**keys)), expected) == expected


PIN = {"key": "data", "path": "token", "mode": 0o444}

# Keys of a service -> what its pods have of it.
POD = [
    (
        {},
        {
            "enableServiceLinks": False,
            "automountServiceAccountToken": False,
            "volumes": None,
            "affinity": None,
            "nodeSelector": None,
        },
    ),
    (
        {"stop_grace_period": "1.5s", "hostname": "h", "init": True, "runtime": "gvisor"},
        {
            "terminationGracePeriodSeconds": 2,
            "hostname": "h",
            "shareProcessNamespace": True,
            "runtimeClassName": "gvisor",
        },
    ),
    ({"stop_grace_period": "0s"}, {"terminationGracePeriodSeconds": 0}),
    ({"network_mode": "host"}, {"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}),
    ({"volumes": ["data:/x/y"]}, {"volumes": [claim("/x/y", "shop-data")]}),
    ({"volumes": ["/anonymous"]}, {"volumes": [{"name": "anonymous", "emptyDir": {}}]}),
    (
        {"tmpfs": "/run:size=64m"},
        {"volumes": [{"name": "run", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}]},
    ),
    ({"tmpfs": "/run"}, {"volumes": [{"name": "run", "emptyDir": {"medium": "Memory"}}]}),
    (
        {"shm_size": "64m"},
        {"volumes": [{"name": "dev-shm", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}]},
    ),
    *(
        (
            {"volumes": [f"{path}:/x"]},
            {"volumes": [{"name": "x", "hostPath": {"path": path, "type": kind}}]},
        )
        for path, kind in (
            ("/srv/data", "Directory"),
            ("/", "Directory"),
            ("/etc/conf.d", "Directory"),
            ("/home/.ssh", "Directory"),
            ("/dev/shm", "Directory"),
            ("/var/run/docker.sock", "Socket"),
            ("/dev/kvm", "CharDevice"),
            ("/etc/localtime", "File"),
            ("/etc/app.conf", "File"),
        )
    ),
    (
        {"secrets": ["token"]},
        {
            "volumes": [
                {
                    "name": "run-secrets-token",
                    "secret": {"secretName": "shop-token-0123456789ab", "items": [PIN]},
                }
            ]
        },
    ),
    (
        {
            "configs": [
                {"source": "settings", "target": "/etc/App_1/a.conf", "gid": "5", "mode": 0o440}
            ]
        },
        {
            "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}, "fsGroup": 5},
            "volumes": [
                {
                    "name": "etc-app-1-a-conf-6576ef31",
                    "configMap": {
                        "name": "shop-settings-0123456789ab",
                        "items": [{"key": "data", "path": "a.conf", "mode": 0o440}],
                    },
                }
            ],
        },
    ),
    (
        {"extra_hosts": ["b=10.0.0.1", "a=10.0.0.1", "c=::1"]},
        {
            "hostAliases": [
                {"ip": "10.0.0.1", "hostnames": ["a", "b"]},
                {"ip": "::1", "hostnames": ["c"]},
            ]
        },
    ),
    (
        {"dns": "10.0.0.1", "dns_search": ["x.org"], "dns_opt": ["ndots:2", "rotate"]},
        {
            "dnsConfig": {
                "nameservers": ["10.0.0.1"],
                "searches": ["x.org"],
                "options": [{"name": "ndots", "value": "2"}, {"name": "rotate"}],
            }
        },
    ),
    (
        {"group_add": ["20", "3"], "sysctls": {"net.core.somaxconn": 1}},
        {
            "securityContext": {
                "seccompProfile": {"type": "RuntimeDefault"},
                "supplementalGroups": [3, 20],
                "sysctls": [{"name": "net.core.somaxconn", "value": "1"}],
            }
        },
    ),
    ({"privileged": True}, {"securityContext": None}),
    (
        {"platform": "linux/arm64/v8"},
        {"nodeSelector": {"kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64"}},
    ),
    (
        {"deploy": {"placement": {"max_replicas_per_node": 1}}},
        {
            "affinity": {
                "podAntiAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "labelSelector": {"matchLabels": OWN},
                            "topologyKey": "kubernetes.io/hostname",
                        }
                    ]
                }
            }
        },
    ),
    (
        {"deploy": {"placement": {"preferences": [{"spread": "node.labels.zone"}]}}},
        {
            "topologySpreadConstraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "zone",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": OWN},
                },
            ]
        },
    ),
]


@pytest.mark.parametrize(("keys", "expected"), POD, ids=str)
def test_pods(keys, expected):
    assert part(pod(one(**keys)), expected) == expected


ROLE = "node-role.kubernetes.io/control-plane"
CONSTRAINTS = [
    (
        "node.labels.gpu == yes",
        "matchExpressions",
        {"key": "gpu", "operator": "In", "values": ["yes"]},
    ),
    (
        "node.labels.a.b/c!=d",
        "matchExpressions",
        {"key": "a.b/c", "operator": "NotIn", "values": ["d"]},
    ),
    (
        "node.hostname==a",
        "matchExpressions",
        {"key": "kubernetes.io/hostname", "operator": "In", "values": ["a"]},
    ),
    (
        "node.platform.arch != arm64",
        "matchExpressions",
        {"key": "kubernetes.io/arch", "operator": "NotIn", "values": ["arm64"]},
    ),
    (
        "node.platform.os == linux",
        "matchExpressions",
        {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]},
    ),
    ("node.id == a", "matchFields", {"key": "metadata.name", "operator": "In", "values": ["a"]}),
    ("node.id != a", "matchFields", {"key": "metadata.name", "operator": "NotIn", "values": ["a"]}),
    ("node.role == manager", "matchExpressions", {"key": ROLE, "operator": "Exists"}),
    ("node.role != manager", "matchExpressions", {"key": ROLE, "operator": "DoesNotExist"}),
    ("node.role == worker", "matchExpressions", {"key": ROLE, "operator": "DoesNotExist"}),
    ("node.role != worker", "matchExpressions", {"key": ROLE, "operator": "Exists"}),
]


def terms(*constraints):
    affinity = pod(one(deploy={"placement": {"constraints": list(constraints)}}))["affinity"]
    return affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][
        "nodeSelectorTerms"
    ]


@pytest.mark.parametrize(("text", "place", "expression"), CONSTRAINTS)
def test_constraints(text, place, expression):
    assert terms(text) == [{place: [expression]}]


def test_all_constraints_must_hold():
    """One term: several would each do."""
    assert terms("node.labels.a == b", "node.id == c", "node.labels.d == e") == [
        {
            "matchExpressions": [
                {"key": "a", "operator": "In", "values": ["b"]},
                {"key": "d", "operator": "In", "values": ["e"]},
            ],
            "matchFields": [{"key": "metadata.name", "operator": "In", "values": ["c"]}],
        }
    ]


NON_ROOT = {"runAsNonRoot": True, "capabilities": {"drop": ["ALL"]}}
# Level, keys -> security of the container, whether the pod has a profile and no token.
SECURITY = [
    ("auto", {}, {"allowPrivilegeEscalation": False}, True),
    ("auto", {"user": "0"}, {"runAsUser": 0, "allowPrivilegeEscalation": False}, True),
    (
        "auto",
        {"user": "1000"},
        {"runAsUser": 1000, "allowPrivilegeEscalation": False, **NON_ROOT},
        True,
    ),
    (
        "auto",
        {"user": "1000:5"},
        {"runAsUser": 1000, "runAsGroup": 5, "allowPrivilegeEscalation": False, **NON_ROOT},
        True,
    ),
    ("restricted", {}, {"allowPrivilegeEscalation": False, **NON_ROOT}, True),
    (
        "restricted",
        {"cap_add": ["NET_BIND_SERVICE"]},
        {
            "allowPrivilegeEscalation": False,
            "runAsNonRoot": True,
            "capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]},
        },
        True,
    ),
    ("none", {}, None, False),
    (
        "none",
        {"user": "1000", "cap_drop": ["ALL"]},
        {"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}},
        False,
    ),
]


@pytest.mark.parametrize(("level", "keys", "security", "hardened"), SECURITY)
def test_security(level, keys, security, hardened):
    app = one(added={"security": level}, **keys)
    assert container(app).get("securityContext") == security
    assert (
        "automountServiceAccountToken" in pod(app),
        "seccompProfile" in pod(app).get("securityContext", {}),
    ) == (hardened, hardened)


def test_others_secrets_have_keys_of_their_own():
    app = one(secrets=[{"source": "theirs", "target": "/etc/tls.crt"}])
    for keys, key in ((["tls.crt", "tls.key"], "tls.crt"), (["b", "c"], "b")):
        app.secrets["theirs"]["keys"] = keys
        assert pod(app)["volumes"][0]["secret"] == {
            "secretName": "theirs",
            "items": [{"key": key, "path": "tls.crt", "mode": 0o444}],
        }


def test_images_are_pinned_by_digest_and_not_pulled_again():
    found = container(one())
    assert (found["image"], found["imagePullPolicy"]) == (f"nginx@{DIGEST}", "IfNotPresent")
    app = resolved(web(image="localhost:5000/a/b:1"))
    assert container(app)["image"] == f"localhost:5000/a/b@{DIGEST}"
    app.services["web"]["image"] = "localhost:5000/a/b:1"
    assert container(app)["image"] == "localhost:5000/a/b:1" and "imagePullPolicy" not in container(
        app
    )


def test_credentials_for_the_registry():
    assert pod(one(added={"pull_secret": "login"}))["imagePullSecrets"] == [{"name": "login"}]


def labels_and_annotations(**keys):
    metadata = render.workload(APP, "web", one(**keys))["spec"]["template"]["metadata"]
    return metadata["labels"], metadata.get("annotations")


def test_labels_of_pods():
    labels, annotations = labels_and_annotations(
        labels={"a": "", "b": "x_y", "c": "no label", "d": "x" * 64, "shipping.code/app": "evil"},
        annotations={"e": "f"},
    )
    assert {"a": "", "b": "x_y", **OWN, "app.kubernetes.io/name": "web"}.items() <= labels.items()
    assert annotations == {"c": "no label", "d": "x" * 64, "e": "f"}
    assert labels_and_annotations()[1] is None


def test_labels_of_networks():
    labels, _annotations = labels_and_annotations(networks=["front", "inside"])
    assert {key for key in labels if "network" in key} == {
        "network.shipping.code/shop-front",
        "network.shipping.code/shop-inside",
    }
    assert "shipping.code/internal" not in labels
    assert labels_and_annotations(networks=["inside"])[0]["shipping.code/internal"] == "true"
    assert not any(
        "network" in key or "internal" in key
        for key in labels_and_annotations(network_mode="host")[0]
    )


def test_a_workload_that_was_taken_over_keeps_what_it_is():
    """Bare: nothing of ours is added, so that no pod is replaced."""
    app = one(
        added={"bare": True, "selector": {"app": "theirs"}, "container": "main"},
        user="1000",
        environment={"A": "b"},
    )
    body = render.workload(APP, "web", app)
    assert body["spec"]["selector"] == {"matchLabels": {"app": "theirs"}}
    assert body["spec"]["template"] == {
        "metadata": {"labels": {"app": "theirs"}},
        "spec": {
            "containers": [
                {
                    "name": "main",
                    "image": f"nginx@{DIGEST}",
                    "env": [{"name": "A", "value": "b"}],
                    "securityContext": {"runAsUser": 1000},
                },
            ]
        },
    }


UPDATES = [
    (None, {"maxSurge": 0, "maxUnavailable": 1}, 0),
    ({}, {"maxSurge": 0, "maxUnavailable": 1}, 5),
    ({"order": "start-first"}, {"maxSurge": 1, "maxUnavailable": 0}, 5),
    ({"order": "start-first", "parallelism": 0}, {"maxSurge": "100%", "maxUnavailable": 0}, 5),
    ({"parallelism": 0}, {"maxSurge": 0, "maxUnavailable": "100%"}, 5),
    (
        {"parallelism": 3, "delay": "10s", "monitor": "1500ms"},
        {"maxSurge": 0, "maxUnavailable": 3},
        10,
    ),
    ({"monitor": "1500ms"}, {"maxSurge": 0, "maxUnavailable": 1}, 2),
]


@pytest.mark.parametrize("mode", ["replicated", "global"])
@pytest.mark.parametrize(("update", "rolling", "hold"), UPDATES)
def test_updates(mode, update, rolling, hold):
    spec = render.workload(
        APP,
        "web",
        one(deploy={"mode": mode, **({} if update is None else {"update_config": update})}),
    )["spec"]
    assert spec["updateStrategy" if mode == "global" else "strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": rolling,
    }
    assert spec.get("minReadySeconds", 0) == hold
