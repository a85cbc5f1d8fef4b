# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a catalog may say, and how it is told what it may not."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.module_utils._toolbox.installer_registry import (
    INSTALLERS,
)
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.json_schema import schema
from ansible_collections.shipping.code.plugins.plugin_utils._catalog.project_file import (
    Pointer,
    Project,
    keys_of,
    read,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_reader import parse

ROOT = Path(__file__).parents[5]
SUM, COMMIT = "a" * 64, "b" * 40
GOOD = {
    "script": "{type: script, version: '1', file: hello.sh, self_test: [t, --help], priority: 3}",
    "git": f"{{type: git, version: '1', repository: repo, commit: {COMMIT}, commands: [bin/t]}}",
    "python": "{type: python, version: '1', lock: lock.txt, wheels: wheels, commands: [t]}",
    "archive": (
        f"{{type: archive, version: '1', url: https://example.com/t.tar.gz, sha256: {SUM}, strip:"
        " 1, commands: {t: bin/t}}"
    ),
    "binary": (
        f"{{type: binary, version: '1', file: t, sha256: {SUM}, platforms: [{{os: linux, arch:"
        " x86_64}]}"
    ),
    "npm": (
        "{type: npm, version: '1', package_lock: package-lock.json, tarballs: tarballs, node:"
        " /usr/bin/node, without_scripts: [esbuild], commands: [t]}"
    ),
    "package": (
        "{type: package, version: '1', packages: {debian-12: [jq, {name: yq, version: '3.1.0-3'}],"
        " fedora: [{name: jq}]}}"
    ),
    "env": "{type: env, variables: {ATLAS_URL: 'https://atlas.example.com'}}",
    "file": "{type: file, file: t.toml, path: conf/t.toml}",
}


def text(tool: str) -> str:
    return f"description: Maps\ntools:\n  t: {tool}\n"


def signed(signature: str) -> str:
    return f"{{type: binary, version: '1', file: t, sha256: {SUM}, signature: {signature}}}"


def problems(content: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        read(content, "atlas.yml", "atlas")
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("kind", INSTALLERS)
def test_each_kind(kind: str):
    project = read(text(GOOD[kind]), "atlas.yml", "atlas")
    assert isinstance(project, Project)
    assert project.tools[0]["type"] == kind
    assert len(project.tools[0]["variants"]) == 1


@pytest.mark.parametrize("kind", INSTALLERS)
def test_the_schema_takes_what_the_reader_takes(kind: str):
    jsonschema.validate(parse(text(GOOD[kind]), "atlas.yml"), schema())


@pytest.mark.parametrize("kind", INSTALLERS)
def test_unknown_keys_are_refused_by_both(kind: str):
    content = text(GOOD[kind].replace("type:", "descripton: x, type:"))
    assert problems(content) == ["atlas.yml:3:7: unknown key descripton; did you mean description?"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parse(content, "atlas.yml"), schema())


def test_the_schema_beside_the_docs_is_this_one():
    assert json.loads((ROOT / "docs/project.schema.json").read_text()) == schema(), "call make docs"


def test_every_key_has_a_text():
    for installer in INSTALLERS.values():
        assert all(key.text.endswith(".") for key in keys_of(installer).values())


@pytest.mark.parametrize(
    ("tool", "said"),
    [
        (
            "{type: binary, version: '1', url: https://example.com/t}",
            "3:6: t needs exactly one of sha256, sha512, since all content must be pinned",
        ),
        (
            "{type: archive, version: '1', file: t.tar, commands: [t]}",
            "3:6: t needs exactly one of sha256, sha512, since all content must be pinned",
        ),
        ("{type: git, version: '1', repository: r, commands: [t]}", "3:6: t needs commit"),
        (
            "{type: package, version: '1', packages: {Debian: [jq]}}",
            "3:47: 'Debian' is not the ID of a distribution",
        ),
        (
            "{type: package, version: '1', packages: {debian: [-s]}}",
            "3:56: must be the name of a package",
        ),
        (
            "{type: package, version: '1', packages: {debian: [jq-]}}",
            "3:56: must be the name of a package",
        ),
        (
            "{type: package, version: '1', packages: {debian: [{name: jq, version: 1.6}]}}",
            "3:76: must be text; write it in quotes, as '1.6'",
        ),
        ("{type: package, version: '1', packages: {debian: []}}", "must name at least one package"),
        ("{type: package, version: '1', packages: {}}", "must name at least one distribution"),
        (f"{{type: binary, version: '1', sha256: {SUM}}}", "3:6: t needs exactly one of url, file"),
        (
            "{type: binry}",
            (
                "3:13: 'binry' must be one of script, git, python, npm, package, archive, binary,"
                " env, file; did you mean binary?"
            ),
        ),
        (
            "{version: '1'}",
            (
                "3:6: has no type; set type to one of script, git, python, npm, package, archive,"
                " binary, env, file"
            ),
        ),
        (
            "{type: script, version: 1.10, file: t}",
            "3:30: must be text; write it in quotes, as '1.10'",
        ),
        (
            "{type: script, version: '1', file: ../t}",
            "3:41: must be a path below the folder of the catalog, not '../t'",
        ),
        (
            "{type: script, version: '1', file: /etc/shadow}",
            "3:41: must be a path below the folder of the catalog, not '/etc/shadow'",
        ),
        (
            "{type: script, version: '1', file: t, commands: [tools]}",
            "3:55: 'tools' cannot be a command here",
        ),
        (
            "{type: script, version: '1', file: t, commands: ['a b']}",
            "3:55: 'a b' cannot be a command here",
        ),
        (
            f"{{type: git, version: '1', repository: r, commit: {COMMIT[:8]}, commands: [t]}}",
            "the full id of a commit, 40 hexadecimal digits",
        ),
        (
            "{type: env, variables: {LD_PRELOAD: x}}",
            "3:30: LD_PRELOAD is no project's own variable",
        ),
        (
            "{type: env, variables: {'A B': x}}",
            "3:30: 'A B' cannot be the name of an environment variable",
        ),
        (
            f"{{type: binary, version: '1', file: t, sha256: {SUM}, sha512: {SUM * 2}}}",
            "3:6: t needs exactly one of sha256, sha512",
        ),
        (
            f"{{type: binary, version: '1', file: t, sha512: {SUM}}}",
            "3:52: must be a sha512, 128 hexadecimal digits",
        ),
        (signed("{}"), "3:129: must have exactly one of minisign, cosign"),
        (signed("{minisig: {key: x}}"), "3:130: unknown key minisig; did you mean minisign?"),
        (
            signed("{minisign: {key: cosign.pub, file: t.minisig}}"),
            "3:146: must be a public key of minisign, the second line of its .pub file, which"
            " begins with RW",
        ),
        (
            signed("{cosign: {key: cosign.pub}}"),
            "3:138: needs exactly one of url, file, where the signature is",
        ),
        (
            signed("{cosign: {identity: ada@example.com, file: t.sigstore.json}}"),
            "3:149: keyless signatures (Fulcio, Rekor) are not supported; write key: with the path"
            " of the public key",
        ),
        (
            f"{{type: archive, version: '1', file: t, sha256: {SUM}, commands: [t], setid: keep}}",
            "'keep' must be one of drop",
        ),
        (
            f"{{type: archive, version: '1', file: t, sha256: {SUM}, commands: [t], executable:"
            " [../t]}",
            "must be a path below the folder of the catalog, not '../t'",
        ),
        ("{type: file, file: t, self_test: [t]}", "unknown key self_test"),
        ("{type: file, file: t, file: u}", "the key file is duplicated"),
        ("[1]", "3:6: must be a mapping, not a list"),
    ],
)
def test_refused_with_its_place(tool: str, said: str):
    assert any(said in problem for problem in problems(text(tool))), problems(text(tool))


def test_all_problems_at_once():
    assert (
        len(
            problems(
                "tools:\n  a: {type: scrip}\n  b: {type: script, version: '1', fil: x}\ntitle: x\n"
            )
        )
        == 4
    )


def test_two_tools_with_one_command():
    content = (
        "tools:\n  a: {type: script, version: '1', file: a}\n  b: {type: script, version: '1',"
        " file: b, commands: [a]}\n"
    )
    assert problems(content) == ["atlas.yml:3:6: a is already a command of a"]


def test_platforms_say_what_is_different_there():
    tool = f"""
    type: binary
    version: '1'
    platforms:
      - {{os: linux, arch: x86_64, url: https://example.com/x, sha256: {SUM}}}
      - {{os: linux, arch: aarch64, url: https://example.com/a, sha256: {SUM}}}
"""
    first, second = read(text(tool), "atlas.yml", "atlas").tools[0]["variants"]
    assert (first["arch"], first["url"], second["arch"], second["url"]) == (
        "x86_64",
        "https://example.com/x",
        "aarch64",
        "https://example.com/a",
    )
    assert (
        "4:" in problems(text(tool.replace("aarch64", "arm64")))[0]
        or "must be one of" in problems(text(tool.replace("aarch64", "arm64")))[0]
    )


def test_a_repository_of_its_own():
    content = f"repository: https://git.example.com/atlas.git\ncommit: {COMMIT}\n"
    assert read(content, "atlas.yml", "atlas") == Pointer(
        "https://git.example.com/atlas.git", COMMIT, "project.yml"
    )
    jsonschema.validate(parse(content, "atlas.yml"), schema())
    assert problems("repository: x\n") == ["atlas.yml:1:1: a repository needs commit"]
    assert "unknown key tols" in problems(content + "tols: {}\n")[0]


def test_two_files_at_one_path():
    content = "tools:\n  a: {type: file, file: x, path: c}\n  b: {type: file, file: y, path: c/d}\n"
    assert problems(content) == [
        "atlas.yml:3:6: b and a cannot both be at c/d; give one another path"
    ]


def test_empty_file_and_odd_name():
    with pytest.raises(SpecError, match="empty"):
        read("", "atlas.yml", "atlas")
    with pytest.raises(SpecError, match="cannot be a project's name"):
        read("tools: {}", "x.yml", "../x")


def test_packages_of_distributions() -> None:
    text = "tools:\n  t: {type: package, version: '1', packages: {debian: [a, {name: b}]}}\n"
    project = read(text, "p.yml", "p")
    assert isinstance(project, Project)
    (details,) = project.tools[0]["variants"]
    assert details["packages"] == {"debian": [{"name": "a"}, {"name": "b"}]}
