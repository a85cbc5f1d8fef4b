# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build a Dockerfile that needs BuildKit, by Docker's client on the controller.

BuildKit of an engine needs a gRPC session with its client, which the Docker SDK for Python does not
have. Clients before 23 speak to it themselves, later ones by their plugin buildx.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from typing import IO

from ...module_utils._core.errors import ShippingError, os_words
from ...module_utils._core.slow_calls import waiting_for
from ...module_utils._core.version_numbers import version_numbers
from .engine_address import EngineAddress
from .last_lines import with_last_lines
from .shipping_file import ImageBuild

_FIRST_WITHOUT = (23,)
_SECONDS = 30
Run = Callable[[list[str]], "tuple[int, str]"]


def client_words(run: Run) -> tuple[list[str], str]:
    """Return the words after ``docker`` that build, or why the client of the controller cannot."""
    code, _text = run(["buildx", "version"])
    if code == 0:
        # The default one is the engine's own, so that the image ends up there.
        return ["buildx", "build", "--builder=default", "--load"], ""
    code, text = run(["--version"])
    version = re.search(r"\d[\w.]*", text)
    if code or not version:
        return [], "the controller has no Docker client"
    if version_numbers(version[0])[:1] < _FIRST_WITHOUT:
        return ["build"], ""
    return [], f"the Docker client {version[0]} of the controller has no buildx"


def run_client(words: list[str]) -> tuple[int, str]:
    """Return the status and the output of Docker's client; 127 if it does not start."""
    try:
        done = subprocess.run(
            ["docker", *words],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 127, ""
    return done.returncode, done.stdout


def build(words: list[str], address: EngineAddress, image: ImageBuild, context: IO[bytes]) -> str:
    """Build an image from a packed context; return its ID."""
    with tempfile.TemporaryDirectory(prefix="shipping-build-") as folder:
        identity = os.path.join(folder, "id")
        command = ["docker", *_global_flags(address), *words, *_flags(image, identity), "-"]
        environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
        # It wins over the address, and over --builder.
        for name in ("DOCKER_CONTEXT", "BUILDX_BUILDER"):
            environment.pop(name, None)
        _run_build(command, context, environment, image)
        try:
            with open(identity, encoding="ascii") as file:
                return file.read().strip()
        except OSError as error:
            raise _failure(
                image, f"the client wrote no ID of the image ({os_words(error)})", ""
            ) from error


def _run_build(
    command: list[str], context: IO[bytes], environment: dict[str, str], image: ImageBuild
) -> None:
    try:
        with waiting_for(f"the build of {image.name}"):
            done = subprocess.run(
                command,
                stdin=context,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=environment,
                timeout=image.timeout,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise _failure(image, "it did not end within its timeout", _text(error.stdout)) from error
    except OSError as error:
        raise _failure(
            image, f"the Docker client does not start ({os_words(error)})", ""
        ) from error
    if done.returncode:
        cause = f"the Docker client exited with code {done.returncode}"
        raise _failure(image, cause, _text(done.stdout))


def _failure(image: ImageBuild, cause: str, output: str) -> ShippingError:
    return with_last_lines(f"the image {image.name} cannot be built", cause, output)


def _text(output: bytes | None) -> str:
    return (output or b"").decode(errors="replace")


def _global_flags(address: EngineAddress) -> list[str]:
    flags = [f"--host={address.host}"]
    if address.tls:
        flags.append("--tlsverify")
    files = (
        ("tlscacert", address.ca_path),
        ("tlscert", address.client_cert),
        ("tlskey", address.client_key),
    )
    return [*flags, *(f"--{name}={path}" for name, path in files if path)]


def _flags(image: ImageBuild, identity: str) -> list[str]:
    # Arguments are in the history of the image anyway, so they are no secrets.
    arguments = [f"--build-arg={name}={value}" for name, value in image.args.items()]
    platform = [f"--platform={image.platform}"] if image.platform else []
    file = [f"--file={image.dockerfile}", f"--iidfile={identity}", "--progress=plain"]
    return [*file, *arguments, *platform]
