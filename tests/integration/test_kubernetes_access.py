# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to a cluster and what is said where there is none.

What a deployer must be allowed to do, and no more.
"""

from __future__ import annotations

import base64
import copy
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.testbed.tls import Authority
from tests.testbed.tunnel import http_proxy

from .harness import ROOT, Player, PlayOutcome, until
from .specs import Spec, changed, tool, with_service

pytestmark = [pytest.mark.only("kubernetes"), pytest.mark.long]

ROLE = ROOT / "playbooks" / "files" / "kubernetes" / "role.yml"
APP = "hello"
DENIED = "the cluster does not accept these credentials"


def infos(player: Player, platform: Any, *connections: dict[str, Any]) -> list[dict[str, Any]]:
    """What release_info says by each of these connections, in one play.

    ``environment`` and ``vars`` are no options, but those of the task.
    """
    tasks: list[dict[str, Any]] = []
    for number, connection in enumerate(connections):
        options = {
            "app": "nothing",
            "namespace": "nothing",
            "platform": platform.name,
            "timeout": 5,
            **connection,
        }
        keywords = {name: options.pop(name, {}) for name in ("environment", "vars")}
        tasks.append(
            {
                "name": f"{number}",
                "shipping.code.release_info": options,
                "ignore_errors": True,
                **keywords,
            }
        )
    outcome = player.start_tasks(player.folder(), tasks).wait()
    assert "Traceback" not in outcome.output and len(outcome.results) == len(connections), (
        outcome.output
    )
    return outcome.results


def by_host(platform: Any, **options: Any) -> dict[str, Any]:
    """The options of the administrator without a kubeconfig."""
    return {
        "host": platform.cluster.server,
        "api_key": platform.cluster.token(),
        "ca_path": str(platform.cluster.ca),
        **options,
    }


def certificate_of(platform: Any, name: str, folder: Path) -> dict[str, str]:
    """The options of a user who has a certificate."""
    user = json.loads(platform.cluster.user(name).read_text())["users"][0]["user"]
    for part in ("certificate", "key"):
        (folder / f"{name}-{part}.pem").write_bytes(base64.b64decode(user[f"client-{part}-data"]))
    return {
        "client_cert": f"{folder}/{name}-certificate.pem",
        "client_key": f"{folder}/{name}-key.pem",
    }


def test_ways_in(platform: Any, player: Player) -> None:
    """A kubeconfig given or in the environment, a token, no check of the server.

    Further cases: other rights than one's own, variables that other collections use.
    """
    kubeconfig, address, token = (
        str(platform.cluster.kubeconfig),
        platform.cluster.server,
        platform.cluster.token(),
    )
    results = infos(
        player,
        platform,
        {"kubeconfig": kubeconfig},
        {"kubeconfig": kubeconfig, "context": platform.cluster.node},
        {"environment": {"KUBECONFIG": kubeconfig}},
        {
            "environment": {
                "K8S_AUTH_HOST": address,
                "K8S_AUTH_SSL_CA_CERT": str(platform.cluster.ca),
            },
            "api_key": token,
        },
        by_host(platform),
        by_host(platform, ca_path=None, validate_certs=False),
        by_host(platform, impersonate_user="bob", impersonate_groups=["system:masters"]),
    )
    assert [result.get("history", result.get("msg")) for result in results] == [[]] * 7


def test_certificates(platform: Any, player: Player, tmp_path: Path) -> None:
    """A user with a certificate may do what RBAC lets him.

    Who may nothing is told the first thing of it.
    """
    carol, alice = (certificate_of(platform, name, tmp_path) for name in ("carol", "alice"))
    platform.cluster.kubectl(
        "create", "clusterrolebinding", "carol", "--clusterrole=cluster-admin", "--user=carol"
    )
    half = {"client_cert": carol["client_cert"]}
    allowed, denied, useless = infos(
        player,
        platform,
        *(by_host(platform, api_key=None, **user) for user in (carol, alice, half)),
    )
    assert allowed["history"] == []
    assert (
        "alice may not list persistentvolumeclaims" in denied["msg"]
        and 'in the namespace "nothing"' in denied["msg"]
        and "Role" in denied["msg"]
    )
    assert "client_cert is set without client_key" in useless["msg"]


def test_contexts(platform: Any, player: Player, tmp_path: Path) -> None:
    """One of several contexts, from several files.

    A wrong name is told with those that there are.
    """
    second = json.loads(platform.cluster.kubeconfig.read_text())
    second["clusters"] = [{"name": "far", "cluster": {"server": "https://127.0.0.1:1"}}]
    second["contexts"] = [{"name": "far", "context": {"cluster": "far", "user": "user"}}]
    second["current-context"] = "far"
    (tmp_path / "second").write_text(json.dumps(second))
    both = {"kubeconfig": f"{tmp_path}/second:{platform.cluster.kubeconfig}"}
    near, far, wrong = infos(
        player,
        platform,
        {**both, "context": platform.cluster.node},
        both,
        {**both, "context": "nera"},
    )
    assert near["history"] == []
    assert "no connection to the cluster at https://127.0.0.1:1: connection refused" in far["msg"]
    assert (
        "there is no context nera" in wrong["msg"]
        and platform.cluster.node in wrong["msg"]
        and "far" in wrong["msg"]
    )


# Options that replace those of the administrator -> what is said.
NO_WAY_IN: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "wrong-token": ({"api_key": "no-such-token"}, (DENIED, "api_key")),
    "no-token": ({"api_key": None}, ("system:anonymous may not", "Set api_key")),
    "no-ca": (
        {"ca_path": None},
        ("no trusted connection", "its certificate is not trusted", "ca_path"),
    ),
    "no-such-file": (
        {"ca_path": "/no/such/file.pem"},
        ("cannot read /no/such/file.pem", "ca_path"),
    ),
    "no-certificate": ({"ca_path": "/etc/hostname"}, ("ca_path",)),
    "no-scheme": ({"host": "cluster.example.com"}, ("it has no scheme", "https://")),
    "nobody-listens": (
        {"host": "https://127.0.0.1:1"},
        ("no connection to the cluster at https://127.0.0.1:1: connection refused",),
    ),
    "no-such-host": (
        {"host": "https://no-such-host.invalid"},
        ("no connection to the cluster at https://no-such-host.invalid",),
    ),
    "no-kubeconfig": (
        {"host": None, "api_key": None, "kubeconfig": "/no/such/kubeconfig"},
        ("no kubeconfig exists at /no/such/kubeconfig",),
    ),
}


@pytest.fixture(scope="module")
def refusals(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What is said of each of them."""
    results = infos(
        Player(tmp_path_factory.mktemp("refusals")),
        platform,
        *(by_host(platform, **options) for options, _says in NO_WAY_IN.values()),
    )
    return {name: str(result.get("msg")) for name, result in zip(NO_WAY_IN, results, strict=True)}


@pytest.mark.parametrize("name", NO_WAY_IN)
def test_no_way_in(name: str, refusals: dict[str, str]) -> None:
    """Where, why and what to do."""
    for text in NO_WAY_IN[name][1]:
        assert text in refusals[name]


def test_no_way_in_any_more(platform: Any, player: Player, tmp_path: Path) -> None:
    """A token whose account is gone, as one that has expired.

    An authority that is not the server's; a server that is no API server.
    """
    token, other = platform.cluster.token("leaving"), str(Authority(tmp_path / "other").certificate)
    platform.cluster.kubectl("delete", "serviceaccount", "leaving")
    ended, untrusted, strange = infos(
        player,
        platform,
        by_host(platform, api_key=token),
        by_host(platform, ca_path=other),
        by_host(platform, host=f"http://{platform.registry}"),
    )
    assert DENIED in ended["msg"] and "expired" in ended["msg"] and token not in ended["msg"]
    assert (
        "no trusted connection" in untrusted["msg"]
        and "its certificate is not trusted" in untrusted["msg"]
        and "ca_path" in untrusted["msg"]
    )
    assert "404" in strange["msg"], strange["msg"]


def test_exec_plugin(platform: Any, player: Player, tmp_path: Path) -> None:
    """A program that logs in is asked by the official client; one that fails is told."""
    credential = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": platform.cluster.token()},
    }
    connections = []
    for name, script in (
        ("works", f"echo '{json.dumps(credential)}'"),
        ("fails", "echo the login has ended >&2; exit 3"),
    ):
        plugin = tmp_path / name
        plugin.write_text(f"#!/bin/sh\n{script}\n")
        plugin.chmod(0o755)
        user = {
            "exec": {
                "apiVersion": credential["apiVersion"],
                "command": str(plugin),
                "interactiveMode": "Never",
            }
        }
        connections.append(
            {
                "kubeconfig": str(
                    platform.cluster.write_kubeconfig(tmp_path / f"{name}.kubeconfig", user)
                )
            }
        )
    works, fails = infos(player, platform, *connections)
    assert works["history"] == []
    assert (
        "cannot log in to the cluster" in fails["msg"] and "the login has ended" in fails["msg"]
    ), fails["msg"]


def test_openid_connect(platform: Any, player: Player, tmp_path: Path) -> None:
    """A token of a company's own identities.

    One that has ended is renewed by the official client, and who may not come again is told so.
    """
    issuer = platform.cluster.issuer
    issuer.up()
    platform.cluster.kubectl(
        "create", "clusterrolebinding", "grace", "--clusterrole=cluster-admin", "--user=oidc:grace"
    )
    users = {
        "fresh": issuer.provider(issuer.token("grace", 3600)),
        "renewed": issuer.provider(issuer.token("grace", -300)),
        "ended": issuer.provider(issuer.token("grace", -300), refresh_token="has-ended"),
        "nobody": issuer.provider(issuer.token("mallory", 3600)),
    }
    paths = {
        name: platform.cluster.write_kubeconfig(tmp_path / name, user)
        for name, user in users.items()
    }
    # The API server asks for the issuer's keys every ten seconds, until it has them.
    until(
        lambda: platform.cluster.ask("GET", "/api", token=issuer.token("grace", 300))[0] == 200, 30
    )
    fresh, renewed, ended, nobody = infos(
        player, platform, *({"kubeconfig": str(path)} for path in paths.values())
    )
    assert [fresh.get("history", fresh.get("msg")), renewed.get("history", renewed.get("msg"))] == [
        [],
        [],
    ]
    assert (
        "cannot log in to the cluster" in ended["msg"]
        and "the refresh token has ended" in ended["msg"]
    ), ended["msg"]
    assert "oidc:mallory may not list" in nobody["msg"], nobody["msg"]


def test_through_a_proxy(platform: Any, player: Player, tmp_path: Path) -> None:
    """Given, in the kubeconfig or in the environment, except for hosts that need none.

    One that is away is told as the proxy that it is.
    """
    server = platform.cluster.server
    kubeconfig = json.loads(platform.cluster.kubeconfig.read_text())
    with http_proxy() as between:
        kubeconfig["clusters"][0]["cluster"]["proxy-url"] = between.address
        (tmp_path / "kubeconfig").write_text(json.dumps(kubeconfig))
        used = infos(
            player,
            platform,
            by_host(platform, proxy=between.address),
            {"kubeconfig": f"{tmp_path}/kubeconfig"},
            {"environment": {"K8S_AUTH_PROXY": between.address}, **by_host(platform)},
        )
        tunnels = len(between.asked)
        (direct,) = infos(
            player,
            platform,
            by_host(platform, proxy=between.address, no_proxy=server.split("/")[2].split(":")[0]),
        )
    assert [result.get("history", result.get("msg")) for result in (*used, direct)] == [[]] * 4
    assert (
        tunnels >= 3
        and set(between.asked) == {server.removeprefix("https://")}
        and len(between.asked) == tunnels
    )
    (away,) = infos(player, platform, by_host(platform, proxy="http://127.0.0.1:1"))
    assert "127.0.0.1:1" in away["msg"] and "proxy" in away["msg"], away["msg"]


def test_inside_the_cluster(platform: Any, player: Player, tmp_path: Path) -> None:
    """A play in a pod uses the pod's own account: no kubeconfig, no token.

    Here in a mount namespace that has a pod's files.
    """
    account = tmp_path / "serviceaccount"
    account.mkdir()
    for name, content in {
        "token": platform.cluster.token(),
        "ca.crt": platform.cluster.ca.read_text(),
        "namespace": "of-the-pod",
    }.items():
        (account / name).write_text(content)
    host, _colon, port = platform.cluster.server.removeprefix("https://").rpartition(":")
    python = tmp_path / "python"
    there = "/run/secrets/kubernetes.io"
    inside = (
        f"mount -t tmpfs none /run && mkdir -p {there} && cp -r {account} {there} && exec"
        f' {sys.executable} "$@"'
    )
    python.write_text(
        f"#!/bin/sh\nexec unshare --mount --propagation private sh -c '{inside}' sh \"$@\"\n"
    )
    python.chmod(0o755)
    pod = {
        "environment": {
            "KUBERNETES_SERVICE_HOST": host,
            "KUBERNETES_SERVICE_PORT": port,
            "PATH": os.environ["PATH"],
        },
        "vars": {"ansible_python_interpreter": str(python)},
    }
    found, outside = infos(
        player, platform, {**pod, "namespace": None}, {"environment": pod["environment"]}
    )
    assert found.get("history", found.get("msg")) == []
    assert "no kubeconfig exists" in outside["msg"], outside["msg"]


def spec_of(platform: Any, **environment: str) -> Spec:
    """An app with one of everything."""
    grants = {
        "secrets": ["token"],
        "configs": ["settings"],
        "volumes": ["data:/data"],
        "ports": ["18795:80"],
        "networks": ["inside"],
    }
    web = tool(platform, environment=environment, **grants)
    contents = {
        "secrets": {"token": {"content": "a token"}},
        "configs": {"settings": {"content": "some settings"}},
    }
    return {
        "services": {"web": web},
        **contents,
        "volumes": {"data": {}},
        "networks": {"inside": {"internal": True}},
    }


@pytest.fixture(scope="module")
def deployer(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The options of an account that has the documented Role and nothing else; its app is there."""
    platform.cluster.kubectl("create", "namespace", APP)
    platform.cluster.kubectl("apply", "--filename", ROLE)
    token = platform.cluster.token("deployer", APP)
    options = {
        **platform.options,
        **by_host(platform, kubeconfig=None, api_key=token),
        "create_namespace": False,
    }
    wait_for_right(platform, "patch", "deployments.apps", True)
    outcome = run(
        Player(tmp_path_factory.mktemp("deployer")),
        options,
        "release",
        version="1",
        spec=spec_of(platform),
    )
    assert outcome.ok, outcome.output
    return options


def run(player: Player, deployer: dict[str, Any], module: str, **options: Any) -> PlayOutcome:
    """Run a module as the deployer."""
    given = {"app": APP, "namespace": APP, **deployer, **options}
    return player.run(
        module,
        (
            given
            if module == "release"
            else {key: value for key, value in given.items() if key != "create_namespace"}
        ),
    )


def wait_for_right(platform: Any, verb: str, resource: str, wanted: bool) -> None:
    """The API server takes a Role up after a moment."""
    account = f"system:serviceaccount:{APP}:deployer"
    body: dict[str, Any] = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview"}
    name, _dot, group = resource.partition(".")
    attributes = {
        "namespace": APP,
        "verb": verb,
        "group": group,
        "resource": name,
        **({"name": APP} if name == "namespaces" else {}),
    }
    body["spec"] = {"user": account, "resourceAttributes": attributes}
    until(
        lambda: (
            platform.cluster.ask(
                "POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body
            )[1]["status"]["allowed"]
            == wanted
        ),
        10,
    )


def test_least_privilege(platform: Any, player: Player, deployer: dict[str, Any]) -> None:
    """With the documented Role alone.

    Releases, a failure told with its log, back, other numbers, a look, the end, and a start from
    nothing.
    """
    private = changed(
        spec_of(platform, NEW="1"),
        "web",
        image=platform.image("shop-web:1.1.0", private=True),
        command=["sleep", "100000"],
    )
    second = run(
        player,
        deployer,
        "release",
        version="2",
        spec=private,
        registry_auths=[platform.credentials],
    )
    assert second.ok and second.result["changed"], second.output
    assert (
        run(
            player,
            deployer,
            "release",
            version="2",
            spec=private,
            registry_auths=[platform.credentials],
        ).result["changed"]
        is False
    )
    broken = run(
        player,
        deployer,
        "release",
        version="3",
        spec=changed(spec_of(platform), "web", command=["sh", "-c", "echo no luck; exit 7"]),
        max_crashes=1,
    )
    assert broken.result["outcome"] == "rolled_back" and "no luck" in broken.result["msg"], (
        broken.output
    )
    scaled = run(player, deployer, "scale", replicas={"web": 2})
    assert scaled.ok and platform.replicas_of(APP, "web") == 2, scaled.output
    back = run(player, deployer, "rollback", registry_auths=[platform.credentials])
    assert back.ok and back.result["release"]["rollback_of"] == 1, back.output
    known = run(player, deployer, "release_info").result
    assert known["live"]["version"] == "1" and known["drift"] == []
    gone = run(player, deployer, "release", state="absent")
    assert gone.ok and platform.objects("service", APP) == set(), gone.output
    again = run(player, deployer, "release", version="1", spec=spec_of(platform))
    assert again.ok, again.output


@pytest.fixture
def without(
    platform: Any, deployer: dict[str, Any], request: pytest.FixtureRequest
) -> Iterator[tuple[str, str]]:
    """The Role lacks a verb for a resource."""
    verb, resource = request.param
    name, _dot, group = resource.partition(".")
    (role,) = (body for body in yaml.safe_load(ROLE.read_text())["items"] if body["kind"] == "Role")
    less = copy.deepcopy(role)
    (rule,) = [
        rule for rule in less["rules"] if name in rule["resources"] and group in rule["apiGroups"]
    ]
    rule["verbs"].remove(verb)
    less["rules"] = [rule for rule in less["rules"] if rule["verbs"]]
    platform.cluster.kubectl("replace", "--filename=-", input=json.dumps(less))
    wait_for_right(platform, verb, resource, False)
    yield verb, name
    platform.cluster.kubectl("replace", "--filename=-", input=json.dumps(role))
    wait_for_right(platform, verb, resource, True)


NEEDED = [
    ("get", "namespaces"),
    ("list", "secrets"),
    ("create", "secrets"),
    ("patch", "deployments.apps"),
    ("create", "services"),
    ("create", "networkpolicies.networking.k8s.io"),
    ("update", "leases.coordination.k8s.io"),
    ("watch", "pods"),
    ("list", "events"),
]


@pytest.mark.parametrize("without", NEEDED, indirect=True, ids="-".join)
def test_a_right_that_is_missing(
    without: tuple[str, str], platform: Any, player: Player, deployer: dict[str, Any]
) -> None:
    """It is told which verb on which resource, and for whom."""
    verb, resource = without
    more = with_service(spec_of(platform, NEW="2"), "more", tool(platform, networks=["more"]))
    more["networks"]["more"] = {}
    outcome = run(player, deployer, "release", version="4", spec=more, rollout_timeout=20)
    assert not outcome.ok and "Traceback" not in outcome.output
    told = outcome.result["msg"]
    assert (
        f"deployer may not {verb} {resource}" in told
        or f'deployer" cannot {verb} resource "{resource}"' in told
    ), told


def test_a_ci_deploys_with_the_access_of_the_role(
    platform: Any, player: Player, tmp_path: Path
) -> None:
    """It has its own namespace and no other one, until the access is withdrawn."""
    own, other = "ci-shop", "ci-other"
    file = tmp_path / "ci.kubeconfig"
    for name in (own, other):
        platform.cluster.kubectl("create", "namespace", name)
    granted = {
        "ci_access_namespace": own,
        "ci_access_path": str(file),
        "ci_access_connection": {"kubeconfig": platform.options["kubeconfig"]},
    }

    def grant(*flags: str, **changes: str) -> PlayOutcome:
        role = {"name": "shipping.code.ci_access"}
        tasks = [{"ansible.builtin.import_role": role, "vars": {**granted, **changes}}]
        return player.start_tasks(player.folder(), tasks, *flags).wait()

    predicted = grant("--check")
    assert predicted.ok and predicted.result["changed"], predicted.output
    assert not file.exists() and platform.kubectl(own, "get", "roles", "--output=name") == ""
    first = grant("--diff")
    assert first.ok and first.result["objects"] == predicted.result["objects"], first.output
    assert '"kind": "RoleBinding"' in first.output
    token = json.loads(file.read_text())["users"][0]["user"]["token"]
    assert token not in first.output and file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    again = grant()
    assert again.result["changed"] and not again.result["renewed"], again.output
    assert file.stat().st_mode & 0o777 == 0o600
    assert grant().result["changed"] is False

    access = {
        **platform.options,
        "kubeconfig": str(file),
        "version": "1",
        "namespace": own,
        "create_namespace": False,
    }
    spec = {"services": {"web": tool(platform)}}

    def release(**options: Any) -> PlayOutcome:
        return player.run("release", {"app": "shop", "spec": spec, **access, **options})

    until(lambda: release().ok, 20)
    denied = release(namespace=other)
    assert (
        not denied.ok and f"system:serviceaccount:{own}:deployer may not " in denied.result["msg"]
    )

    platform.kubectl(own, "create", "serviceaccount", "taken")
    taken = grant(ci_access_name="taken")
    assert not taken.ok and "it was not created by this collection" in taken.result["msg"]
    assert release(state="absent").ok
    withdrawn = grant(ci_access_state="absent")
    assert withdrawn.ok and len(withdrawn.result["objects"]) == 3 and not file.exists()
    assert grant(ci_access_state="absent").result["changed"] is False
    outcome = release(**by_host(platform, kubeconfig=None, api_key=token))
    # The API server remembers a valid token for some seconds.
    assert "may not list" in outcome.result["msg"] or DENIED in outcome.result["msg"]
