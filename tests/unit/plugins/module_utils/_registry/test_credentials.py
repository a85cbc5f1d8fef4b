# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins, from whatever a Docker client keeps them in."""

from __future__ import annotations

import base64
import json
import traceback

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import PlanError
from ansible_collections.shipping.code.plugins.module_utils._registry import credentials
from ansible_collections.shipping.code.plugins.module_utils._registry.credentials import (
    HUB,
    Credentials,
)

PASSWORD = "s3cret:of:the:shop"
AUTH = base64.b64encode(f"shop:{PASSWORD}".encode()).decode()
SHOP = "registry.example.com"


@pytest.fixture
def config(monkeypatch, tmp_path):
    """Writes a Docker client's configuration, and programs for it."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DOCKER_CONFIG", raising=False)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    path = tmp_path / ".docker/config.json"
    path.parent.mkdir()

    def write(content, **helpers):
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        for name, script in helpers.items():
            program = tmp_path / f"docker-credential-{name}"
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(0o755)
        return path

    return write


def login(**more):
    return {"username": "shop", "password": PASSWORD, **more}


def answer(**values):
    return f"read server; echo $1 $server >>{{log}}; echo '{json.dumps(values)}'"


def test_given_ones_come_first(config):
    config({"auths": {SHOP: {"auth": AUTH}}})
    given = {"username": "other", "password": "x"}
    assert Credentials({SHOP: given}).for_registry(SHOP) == given
    assert "password" not in repr(Credentials({SHOP: given}))


@pytest.mark.parametrize(
    ("registry", "key"),
    [
        (SHOP, SHOP),
        (SHOP, f"https://{SHOP}/v1/"),
        (f"{SHOP}:5000", f"http://{SHOP}:5000"),
        ("docker.io", HUB),
        ("docker.io", "docker.io"),
        ("docker.io", "index.docker.io"),
        ("docker.io", "https://docker.io"),
    ],
)
def test_auths(config, registry, key):
    config({"auths": {"other.example.com": {"auth": "eDp5"}, key: {"auth": AUTH}}})
    assert Credentials().for_registry(registry) == login(serveraddress=key)


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({}, {}),
        ({"auth": AUTH, "identitytoken": "t"}, {"identitytoken": "t", "serveraddress": SHOP}),
        ({"username": "shop", "password": PASSWORD}, login(serveraddress=SHOP)),
        (
            {"auth": base64.b64encode(f"shop:{PASSWORD}\0\0".encode()).decode()},
            login(serveraddress=SHOP),
        ),
    ],
)
def test_entries(config, entry, found):
    config({"auths": {SHOP: entry}})
    assert Credentials().for_registry(SHOP) == found


def test_nobody_logged_in(config, tmp_path):
    assert Credentials().for_registry(SHOP) == {}
    config({"auths": {f"{SHOP}.evil.test": {"auth": AUTH}, f"{SHOP}:5000": {"auth": AUTH}}})
    assert Credentials().for_registry(SHOP) == {}
    assert Credentials().for_registry("docker.io") == {}


def test_which_file(config, monkeypatch, tmp_path):
    config({"auths": {SHOP: {"auth": AUTH}}})
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "nowhere"))
    assert Credentials().for_registry(SHOP)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    assert not Credentials().for_registry(SHOP)
    assert Credentials(config_path="~/.docker/config.json").for_registry(SHOP)


def test_helpers(config, tmp_path):
    log = tmp_path / "log"
    one, two = (
        answer(Username=name, Secret=PASSWORD).replace("{log}", str(log))
        for name in ("shop", "<token>")
    )
    config(
        {"auths": {SHOP: {}}, "credsStore": "one", "credHelpers": {"ghcr.io": "two"}},
        one=one,
        two=two,
    )
    assert Credentials().for_registry(SHOP) == login(serveraddress=SHOP)
    assert Credentials().for_registry("docker.io") == login(serveraddress=HUB)
    assert Credentials().for_registry("ghcr.io") == {
        "identitytoken": PASSWORD,
        "serveraddress": "ghcr.io",
    }
    assert log.read_text().splitlines() == [f"get {SHOP}", f"get {HUB}", "get ghcr.io"]


@pytest.mark.parametrize(
    "script",
    [
        "echo credentials not found in native keychain; exit 1",
        'echo \'{"Username": "", "Secret": ""}\'',
    ],
)
def test_a_helper_that_knows_nothing(config, script):
    config({"auths": {"ghcr.io": {"auth": AUTH}}, "credsStore": "one"}, one=script)
    assert Credentials().for_registry(SHOP) == {}
    assert Credentials().for_registry("ghcr.io") == login(serveraddress="ghcr.io")


BROKEN = [
    # helper's script, why
    ("echo no key; exit 1", "docker-credential-one says: no key"),
    ("echo no key >&2; exit 1", "docker-credential-one says: no key"),
    (f"""echo '{{"Secret": "{PASSWORD}"}}'; exit 3""", "docker-credential-one says: status 3"),
    (
        f"echo {PASSWORD}",
        "docker-credential-one answers with something else than a name and a secret",
    ),
    (
        f"""echo '{{"Username": 1, "Secret": "{PASSWORD}"}}'""",
        "docker-credential-one answers with something else than a name and a secret",
    ),
    ("exec sleep 9", "docker-credential-one does not answer within 0.1 s"),
]


@pytest.mark.parametrize(("script", "why"), BROKEN)
def test_broken_helpers(config, monkeypatch, script, why):
    if "sleep" in script:
        monkeypatch.setattr(credentials, "_HELPER_TIMEOUT", 0.1)
    config({"credsStore": "one"}, one=script)
    refuse(
        f"cannot read the credentials for {SHOP}",
        why,
        "Check docker_config and its credential helper, or set registry_auths",
    )


def test_helpers_that_do_not_start(config, tmp_path):
    config({"credsStore": "one"})
    refuse(
        f"cannot read the credentials for {SHOP}",
        "docker-credential-one is not installed or not on the PATH",
    )
    config({"credsStore": "one"}, one="")
    (tmp_path / "docker-credential-one").write_text("#!/no/such/shell\n")
    refuse(
        f"cannot read the credentials for {SHOP}",
        "docker-credential-one does not start: no such file or directory",
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({"auths": []}, None),
        ({"auths": [1]}, "its auths is no mapping"),
        ({"credHelpers": "x"}, "its credHelpers is no mapping"),
        ({"credsStore": ["x"]}, "its credential helper is not a name"),
        (
            {"auths": {SHOP: PASSWORD}},
            f"the entry {SHOP} of auths is not in the Docker client's format",
        ),
        (
            {"auths": {SHOP: {"auth": {"x": PASSWORD}}}},
            f"the entry {SHOP} of auths is not in the Docker client's format",
        ),
        (
            {"auths": {SHOP: {"auth": PASSWORD}}},
            f"the auth of {SHOP} is no base64 of name:password",
        ),
        (
            {"auths": {SHOP: {"auth": base64.b64encode(b"s3cret").decode()}}},
            f"the auth of {SHOP} is no base64 of name:password",
        ),
    ],
)
def test_broken_entries(config, content, why):
    config(content)
    if why:
        refuse(f"cannot read the credentials for {SHOP}", why)
    else:
        assert Credentials().for_registry(SHOP) == {}


def test_broken_files(config, tmp_path):
    path = config('{"auths": "s3cret')
    refuse(
        f"cannot read {path}",
        "it is not the JSON of a Docker client (Unterminated string starting at: line 1 column 11"
        " (char 10))",
        "Correct the file, or name",
    )
    config("[]")
    refuse(f"cannot read {path}", "it is not the JSON of a Docker client (no mapping at its top)")
    path.write_bytes(b'{"s3cret": "\xff"}')
    refuse(
        f"cannot read {path}",
        "it is not the JSON of a Docker client ('utf-8' codec can't decode byte 0xff in position"
        " 12: invalid start byte)",
    )
    with pytest.raises(
        PlanError, match=r"cannot read /no/such: no such file or directory. Correct docker_config."
    ):
        Credentials(config_path="/no/such").for_registry(SHOP)


def refuse(what, why, remedy=""):
    with pytest.raises(PlanError) as caught:
        Credentials().for_registry(SHOP)
    error = caught.value
    assert (error.what, error.why) == (what, why)
    assert error.hint.startswith(remedy)
    assert error.__cause__ is None and error.__context__ is None
    assert "s3cret" not in "".join(traceback.format_exception_only(type(error), error))


def test_a_secret_for_kubernetes(config):
    config({"auths": {HUB: {"auth": AUTH}, "ghcr.io": {"identitytoken": "t"}}})
    known = Credentials({SHOP: login(serveraddress=SHOP)})
    expected = {
        "auths": {
            HUB: {"username": "shop", "password": PASSWORD, "auth": AUTH},
            SHOP: {"username": "shop", "password": PASSWORD, "auth": AUTH},
            "ghcr.io": {"identitytoken": "t"},
        }
    }
    registries = ["docker.io", SHOP, "ghcr.io", "quay.io", SHOP]
    content = known.dockerconfigjson(registries)
    assert json.loads(content) == expected
    assert known.dockerconfigjson(reversed(registries)) == content
    assert known.dockerconfigjson(["quay.io"]) == known.dockerconfigjson([]) == b""
