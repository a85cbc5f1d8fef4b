# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images for a Kubernetes of the test bed, written straight into its registries.

No engine builds them.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import io
import json
import platform
import re
import shlex
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .images import BASE, EXAMPLE, base_archive
from .machine import exclusive_lock

if TYPE_CHECKING:
    from .kubernetes_bed import KubernetesBed

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"


@dataclass(frozen=True)
class Registry:
    """A registry by its HTTP API."""

    address: str
    credentials: tuple[str, str] | None = None

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Send one request; status 404 does not raise an error."""
        if self.credentials:
            headers["Authorization"] = (
                "Basic " + base64.b64encode(":".join(self.credentials).encode()).decode()
            )
        connection = http.client.HTTPConnection(self.address, timeout=60)
        try:
            connection.request(
                method,
                path,
                body,
                {name.replace("_", "-"): value for name, value in headers.items()},
            )
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= 400 and answer.status != 404:
            raise RuntimeError(
                f"{self.address} answers {method} {path} with {answer.status}:"
                f" {content.decode(errors='replace')}"
            )
        return answer.status, answer.headers, content

    def has(self, repository: str, digest: str) -> bool:
        """Return whether a repository has a blob."""
        return self.ask("HEAD", f"/v2/{repository}/blobs/{digest}")[0] == 200

    def blob(self, repository: str, digest: str) -> bytes:
        """Return the content of a blob."""
        status, _headers, content = self.ask("GET", f"/v2/{repository}/blobs/{digest}")
        if status != 200:
            raise RuntimeError(f"{self.address}/{repository} has no blob {digest}")
        return content

    def put_blob(
        self, repository: str, digest: str, size: int, source: bytes | Path | RepositoryPlace
    ) -> None:
        """Copy a blob into a repository; from one of the same registry it needs no transport."""
        if self.has(repository, digest):
            return
        near = isinstance(source, RepositoryPlace) and source.registry.address == self.address
        mount = (
            f"?mount={digest}&from={source.repository}"
            if isinstance(source, RepositoryPlace) and near
            else ""
        )
        status, headers, _content = self.ask(
            "POST", f"/v2/{repository}/blobs/uploads/{mount}", Content_Length="0"
        )
        if status == 201:
            return
        place = headers["Location"].partition(self.address)[2] or headers["Location"]
        upload = f"{place}{'&' if '?' in place else '?'}digest={digest}"
        if isinstance(source, RepositoryPlace):
            source = source.registry.blob(source.repository, digest)
        if isinstance(source, Path):
            with source.open("rb") as file:
                self.ask(
                    "PUT",
                    upload,
                    file,
                    Content_Length=str(size),
                    Content_Type="application/octet-stream",
                )
        else:
            self.ask("PUT", upload, source, Content_Type="application/octet-stream")

    def manifest(self, repository: str, tag: str) -> dict[str, Any] | None:
        """Return what a tag or digest stands for, None where there is no such image."""
        status, _headers, content = self.ask(
            "GET", f"/v2/{repository}/manifests/{tag}", Accept=MANIFEST
        )
        return None if status == 404 else dict(json.loads(content))

    def put_manifest(self, repository: str, tag: str, manifest: bytes) -> str:
        """Give a tag its image; the image's digest."""
        return str(
            self.ask("PUT", f"/v2/{repository}/manifests/{tag}", manifest, Content_Type=MANIFEST)[
                1
            ]["Docker-Content-Digest"]
        )


@dataclass(frozen=True)
class RepositoryPlace:
    """A repository in a registry."""

    registry: Registry
    repository: str


@dataclass(frozen=True)
class Layer:
    """A packed layer of an image and where its content is."""

    digest: str
    size: int
    diff_id: str
    source: bytes | Path | RepositoryPlace


@dataclass
class Image:
    """The parts of an image: layers, and how containers of it run."""

    layers: list[Layer] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> bytes:
        """The image's configuration, whose digest is the image's id."""
        architecture = {"x86_64": "amd64", "aarch64": "arm64"}.get(
            platform.machine(), platform.machine()
        )
        diffs = {"type": "layers", "diff_ids": [layer.diff_id for layer in self.layers]}
        return _json(
            {"architecture": architecture, "os": "linux", "config": self.settings, "rootfs": diffs}
        )


def push_image(registry: Registry, name: str, image: Image) -> str:
    """Write an image into a registry; ``name`` is repository:tag. Returns its digest."""
    repository, _colon, tag = name.partition(":")
    for layer in image.layers:
        registry.put_blob(repository, layer.digest, layer.size, layer.source)
    config = image.config
    registry.put_blob(repository, digest_of(config), len(config), config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIG, "size": len(config), "digest": digest_of(config)},
        "layers": [
            {"mediaType": LAYER, "size": layer.size, "digest": layer.digest}
            for layer in image.layers
        ],
    }
    return registry.put_manifest(repository, tag or "latest", _json(manifest))


def read_image(registry: Registry, name: str) -> Image:
    """Return an image out of a registry; ``name`` is repository:tag or repository@digest."""
    repository, _sign, tag = name.partition("@" if "@" in name else ":")
    manifest = registry.manifest(repository, tag or "latest")
    if manifest is None:
        raise RuntimeError(f"{registry.address} has no {name}")
    config = json.loads(registry.blob(repository, manifest["config"]["digest"]))
    place = RepositoryPlace(registry, repository)
    pairs = zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True)
    return Image(
        [Layer(layer["digest"], layer["size"], diff, place) for layer, diff in pairs],
        config["config"],
    )


def base_image() -> Image:
    """Return the image that all others are made from."""
    return Image([_base_layer()], {"Env": ["PATH=/usr/sbin:/usr/bin"], "Cmd": ["sleep", "1000000"]})


def _base_layer() -> Layer:
    """Packed once and kept."""
    archive = base_archive()
    packed, facts = archive.with_suffix(".tar.gz"), archive.with_suffix(".json")
    with exclusive_lock("layers"):
        if not facts.exists():
            with archive.open("rb") as unpacked, gzip.open(packed, "wb", compresslevel=1) as target:
                shutil.copyfileobj(unpacked, target, 1 << 20)
            facts.write_bytes(
                _json([_digest_of_file(packed), packed.stat().st_size, _digest_of_file(archive)])
            )
    digest, size, diff_id = json.loads(facts.read_text())
    return Layer(digest, size, diff_id, packed)


def _digest_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def make_layer(files: dict[str, bytes], mode: int = 0o644) -> Layer:
    """Return a layer of a few files; the same files make the same layer."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in sorted(files.items()):
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    packed = gzip.compress(buffer.getvalue(), 1, mtime=0)
    return Layer(digest_of(packed), len(packed), digest_of(buffer.getvalue()), packed)


def pause_archive(reference: str) -> bytes:
    """Return what a pod's own container runs, as an archive for ``ctr images import``."""
    with tarfile.open(base_archive()) as archive:
        busybox = archive.extractfile("./usr/bin/busybox")
        assert busybox is not None  # noqa: S101 - base_archive() has it
        layer = make_layer({"bin/sleep": busybox.read()}, 0o755)
    image = Image([layer], {"Entrypoint": ["/bin/sleep", "2000000000"]})
    assert isinstance(layer.source, bytes)  # noqa: S101 - make_layer() guarantees it
    manifest = [{"Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar.gz"]}]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as target:
        for name, content in (
            ("layer.tar.gz", layer.source),
            ("config.json", image.config),
            ("manifest.json", _json(manifest)),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            target.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


class Dockerfile:
    """Reads the instructions that need no running container; another one is an error."""

    def __init__(
        self,
        find: Callable[[str], Image],
        context: Path | None = None,
        arguments: dict[str, str] | None = None,
    ) -> None:
        self._find = find
        self._context = context
        self._arguments = arguments or {}
        self._values: dict[str, str] = {}
        self._image = Image()

    def read(self, text: str) -> Image:
        """Return the image that a text describes."""
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        for line in re.sub(r"\\\s*\n", " ", "\n".join(lines)).splitlines():
            word, _space, rest = line.strip().partition(" ")
            if word:
                read = getattr(self, f"_{word.lower()}", None)
                if read is None:
                    raise ValueError(f"{word} is not known here")
                read(rest.strip())
        return self._image

    def _from(self, rest: str) -> None:
        name = self._filled(rest)
        self._image = Image() if name == "scratch" else self._find(name)

    def _arg(self, rest: str) -> None:
        name, _sign, default = rest.partition("=")
        self._values[name] = self._arguments.get(name, self._filled(default))

    def _env(self, rest: str) -> None:
        entries = dict(entry.partition("=")[::2] for entry in self._image.settings.get("Env", []))
        entries.update(self._pairs(rest))
        self._values.update(entries)
        self._image.settings["Env"] = [f"{name}={value}" for name, value in entries.items()]

    def _label(self, rest: str) -> None:
        self._image.settings["Labels"] = {
            **(self._image.settings.get("Labels") or {}),
            **self._pairs(rest),
        }

    def _copy(self, rest: str) -> None:
        *sources, target = self._filled(rest).split()
        if self._context is None or rest.startswith("--"):
            raise ValueError(f"COPY {rest}: needs a context, knows no options")
        folder = target.endswith("/") or len(sources) > 1
        files = {
            f"{target.rstrip('/')}/{Path(source).name}" if folder else target: (
                (self._context / source).read_bytes()
            )
            for source in sources
        }
        self._image.layers.append(make_layer(files))

    def _cmd(self, rest: str) -> None:
        self._image.settings["Cmd"] = _words(rest)

    def _entrypoint(self, rest: str) -> None:
        self._image.settings["Entrypoint"] = _words(rest)
        self._image.settings.pop("Cmd", None)

    def _user(self, rest: str) -> None:
        self._image.settings["User"] = self._filled(rest)

    def _workdir(self, rest: str) -> None:
        self._image.settings["WorkingDir"] = self._filled(rest)

    def _stopsignal(self, rest: str) -> None:
        self._image.settings["StopSignal"] = self._filled(rest)

    def _expose(self, rest: str) -> None:
        ports: dict[str, dict[str, str]] = {
            word if "/" in word else f"{word}/tcp": {} for word in self._filled(rest).split()
        }
        self._image.settings["ExposedPorts"] = {
            **(self._image.settings.get("ExposedPorts") or {}),
            **ports,
        }

    def _pairs(self, rest: str) -> dict[str, str]:
        words = shlex.split(rest)
        if "=" not in words[0]:
            words = [f"{words[0]}={' '.join(words[1:])}"]
        return {
            self._filled(name): self._filled(value)
            for name, _sign, value in (word.partition("=") for word in words)
        }

    def _filled(self, text: str) -> str:
        return re.sub(
            r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))",
            lambda found: self._values.get(found[1] or found[3]) or found[2] or "",
            text,
        )


def _words(text: str) -> list[str]:
    return (
        [str(word) for word in json.loads(text)]
        if text.startswith("[")
        else ["/bin/sh", "-c", text]
    )


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def digest_of(content: bytes) -> str:
    """By which a registry finds it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def publish(
    cluster: KubernetesBed,
    reference: str,
    dockerfile: str,
    context: Path | None = None,
    **arguments: str,
) -> str:
    """Make an image from a Dockerfile's text, push it to its reference and return its digest."""
    address, _slash, name = reference.partition("/")

    def find(wanted: str) -> Image:
        host, _slash, image = wanted.partition("/")
        return (
            read_image(cluster.open_registry(host), image) if image else _own_base(cluster, address)
        )

    return push_image(
        cluster.open_registry(address), name, Dockerfile(find, context, arguments).read(dockerfile)
    )


def _own_base(cluster: KubernetesBed, address: str) -> Image:
    """Return the base as a registry has it; its layer is pushed once."""
    registry = cluster.open_registry(address)
    if registry.manifest(*BASE.split(":")) is None:
        push_image(registry, BASE, base_image())
    return read_image(registry, BASE)


def publish_shop(
    cluster: KubernetesBed, version: str, needs: str = "", *, private: bool = False
) -> str:
    """Publish one version of the example's web service, as a CI does."""
    return _publish_example(
        cluster, "web", f"shop-web:{version}", private=private, VERSION=version, NEEDS=needs
    )


def publish_front(cluster: KubernetesBed) -> str:
    """Publish the example's front."""
    return _publish_example(cluster, "front", "shop-front:1", private=False)


def publish_tool(cluster: KubernetesBed) -> str:
    """Publish the base as an image of many small programs."""
    return publish(cluster, cluster.image("tool:1"), f"FROM {BASE}")


def _publish_example(
    cluster: KubernetesBed, folder: str, name: str, *, private: bool, **arguments: str
) -> str:
    context = EXAMPLE / folder
    return publish(
        cluster,
        cluster.image(name, private=private),
        (context / "Dockerfile").read_text(),
        context,
        BASE=BASE,
        **arguments,
    )
