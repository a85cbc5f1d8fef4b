# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base images of a Dockerfile, and what the classic builder cannot do."""

from __future__ import annotations

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.dockerfile import (
    check_buildkit,
    parse,
)

BASES = {
    "FROM debian:12\nRUN true": ["debian:12"],
    "from debian as Build\nFROM scratch\nCOPY --from=build /a /b": ["debian"],
    "FROM debian AS build\nFROM build\nCOPY --from=0 /a /b": ["debian"],
    "FROM scratch\nCOPY --from=docker.io/library/busybox:1 /bin /bin": [
        "docker.io/library/busybox:1"
    ],
    "ARG TAG=12\nARG BASE=debian:$TAG\nFROM ${BASE}": ["debian:12"],
    'ARG BASE="debian:12"\nFROM $BASE\nARG BASE=other\nFROM $BASE AS x': ["debian:12"],
    "ARG TAG\nFROM debian:${TAG:-11}\nFROM alpine${TAG:+:3}": ["debian:11", "alpine"],
    "# a comment\nFROM \\\n  # in between\n\n  debian:12": ["debian:12"],
    "# escape=`\nFROM `\ndebian:12\nRUN dir C:\\\nFROM alpine": ["debian:12", "alpine"],
    "FROM --platform=linux/arm64 debian:12": ["debian:12"],
    "# syntax=docker/dockerfile:1\nFROM a": ["docker/dockerfile:1", "a"],
    "FROM a\nRUN --mount=from=b,target=/b --mount=target=/c,from=c true": ["a", "b", "c"],
    "FROM a\nRUN <<EOF\nFROM b\nEOF\nFROM c": ["a", "c"],
    "FROM a\nCOPY <<-'A' <<B /x/\nFROM b\n\tA\nFROM b\nB\nFROM c": ["a", "c"],
    "FROM a\nRUN echo '<<EOF'\nFROM c": ["a", "c"],
    "FROM --platform=$BUILDPLATFORM a\nFROM b:$TARGETARCH$TARGETVARIANT": ["a", "b:arm64v8"],
}


@pytest.mark.parametrize("text", BASES)
def test_base_images(text: str) -> None:
    assert parse(text).base_images({}, "linux/arm64/v8", "linux/amd64") == BASES[text]


def test_an_argument_replaces_the_default() -> None:
    text = "ARG TAG=11\nFROM debian:$TAG"
    assert parse(text).base_images({"TAG": "12"}) == ["debian:12"]


NEEDS = {
    "# syntax=docker/dockerfile:1\nFROM a": "line 1: # syntax",
    "FROM a\nRUN --mount=type=cache,target=/x true": "line 2: RUN --mount",
    "FROM a\nCOPY --chmod=755 --link b c": "line 2: COPY --chmod, line 2: COPY --link",
    "FROM a\nADD --checksum=sha256:0 https://x /y": "line 2: ADD --checksum",
    "FROM a\nRUN <<EOF\ntrue\nEOF": "line 2: RUN <<",
    "FROM --platform=$BUILDPLATFORM a": "line 1: FROM with a variable of the platform",
}


@pytest.mark.parametrize("text", NEEDS)
def test_buildkit(text: str) -> None:
    with pytest.raises(ShippingError) as caught:
        check_buildkit(parse(text), "web/Dockerfile", "there is no client")
    assert caught.value.what == "web/Dockerfile cannot be built"
    assert caught.value.why == f"it needs BuildKit for {NEEDS[text]}, and there is no client"
    check_buildkit(parse(text), "web/Dockerfile", "")


@pytest.mark.parametrize(
    "text",
    [
        "FROM a\nCOPY --from=b --chown=1:1 c d\nRUN test 1 -lt 2 && echo '--mount=x'",
        "# a comment\n# syntax=docker/dockerfile:1\nFROM a",
        "FROM a\nRUN [ $((1<<4)) = 16 ]",
    ],
)
def test_the_classic_builder_suffices(text: str) -> None:
    check_buildkit(parse(text), "Dockerfile", "there is no client")
