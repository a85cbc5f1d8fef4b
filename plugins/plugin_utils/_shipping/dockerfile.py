# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read a Dockerfile: its base images, and whether it needs BuildKit. Pure.

Reference: https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ...module_utils._core.errors import ShippingError

_DIRECTIVE = re.compile(r"#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*")
_FLAG = re.compile(r"--([a-z-]+)(?:=(\S*))?")
_VARIABLE = re.compile(r"\\\$|\$(?:(\w+)|\{(\w+)(?:(:[-+])([^}]*))?\})")
_HEREDOC = re.compile(r"<<(-?)\s*([\"']?)([A-Za-z_][\w.]*)\2")
_MOUNT_SOURCE = re.compile(r"(?:^|[,\s])from=([^,\s]+)")
# Flags that the classic builder rejects ("Unknown flag", or "requires BuildKit").
_BUILDKIT_FLAGS = {
    "RUN": {"mount", "network", "security", "device"},
    "COPY": {"link", "chmod", "parents", "exclude"},
    "ADD": {"link", "chmod", "checksum", "keep-git-dir", "unpack", "exclude"},
}
# Only BuildKit sets these for FROM.
_BUILDKIT_VARIABLES = re.compile(r"\$\{?(?:BUILD|TARGET)(?:PLATFORM|OS|ARCH|VARIANT)\b")


@dataclass(frozen=True)
class Instruction:
    """One instruction: its line, its name in capitals, its flags and the rest of it."""

    line: int
    name: str
    rest: str
    flags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dockerfile:
    """The instructions of a Dockerfile, and the directives above them."""

    directives: Mapping[str, str]
    instructions: tuple[Instruction, ...]

    def needs_of_buildkit(self) -> list[str]:
        """Return what the classic builder cannot do, each with its line."""
        needs = [f"line 1: # {name}" for name in self.directives if name == "syntax"]
        for instruction in self.instructions:
            needs += [f"line {instruction.line}: {need}" for need in _buildkit_needs(instruction)]
        return needs

    def base_images(self, args: Mapping[str, str], system: str = "", engine: str = "") -> list[str]:
        """Return the references of images that the build takes from elsewhere.

        ``system`` is that of the image, ``engine`` that of the engine, as ``linux/amd64``.
        """
        values = {**_platform_variables("TARGET", system), **_platform_variables("BUILD", engine)}
        stages: set[str] = set()
        # Its frontend is an image, too, which BuildKit runs.
        images = dict.fromkeys([self.directives["syntax"]] if "syntax" in self.directives else ())
        count = 0
        for instruction in self.instructions:
            if instruction.name == "ARG" and not count:
                values.update(_default(instruction.rest, values, args))
            elif instruction.name == "FROM":
                image, stage = _from(instruction, values)
                if image != "scratch" and image.lower() not in stages:
                    images[image] = None
                stages |= {stage.lower(), str(count)}
                count += 1
            sources = _sources(instruction)
            images.update(dict.fromkeys(name for name in sources if name.lower() not in stages))
        return list(images)


def parse(text: str) -> Dockerfile:
    """Return the instructions in a Dockerfile."""
    lines = text.removeprefix("\ufeff").splitlines()
    directives = _directives(lines)
    escape = directives.get("escape", "\\")
    return Dockerfile(directives, tuple(map(_instruction_at, _joined(lines, escape))))


def check_buildkit(dockerfile: Dockerfile, path: str, lacking: str) -> None:
    """Raise ShippingError if a Dockerfile needs BuildKit; ``lacking`` is why it cannot be used."""
    needs = dockerfile.needs_of_buildkit()
    if needs and lacking:
        raise ShippingError(
            f"{path} cannot be built",
            f"it needs BuildKit for {', '.join(needs)}, and {lacking}",
            "Install Docker's client with buildx on the controller, or write the file without them",
        )


def _directives(lines: Iterable[str]) -> dict[str, str]:
    """Return the directives, which end with the first other line."""
    directives: dict[str, str] = {}
    for line in lines:
        match = _DIRECTIVE.fullmatch(line.strip())
        if not match or match[1].lower() not in ("syntax", "escape", "check"):
            break
        directives[match[1].lower()] = match[2]
    return directives


def _joined(lines: Sequence[str], escape: str) -> Iterator[tuple[int, str]]:
    """Yield instructions without comments, each in one line, with the number of its first line."""
    begun, parts, ignored = 0, list[str](), 0
    for number, line in enumerate(lines, start=1):
        stripped = line.strip()
        # Also between the lines of one instruction, where both are left out.
        if number <= ignored or not stripped or stripped.startswith("#"):
            continue
        begun = begun or number
        if stripped.endswith(escape):
            parts.append(stripped.removesuffix(escape))
            continue
        instruction = "".join([*parts, stripped])
        yield begun, instruction
        ignored = _end_of_heredocs(instruction, lines, number)
        begun, parts = 0, []
    if parts:
        yield begun, "".join(parts)


def _end_of_heredocs(instruction: str, lines: Sequence[str], number: int) -> int:
    """Return the number of the last line of the here-documents that an instruction begins."""
    if instruction.partition(" ")[0].upper() not in _BUILDKIT_FLAGS:
        return number
    for dash, _quote, word in _HEREDOC.findall(instruction):
        texts = [line.lstrip("\t") if dash else line for line in lines[number:]]
        # Without its end it is not a here-document, such as in a quoted text.
        number += texts.index(word) + 1 if word in texts else 0
    return number


def _instruction_at(numbered: tuple[int, str]) -> Instruction:
    number, line = numbered
    name, _blank, rest = line.partition(" ")
    flags: dict[str, str] = {}
    rest = rest.strip()
    while match := _FLAG.match(rest):
        # RUN may have several mounts.
        flags[match[1]] = f"{flags.get(match[1], '')} {match[2] or ''}".strip()
        rest = rest[match.end() :].strip()
    return Instruction(number, name.strip().upper(), rest, flags)


def _sources(instruction: Instruction) -> list[str]:
    """Return the images and stages that an instruction copies or mounts from."""
    if instruction.name == "RUN":
        return _MOUNT_SOURCE.findall(instruction.flags.get("mount", ""))
    source = instruction.flags.get("from", "")
    return [source] if source else []


def _platform_variables(prefix: str, system: str) -> dict[str, str]:
    """Return the variables that BuildKit sets for a system."""
    parts = dict(zip(("OS", "ARCH", "VARIANT"), system.split("/"), strict=False))
    found = {f"{prefix}{name}": value for name, value in parts.items() if value}
    return {f"{prefix}PLATFORM": system, **found} if system else {}


def _buildkit_needs(instruction: Instruction) -> Iterator[str]:
    flags = _BUILDKIT_FLAGS.get(instruction.name, set())
    for flag in sorted(instruction.flags.keys() & flags):
        yield f"{instruction.name} --{flag}"
    if instruction.name in _BUILDKIT_FLAGS and _HEREDOC.search(instruction.rest):
        # A shell's own heredoc needs its text in the same line, which no instruction has.
        yield f"{instruction.name} <<"
    text = f"{instruction.flags.get('platform', '')} {instruction.rest}"
    if instruction.name == "FROM" and _BUILDKIT_VARIABLES.search(text):
        yield "FROM with a variable of the platform"


def _default(
    rest: str, values: Mapping[str, str], args: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the variables of an ARG before the first FROM."""
    for word in rest.split():
        name, _equals, default = word.partition("=")
        yield name, args.get(name, _expanded(default.strip("\"'"), values))


def _from(instruction: Instruction, values: Mapping[str, str]) -> tuple[str, str]:
    """Return the image and the name of a stage."""
    words = instruction.rest.split()
    image = _expanded(words[0].strip("\"'"), values) if words else ""
    return image, words[2] if len(words) == 3 and words[1].upper() == "AS" else ""


def _expanded(text: str, values: Mapping[str, str]) -> str:
    """Replace ``$NAME``, ``${NAME}``, ``${NAME:-default}`` and ``${NAME:+word}``."""

    def value(match: re.Match[str]) -> str:
        found = values.get(match[1] or match[2] or "", "")
        operator, word = match[3], match[4] or ""
        if operator == ":-":
            return found or word
        if operator == ":+":
            return word if found else ""
        return found

    return _VARIABLE.sub(value, text)
