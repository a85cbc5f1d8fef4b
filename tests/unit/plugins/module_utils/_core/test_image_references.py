# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.image_references import (
    Reference,
    is_image_id,
)
from hypothesis import given
from hypothesis import strategies as st

DIGEST = "sha256:" + "0123456789abcdef" * 4

REFERENCES = [
    # given, registry, path, tag, digest, familiar
    ("nginx", "docker.io", "nginx", "latest", "", "nginx:latest"),
    ("nginx:1.27", "docker.io", "nginx", "1.27", "", "nginx:1.27"),
    ("library/nginx", "docker.io", "nginx", "latest", "", "nginx:latest"),
    ("docker.io/library/nginx", "docker.io", "nginx", "latest", "", "nginx:latest"),
    ("docker.io/grafana/loki:3", "docker.io", "grafana/loki", "3", "", "grafana/loki:3"),
    ("grafana/loki", "docker.io", "grafana/loki", "latest", "", "grafana/loki:latest"),
    ("localhost/app", "localhost", "app", "latest", "", "localhost/app:latest"),
    ("localhost:5000/app", "localhost:5000", "app", "latest", "", "localhost:5000/app:latest"),
    (
        "registry.example.com/a/b/c:v1",
        "registry.example.com",
        "a/b/c",
        "v1",
        "",
        "registry.example.com/a/b/c:v1",
    ),
    (
        "registry.example.com:5000/a",
        "registry.example.com:5000",
        "a",
        "latest",
        "",
        "registry.example.com:5000/a:latest",
    ),
    ("[::1]:5000/a", "[::1]:5000", "a", "latest", "", "[::1]:5000/a:latest"),
    (f"nginx@{DIGEST}", "docker.io", "nginx", "", DIGEST, "nginx"),
    (f"nginx:1@{DIGEST}", "docker.io", "nginx", "1", DIGEST, "nginx:1"),
    ("a.b_c__d-e---f", "docker.io", "a.b_c__d-e---f", "latest", "", "a.b_c__d-e---f:latest"),
]


@pytest.mark.parametrize(("given_", "registry", "path", "tag", "digest", "familiar"), REFERENCES)
def test_references(given_, registry, path, tag, digest, familiar):
    reference = Reference.parse(given_)
    assert reference == Reference(registry, path, tag, digest)
    assert reference.familiar == familiar
    assert reference.pinned(DIGEST) == f"{familiar}@{DIGEST}"


@pytest.mark.parametrize(
    "given_",
    [
        *(
            "",
            ":",
            "/app",
            "app/",
            "App",
            "my app",
            "a//b",
            "app:",
            "app:-x",
            "app:a b",
            "app:té",
            "-app",
            "app-",
            "a_.b",
        ),
        *(
            "registry.example.com:port/app",
            "my registry.example.com/app",
            "https://registry.example.com/app",
            "registry.example.com/App",
        ),
        *("app@", "app@sha256:abc", "app@" + "0123456789abcdef" * 4, "app:" + "x" * 129),
    ],
)
def test_no_references(given_):
    with pytest.raises(ValueError, match="is not an image reference; write registry/name:tag"):
        Reference.parse(given_)


@given(
    st.from_regex(
        r"([a-z]{1,5}\.example\.com(:[0-9]{2,4})?/)?[a-z0-9]{1,5}(/[a-z0-9]{1,5})?(:[a-z0-9][a-z0-9.]{0,4})?",
        fullmatch=True,
    )
)
def test_the_familiar_form_names_the_same_image(text):
    reference = Reference.parse(text)
    assert Reference.parse(reference.familiar) == reference


@pytest.mark.parametrize(
    ("given_", "expected"),
    [(DIGEST, True), (DIGEST[7:], False), ("sha256:abc", False), ("nginx", False)],
)
def test_ids_of_local_images(given_, expected):
    assert is_image_id(given_) is expected
