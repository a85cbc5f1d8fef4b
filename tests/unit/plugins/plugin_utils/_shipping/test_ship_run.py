# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a commit to pushed images: what is built, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.plugin_utils._shipping import build_engine, ship_run
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.build_engine import (
    BuildEngine,
)
from ansible_collections.shipping.code.plugins.plugin_utils._shipping.shipping_file import (
    Environment,
    ImageBuild,
    ImageTest,
    ShippingFile,
)

TEST = ImageTest(("true",))
WEB = ImageBuild("web", "r.example.com/web", "web", services=("web", "worker"), tests=(TEST,))
JOBS = ImageBuild("jobs", "r.example.com/jobs", "jobs", services=("jobs",), tests=(TEST, TEST))


@dataclass
class RecordingEngine:
    """An engine and its registry; ``failing`` is the image whose tests fail."""

    pushed: dict[str, str] = field(default_factory=dict)
    local: dict[str, str] = field(default_factory=dict)
    failing: str = ""
    lacking: str = "there is no client"
    calls: list[str] = field(default_factory=list)
    queries: list[str] = field(default_factory=list)

    def platform(self) -> str:
        return "linux/amd64"

    def digest(self, text: str) -> str | None:
        self.queries.append(text.partition(":key-")[0])
        return self.pushed.get(text)

    def local_id(self, text: str) -> str | None:
        return self.local.get(text)

    def pull(self, text: str, digest: str) -> None:
        self.calls.append(f"pull {text} {digest}")

    def build(self, image: ImageBuild, context: IO[bytes]) -> str:
        assert context.read(1)
        self.calls.append(f"build {image.name}")
        return f"id of {image.name}"

    def build_by_client(self, image: ImageBuild, context: IO[bytes]) -> str:
        return f"{self.build(image, context)} by the client"

    def lacks_buildkit(self) -> str:
        return self.lacking

    def test(self, image_id: str, image: ImageBuild, test: ImageTest) -> None:
        self.calls.append(f"test {image_id}")
        if image.name == self.failing:
            raise ShippingError("the test failed")

    def push(self, image_id: str, image: ImageBuild, tag: str) -> str:
        self.calls.append(f"push {image_id}")
        return self.pushed.setdefault(f"{image.repository}:{tag}", f"sha256:{'1' * 64}")


@pytest.fixture
def checkout(tmp_path: Path) -> str:
    for name in ("web", "jobs"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "Dockerfile").write_text("FROM base:1\nCOPY . /\n")
        (tmp_path / name / "main.py").write_text(name)
    return str(tmp_path)


def run(checkout: str, recording: RecordingEngine) -> tuple[list[Any], list[Any]]:
    engine = cast(BuildEngine, recording)
    planned = ship_run.plan_images([WEB, JOBS], checkout, engine)
    return planned, ship_run.build_all(planned, engine, 1, lambda _text: None)


def test_all_tests_pass_before_the_first_push(checkout: str) -> None:
    engine = RecordingEngine({"base:1": "sha256:0"})
    planned, built = run(checkout, engine)
    assert engine.calls == [
        "pull base:1 sha256:0",
        "build web",
        "test id of web",
        "pull base:1 sha256:0",
        "build jobs",
        "test id of jobs",
        "test id of jobs",
        "push id of web",
        "push id of jobs",
    ]
    assert [entry["state"] for entry in ship_run.outcome(planned, built)["images"]] == ["built"] * 2
    assert ship_run.outcome(planned, planned)["images"][0]["state"] == "to build"


def test_a_second_run_builds_and_tests_nothing(checkout: str) -> None:
    engine = RecordingEngine({"base:1": "sha256:0"})
    first = run(checkout, engine)[1]
    engine.calls.clear()
    planned, second = run(checkout, engine)
    assert engine.calls == [] and second == first
    assert ship_run.outcome(planned, second)["changed"] is False


def test_a_base_of_several_images_is_queried_once(checkout: str) -> None:
    engine = RecordingEngine({"base:1": "sha256:0"})
    run(checkout, engine)
    assert engine.queries == ["base:1", "r.example.com/web", "r.example.com/jobs"]


def test_only_what_has_changed_is_built(checkout: str) -> None:
    engine = RecordingEngine({"base:1": "sha256:0"})
    run(checkout, engine)
    engine.calls.clear()
    (Path(checkout) / "jobs" / "main.py").write_text("changed")
    run(checkout, engine)
    assert [call for call in engine.calls if call.startswith("build")] == ["build jobs"]
    engine.calls.clear()
    engine.pushed["base:1"] = "sha256:2"
    run(checkout, engine)
    assert [call for call in engine.calls if call.startswith("build")] == [
        "build web",
        "build jobs",
    ]


def test_a_failing_test_pushes_nothing(checkout: str) -> None:
    engine = RecordingEngine({"base:1": "sha256:0"}, failing="jobs")
    with pytest.raises(ShippingError, match="the test failed"):
        run(checkout, engine)
    assert not [call for call in engine.calls if call.startswith("push")]


def test_a_base_image_that_only_the_engine_has(checkout: str) -> None:
    engine = RecordingEngine(local={"base:1": "sha256:5"})
    first = run(checkout, engine)[1][0].tag
    assert not [call for call in engine.calls if call.startswith("pull")]
    other = RecordingEngine(local={"base:1": "sha256:6"})
    assert run(checkout, other)[1][0].tag != first


def test_a_base_image_that_is_nowhere(checkout: str) -> None:
    with pytest.raises(ShippingError, match=r"neither the registry nor the engine has .* base:1"):
        run(checkout, RecordingEngine())


@pytest.mark.parametrize(
    ("write", "says"),
    [
        (lambda web: (web / "Dockerfile").unlink(), "web has no file Dockerfile"),
        (lambda web: (web / "Dockerfile").write_text("FROM $BASE"), r"no valid name \(''\)"),
        (
            lambda web: [(web / "Dockerfile").unlink(), (web / "Dockerfile").symlink_to("/etc/x")],
            "web has no file Dockerfile",
        ),
        (
            lambda web: (web / "Dockerfile").write_text("FROM base:1\nRUN --mount=type=tmpfs true"),
            r"web/Dockerfile cannot be built: it needs BuildKit for line 2: RUN --mount, and there",
        ),
        (
            lambda web: (web.rename(web.parent / "x"), web.symlink_to(web.parent / "x")),
            "the commit has no folder web",
        ),
        (lambda web: (web / ".dockerignore").write_text("\n[a\n"), r"web/\.dockerignore:2:1"),
    ],
)
def test_mistakes(checkout: str, write: Any, says: str) -> None:
    write(Path(checkout) / "web")
    with pytest.raises(ShippingError, match=says):
        run(checkout, RecordingEngine({"base:1": "sha256:0"}))


def test_a_dockerfile_that_needs_buildkit(checkout: str) -> None:
    """The client of the controller builds it; an image in the registry needs none."""
    (Path(checkout) / "web" / "Dockerfile").write_text("FROM base:1\nRUN --mount=type=tmpfs true")
    engine = RecordingEngine({"base:1": "sha256:0"}, lacking="")
    run(checkout, engine)
    assert "test id of web by the client" in engine.calls and "test id of jobs" in engine.calls
    engine.calls.clear()
    engine.lacking = "there is no client"
    run(checkout, engine)
    assert engine.calls == []


def test_compose_files_are_those_of_the_commit(checkout: str) -> None:
    content = ShippingFile("shop", ("compose.yml",), (), ())
    with pytest.raises(ShippingError, match=r"compose\.yml cannot be read"):
        ship_run.compose_paths(content, checkout)
    (Path(checkout) / "compose.yml").symlink_to("/etc/hostname")
    with pytest.raises(ShippingError, match="or a link"):
        ship_run.compose_paths(content, checkout)


def test_a_failed_build_has_its_last_lines() -> None:
    stream = [{"stream": f"line {number}\n"} for number in range(50)]
    with pytest.raises(ShippingError) as caught:
        build_engine._built([*stream, {"error": "exit code 1"}], "x cannot be built", 1e12)
    assert str(caught.value).startswith("x cannot be built: exit code 1\n  | line 30\n")
    assert caught.value.facts["log"][-1] == "line 49" and len(caught.value.facts["log"]) == 20
    assert build_engine._built([*stream, {"aux": {"ID": "sha256:1"}}], "x", 1e12) == "sha256:1"
    with pytest.raises(ShippingError, match="did not end within"):
        build_engine._built(stream, "x cannot be built", 0.0)


def test_a_newer_history_changes_only_the_order() -> None:
    shipped = ship_run.ShippedCommit(
        "a" * 40, cast(ShippingFile, None), Environment("production", "main", "all", "shop")
    )
    built = {"commit": "a" * 40, "images": ["web"], "release": {"app": "shop", "after_release": 1}}
    order = {"release_notes": ["a"], "after_release": 2}
    result = ship_run.ordered(shipped, built, order)
    assert result["release"] == {"app": "shop", **order} and result["changed"] is False
    assert (result["images"], result["notes"]) == (["web"], ["a"])
    with pytest.raises(ShippingError, match="not the result of a build of aaaaaaaaaaaa"):
        ship_run.ordered(shipped, {**built, "commit": "b" * 40}, order)
