# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds with BuildKit by Docker's client: a stand-in of the program that prints its arguments.

tests/integration/test_ship.py builds with a real one, if its client has BuildKit.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._shipping import buildkit_client
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.buildkit_client import (
    client_words,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.engine_address import (
    EngineAddress,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_file import (
    ImageBuild,
)

CLIENT = """#!/bin/sh
echo "$DOCKER_BUILDKIT $DOCKER_CONTEXT $*"
for word in "$@"; do
  case "$word" in --iidfile=*) file="${word#--iidfile=}" ;; esac
done
"""
ADDRESS = EngineAddress("tcp://build.example.com:2376", True, "ca", "cert", "key")
IMAGE = ImageBuild("web", "r/web", args={"A": "b c"}, platform="linux/arm64", timeout=2)


@pytest.mark.parametrize(
    ("answers", "words", "cause"),
    [
        ([(0, "v0.13")], ["buildx", "build", "--builder=default", "--load"], ""),
        ([(1, ""), (0, "Docker version 20.10.24+dfsg1, build 297e128")], ["build"], ""),
        (
            [(1, ""), (0, "Docker version 28.2.2, build e6534b4")],
            [],
            "the Docker client 28.2.2 of the controller has no buildx",
        ),
        ([(127, ""), (127, "")], [], "the controller has no Docker client"),
    ],
)
def test_which_client_can(answers: list[tuple[int, str]], words: list[str], cause: str) -> None:
    given = iter(answers)
    assert client_words(lambda _words: next(given)) == (words, cause)


def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str) -> str:
    program = tmp_path / "docker"
    program.write_text(CLIENT + ending)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("DOCKER_CONTEXT", "other")
    with (tmp_path / "context").open("w+b") as context:
        context.write(b"tar")
        context.seek(0)
        return buildkit_client.build(["build"], ADDRESS, IMAGE, context)


def test_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tmp_path / "said"
    ending = f'echo "$*" > {said}; cat > {said}.tar; echo sha256:1 > "$file"'
    assert build(tmp_path, monkeypatch, ending) == "sha256:1"
    words = said.read_text().split()
    tls = "--tlsverify --tlscacert=ca --tlscert=cert --tlskey=key"
    assert " ".join(words[:6]) == f"--host={ADDRESS.host} {tls} build"
    assert words[6] == "--file=Dockerfile" and words[7].startswith("--iidfile=")
    assert words[8:] == ["--progress=plain", "--build-arg=A=b", "c", "--platform=linux/arm64", "-"]
    assert (tmp_path / "said.tar").read_text() == "tar"


@pytest.mark.parametrize(
    ("ending", "cause"),
    [
        ("exit 3", "the Docker client exited with code 3"),
        ("exec sleep 10", "it did not end within its timeout"),
        ("exit 0", "the client wrote no ID of the image (no such file or directory)"),
    ],
)
def test_failures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str, cause: str) -> None:
    with pytest.raises(ShippingError) as caught:
        build(tmp_path, monkeypatch, ending)
    assert str(caught.value).startswith(f"the image web cannot be built: {cause}")
    if "ID" not in cause:
        assert "\n  | 1  --host=" in str(caught.value)


def test_no_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert buildkit_client.run_client(["--version"]) == (127, "")
    with (
        (tmp_path / "context").open("w+b") as context,
        pytest.raises(ShippingError, match="the Docker client does not start"),
    ):
        buildkit_client.build(["build"], ADDRESS, IMAGE, context)
