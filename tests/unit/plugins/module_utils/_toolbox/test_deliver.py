# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries to a real folder: joining, leaving, changing, repairing, going back."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._toolbox import (
    acl,
    deliver,
    workstation,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.delivery_errors import (
    DeliveryError,
    OutdatedRecord,
    Unsupported,
    WorkstationBusy,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.generation_rollback import (
    Rollback,
    roll_back,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.host_packages import (
    HostPackages,
)
from ansible_collections.shipping.code.plugins.module_utils._toolbox.inspection import inspect
from ansible_collections.shipping.code.plugins.module_utils._toolbox.uninstall import uninstall
from ansible_collections.shipping.code.plugins.module_utils._toolbox.workstation import locked

from .archives import (
    HELLO,
    Box,
    archive,
    entry,
    project,
    script,
    sha256,
    user,
)


def can_run(uid: int, path: Path) -> bool:
    """Whether a user can run a command."""
    return (
        subprocess.run(
            ["true"] if uid < 0 else [str(path)],
            user=uid,
            group=uid,
            extra_groups=[],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )


def tried(uid: int, path: Path) -> bool:
    try:
        return can_run(uid, path)
    except OSError:
        return False


def back(box: Box, to: str = "previous", *, hold: bool = True) -> dict[str, Any]:
    return roll_back(Rollback(str(box.root), to, hold=hold), 5, check_mode=False)


def test_join_again_leave(box: Box):
    box.projects = [project("atlas", script("hello"))]
    first = box.deliver(user("daemon", "atlas"))
    assert first["changed"] and first["ready"] and box.rounds == 2
    assert box.commands("daemon") == {"hello"} and tried(1, box.view("daemon") / "bin" / "hello")
    before = box.snapshot()
    again = box.deliver(user("daemon", "atlas"))
    assert not again["changed"] and box.rounds == 1 and box.snapshot() == before
    left = box.deliver(user("daemon"))
    assert left["changed"] and [removal["project"] for removal in left["removals"]] == ["atlas"]
    assert box.commands("daemon") == set() and box.objects() == []
    assert not box.deliver(user("daemon"))["changed"]


def test_a_third_user_cannot_look(box: Box):
    box.projects = [project("atlas", script("hello")), project("beta", script("other"))]
    box.deliver(user("daemon", "atlas"), user("bin", "beta"))
    hello = box.view("daemon") / "bin" / "hello"
    assert tried(1, hello) and not tried(2, hello) and not tried(5, hello)
    real = Path(os.path.realpath(hello))
    assert tried(1, real) and not tried(2, real) and not tried(5, real)
    box.deliver(user("bin", "beta"))
    assert not tried(1, real)


def test_held_until_it_is_applied(box: Box):
    box.projects = [project("atlas", script("hello")), project("beta", script("other"))]
    box.deliver(user("daemon", "atlas"))
    held = box.deliver(user("bin", "beta"), block_removals=True)
    assert (
        held["blocked"]
        and not held["ready"]
        and [(removal["name"], removal["blocked"]) for removal in held["removals"]]
        == [("daemon", True)]
    )
    assert box.commands("daemon") == {"hello"} and box.commands("bin") == {"other"}
    assert not box.deliver(user("bin", "beta"), block_removals=True)["changed"]
    assert box.deliver(user("bin", "beta"))["changed"]
    assert box.commands("daemon") == set() and box.commands("bin") == {"other"}


def test_change_and_back(box: Box):
    for version, content in (("1", b"#!/bin/sh\necho one\n"), ("2", b"#!/bin/sh\necho two\n")):
        box.projects = [project("atlas", script("hello", content, version=version))]
        box.contents["atlas", "hello"] = {"content": content}
        box.deliver(user("daemon", "atlas"))
    path = box.view("daemon") / "bin" / "hello"
    assert path.read_text() == "#!/bin/sh\necho two\n"
    begun = time.process_time()
    gone_back = back(box)
    assert time.process_time() - begun < 1
    assert (
        gone_back["changed"]
        and gone_back["generation"] == 3
        and path.read_text() == "#!/bin/sh\necho one\n"
        and tried(1, path)
    )
    assert not back(box, "1")["changed"]
    with pytest.raises(DeliveryError, match="generation 9 does not exist"):
        back(box, "9")
    held = box.deliver(user("daemon", "atlas"))
    assert not held["changed"] and path.read_text() == "#!/bin/sh\necho one\n"
    assert held["holds"] == [{"project": "atlas", "name": "hello", "version": "1"}]
    assert held["notes"] == [
        "atlas hello is held at 1, and the catalog has 2; unhold: [atlas/hello]"
    ]
    assert inspect(str(box.root))["holds"] == held["holds"]
    again = box.deliver(user("daemon", "atlas"), unhold=("atlas",))
    assert again["changed"] and path.read_text() == "#!/bin/sh\necho two\n"
    assert again["holds"] == [] and not box.deliver(user("daemon", "atlas"))["changed"]


@pytest.mark.parametrize("number", ["previous", "9"])
def test_where_nothing_was_delivered_there_is_nothing_to_choose(box, number):
    box.root.mkdir(exist_ok=True)
    with pytest.raises(DeliveryError, match=r"this host has no generations. Deliver first"):
        back(box, number)


def test_back_without_a_hold_lasts_until_the_next_delivery(box: Box):
    for version, content in (("1", HELLO), ("2", HELLO + b"# 2\n")):
        box.projects = [project("atlas", script("hello", content, version=version))]
        box.contents["atlas", "hello"] = {"content": content}
        box.deliver(user("daemon", "atlas"))
    assert back(box, hold=False)["holds"] == []
    assert box.deliver(user("daemon", "atlas"))["changed"]


def test_what_a_hold_reaches(box: Box):
    """All members here, whoever joins; not leavers; also what is new or gone in the catalog."""
    for version, names in (("1", ("hello", "old")), ("2", ("hello", "new"))):
        content = HELLO + version.encode()
        tools = [script(name, content, version=version) for name in names]
        box.projects = [project("atlas", *tools)]
        box.contents = {("atlas", name): {"content": content} for name in names}
        box.deliver(user("daemon", "atlas"))
    back(box)
    for _time in range(2):
        both = box.deliver(user("daemon", "atlas"), user("bin", "atlas"))
        assert box.commands("daemon") == box.commands("bin") == {"hello", "old"}
    assert not both["changed"] and [hold["version"] for hold in both["holds"]] == ["1", "", "1"]
    box.deliver(user("daemon"), user("bin", "atlas"), unhold=("atlas/new", "beta"))
    assert box.commands("daemon") == set() and box.commands("bin") == {"hello", "old", "new"}
    shutil.rmtree(box.root / "store")
    mended = box.deliver(user("bin", "atlas"))
    assert box.commands("bin") == {"hello", "new"}
    assert "atlas hello is not held any more: the store has lost its version" in mended["notes"]


def test_a_hold_of_the_catalog(box: Box):
    """Whoever has a tool keeps the version; others get that of the catalog."""
    for version, more in (("1", {}), ("2", {"hold": True})):
        content = HELLO + version.encode()
        box.projects = [project("atlas", script("hello", content, version=version, **more))]
        box.contents["atlas", "hello"] = {"content": content}
        done = box.deliver(user("daemon", "atlas"), *([user("bin", "atlas")] if more else []))
    versions = {one["name"]: one["tools"][0]["version"] for one in done["users"]}
    assert versions == {"daemon": "1", "bin": "2"}
    box.projects = [{**project("atlas", script("hello", HELLO + b"3", version="3")), "hold": True}]
    assert not box.deliver(user("daemon", "atlas"), user("bin", "atlas"))["changed"]


def test_who_has_left_gets_nothing_by_going_back(box: Box):
    box.projects = [project("atlas", script("hello")), project("beta", script("other"))]
    box.deliver(user("daemon", "atlas"), user("bin", "beta"))
    box.deliver(user("bin", "beta"))
    assert not back(box)["changed"]
    assert box.commands("daemon") == set()


def test_keep(box: Box):
    for version in range(1, 6):
        content = f"#!/bin/sh\necho {version}\n".encode()
        box.projects = [project("atlas", script("hello", content, version=str(version)))]
        box.contents["atlas", "hello"] = {"content": content}
        box.deliver(user("daemon", "atlas"), keep=2)
    assert box.objects() == ["hello-4", "hello-5"]
    assert sorted(path.name for path in (box.root / "generations").iterdir()) == ["4", "5"]


def test_grace(box: Box):
    box.projects = [project("atlas", script("hello"))]
    box.deliver(user("daemon", "atlas"))
    real = Path(os.path.realpath(box.view("daemon") / "bin" / "hello"))
    box.deliver(user("daemon"), grace=1000)
    assert box.objects() == ["hello-1"] and not tried(1, real)
    assert box.deliver(user("daemon", "atlas"), grace=1000)["changed"] and box.rounds == 1
    box.deliver(user("daemon"), grace=0)
    assert box.objects() == []


@pytest.mark.parametrize(
    "folder",
    ["", "store", "generations", "generations/1", "generations/1/users", "current/users/daemon"],
)
def test_modes_come_back(box: Box, folder: str):
    box.projects = [project("atlas", script("hello"))]
    box.deliver(user("daemon", "atlas"))
    for mode in (0o700, 0o757):
        (box.root / folder).chmod(mode)
        if folder or mode == 0o700:  # A toolbox that others may write to is refused.
            assert box.deliver(user("daemon", "atlas"))["changed"]
            assert tried(1, box.view("daemon") / "bin" / "hello") and not tried(
                2, box.view("daemon") / "bin" / "hello"
            )
            assert not box.deliver(user("daemon", "atlas"))["changed"]


def test_whatever_umask_root_has(box: Box):
    content = archive(("a/b/run", HELLO))
    box.contents = {("atlas", "pack"): {"archive": content}, ("atlas", "conf"): {"content": HELLO}}
    box.projects = [
        project(
            "atlas",
            entry("archive", "pack", {"sha256": sha256(content)}, {"run": "a/b/run"}),
            entry("file", "conf", {"sha256": sha256(HELLO), "as": "c/d"}),
        )
    ]
    umask = os.umask(0o077)
    try:
        box.deliver(user("daemon", "atlas"))
    finally:
        os.umask(umask)
    assert tried(1, box.view("daemon") / "bin" / "run")
    read = subprocess.run(
        ["cat", str(box.view("daemon") / "share" / "atlas" / "c" / "d")],
        user=1,
        group=1,
        extra_groups=[],
        capture_output=True,
        check=True,
    )
    assert (
        read.stdout == HELLO
        and (box.etc / "profile.d" / "shipping.sh").stat().st_mode & 0o777 == 0o644
    )


@pytest.mark.parametrize(
    "damage",
    ["edited", "deleted", "mode", "link", "list", "extra", "current", "users", "generation"],
)
def test_drift_comes_back(box: Box, damage: str):
    box.projects = [project("atlas", script("hello"))]
    box.deliver(user("daemon", "atlas"))
    link = box.view("daemon") / "bin" / "hello"
    real = Path(os.path.realpath(link))
    actions = {
        "edited": lambda: real.write_text("#!/bin/sh\necho evil from $(id -un)\n"[:36]),
        "deleted": real.unlink,
        "mode": lambda: real.chmod(0o600),
        "link": link.unlink,
        "list": (box.view("daemon") / "tools.txt").unlink,
        "extra": lambda: (box.view("daemon") / "bin" / "surprise").symlink_to("/bin/true"),
        "current": (box.root / "current").unlink,
        "users": lambda: shutil.rmtree(box.root / "generations" / "1" / "users"),
        "generation": lambda: (box.root / "generations" / "1" / "generation.json").write_text("{"),
    }
    actions[damage]()
    assert box.deliver(user("daemon", "atlas"))["changed"]
    assert link.read_bytes() == HELLO and tried(1, link) and box.commands("daemon") == {"hello"}
    assert not box.deliver(user("daemon", "atlas"))["changed"]


def test_clash(box: Box):
    box.contents = {
        ("atlas", "run"): {"content": b"#!/bin/sh\necho atlas\n"},
        ("beta", "run"): {"content": b"#!/bin/sh\necho beta\n"},
    }
    box.projects = [
        project(name, script("run", box.contents[name, "run"]["content"]))
        for name in ("atlas", "beta")
    ]
    answer = box.deliver(user("daemon", "atlas", "beta"))
    assert answer["notes"] == [
        "daemon: run is the command of atlas by its name, since no priority decides; also run@beta"
    ]
    assert (
        "atlas" in (box.view("daemon") / "bin" / "run").read_text()
        and "beta" in (box.view("daemon") / "bin" / "run@beta").read_text()
    )
    box.projects[1]["tools"][0]["priority"] = 1
    assert "by its priority" in box.deliver(user("daemon", "atlas", "beta"))["notes"][0]
    assert (
        "beta" in (box.view("daemon") / "bin" / "run").read_text()
        and "atlas" in (box.view("daemon") / "bin" / "run@atlas").read_text()
    )


def test_env_and_file(box: Box):
    content = b"url = 1\n"
    box.contents["atlas", "conf"] = {"content": content}
    variables = {"ATLAS_URL": "https://x/'$(id)'", "ATLAS_CONF": "{share}/a/b.toml"}
    box.projects = [
        project(
            "atlas",
            entry("env", "place", {"variables": variables}),
            entry("file", "conf", {"sha256": sha256(content), "as": "a/b.toml"}),
        ),
    ]
    assert box.deliver(user("daemon", "atlas"))["ready"]
    done = subprocess.run(
        [
            "sh",
            "-c",
            f'. {box.view("daemon")}/env.sh; printf "%s\n" "$ATLAS_URL"; cat "$ATLAS_CONF"',
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "https://x/'$(id)'\nurl = 1\n"
    assert not box.deliver(user("daemon", "atlas"))["changed"]


def test_archive_and_binary(box: Box):
    packed = archive(("pkg/bin/run", b"#!/bin/sh\necho run\n"))
    box.contents = {("atlas", "pack"): {"archive": packed}, ("atlas", "prog"): {"content": HELLO}}
    box.projects = [
        project(
            "atlas",
            entry("archive", "pack", {"sha256": sha256(packed), "strip": 1}, {"run": "bin/run"}),
            entry("binary", "prog", {"sha256": sha256(HELLO)}, {"prog": "prog"}),
        )
    ]
    assert box.deliver(user("daemon", "atlas"))["ready"]
    assert tried(1, box.view("daemon") / "bin" / "run") and tried(
        1, box.view("daemon") / "bin" / "prog"
    )
    assert not box.deliver(user("daemon", "atlas"))["changed"]


def test_a_compressed_binary(box: Box):
    packed = gzip.compress(HELLO)
    box.contents = {("atlas", "prog"): {"content": packed}, ("atlas", "z"): {"content.gz": packed}}
    by_sha512 = {"sha512": hashlib.sha512(packed).hexdigest()}
    box.projects = [
        project(
            "atlas",
            entry("binary", "prog", by_sha512, {"prog": "prog"}),
            # Converted from zstd by the controller: the checksum is of what was published.
            entry("binary", "z", {"sha256": "0" * 64}, {"z": "z"}),
        )
    ]
    assert box.deliver(user("daemon", "atlas"))["ready"]
    assert all(can_run(1, box.view("daemon") / "bin" / name) for name in ("prog", "z"))


def test_a_binary_with_another_sha512(box: Box):
    box.contents = {("atlas", "prog"): {"content": HELLO}}
    details = {"sha512": hashlib.sha512(b"").hexdigest()}
    box.projects = [project("atlas", entry("binary", "prog", details, {"prog": "prog"}))]
    answer = box.deliver(user("daemon", "atlas"))
    assert "its sha512 is" in answer["failures"][0]["reason"] and not answer["ready"]


def zip_of_windows(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as content:
        for name, data in files.items():
            info = zipfile.ZipInfo(name.replace("_", "/"))
            # The archive bit of DOS, and no mode of Unix.
            info.create_system, info.external_attr = 0, 0x20
            content.writestr(info, data)
    return buffer.getvalue()


def test_programs_of_a_zip_without_modes(box: Box):
    packed = zip_of_windows(run=HELLO, lib_helper=HELLO)
    box.contents = {("atlas", "pack"): {"archive": packed}}

    def deliver_with(**details: Any) -> dict[str, Any]:
        about = {"sha256": sha256(packed), **details}
        box.projects = [project("atlas", entry("archive", "pack", about, {"run": "run"}))]
        return box.deliver(user("daemon", "atlas"))

    without = deliver_with()
    assert without["ready"] and any(
        "lib/helper are not executable: the archive marks no file" in note
        for note in without["notes"]
    )
    (note,) = deliver_with(executable=["lib/*"])["notes"]
    assert "has other content or commands than before" in note
    helpers = (box.root / "store").glob("*/files/lib/helper")
    assert 0o755 in {helper.stat().st_mode & 0o777 for helper in helpers}
    missing = deliver_with(executable=["bin/*"])
    assert "the archive of pack has no file bin/*" in missing["failures"][0]["reason"]


def test_a_compiled_program_of_a_zip_without_modes(box: Box):
    # Linkers put the path of the loader behind the first 512 bytes.
    packed = zip_of_windows(run=HELLO, lib_helper=Path("/bin/ls").read_bytes())
    box.contents = {("atlas", "pack"): {"archive": packed}}
    about = {"sha256": sha256(packed)}
    box.projects = [project("atlas", entry("archive", "pack", about, {"run": "run"}))]
    (note,) = box.deliver(user("daemon", "atlas"))["notes"]
    assert "lib/helper are not executable" in note


def test_dropped_setid_bits_are_reported(box: Box):
    info = tarfile.TarInfo()
    info.mode, info.size = 0o4755, 0
    packed = archive(("bin/run", HELLO), ("bin/ping", info))
    box.contents = {("atlas", "pack"): {"archive": packed}}
    details = {"sha256": sha256(packed), "setid": "drop"}
    box.projects = [project("atlas", entry("archive", "pack", details, {"run": "bin/run"}))]
    answer = box.deliver(user("daemon", "atlas"))
    assert answer["ready"] and answer["notes"] == [
        "atlas pack: setuid and setgid bits of bin/ping were dropped"
    ]


def test_tampered(box: Box):
    box.projects = [project("atlas", script("hello"), script("good"))]
    box.contents["atlas", "hello"] = {"content": b"#!/bin/sh\necho evil\n"}
    answer = box.deliver(user("daemon", "atlas"))
    assert (
        not answer["ready"]
        and "is not what the catalog declares" in answer["failures"][0]["reason"]
    )
    assert box.commands("daemon") == {"good"} and box.objects() == ["good-1"]


def test_a_failing_self_test_leaves_the_former_version(box: Box):
    box.projects = [project("atlas", script("hello", self_test=["hello"]))]
    assert box.deliver(user("daemon", "atlas"))["ready"]
    bad = b"#!/bin/sh\necho broken; exit 3\n"
    box.contents["atlas", "hello"] = {"content": bad}
    box.projects = [project("atlas", script("hello", bad, version="2", self_test=["hello"]))]
    for changed in (True, False):
        answer = box.deliver(user("daemon", "atlas"))
        assert answer["failures"][0]["reason"] == "the self-test exited with code 3" and answer[
            "failures"
        ][0]["output"] == ["broken"]
        assert (box.view("daemon") / "bin" / "hello").read_bytes() == HELLO and answer["users"][0][
            "tools"
        ][0]["version"] == "1"
        assert not answer["ready"] and changed in (True, answer["changed"])


def test_the_self_test_runs_as_the_user(box: Box):
    content = b'#!/bin/sh\ntest $(id -un) = daemon && test -x "$(command -v hello)"\n'
    box.contents["atlas", "hello"] = {"content": content}
    box.projects = [project("atlas", script("hello", content, self_test=["hello"]))]
    assert box.deliver(user("daemon", "atlas"))["ready"]


def test_revision(box: Box):
    box.projects = [project("atlas", script("hello"))]
    box.deliver(user("daemon", "atlas"), revision=10)
    with pytest.raises(OutdatedRecord, match="older than the last one"):
        box.deliver(user("daemon"), revision=9)
    assert box.commands("daemon") == {"hello"}
    assert box.deliver(user("daemon"), revision=9, accept_older=True)["changed"]


def test_unknown_user(box: Box):
    box.projects = [project("atlas", script("hello"))]
    answer = box.deliver(user("nobody-here", "atlas"))
    assert (
        answer["unknown"] == ["nobody-here"]
        and not answer["ready"]
        and box.commands("nobody-here") == set()
    )


def test_check_mode_touches_nothing(box: Box):
    box.projects = [project("atlas", script("hello"))]
    answer = box.deliver(user("daemon", "atlas"), check_mode=True)
    assert answer["changed"] and answer["diff"] == {
        "before": "",
        "after": "daemon: atlas hello 1\n",
    }
    assert not box.root.exists() and list(box.etc.iterdir()) == [box.etc / "security"]


def test_busy(box: Box):
    box.projects = [project("atlas", script("hello"))]
    with (
        locked(str(box.root), 1),
        pytest.raises(WorkstationBusy, match=f"process {os.getpid()} holds its lock"),
    ):
        box.deliver(user("daemon", "atlas"), lock_timeout=0.2)


def test_other_systems_are_told_so(box: Box, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(
        Unsupported,
        match=r"its system is darwin. Linux is supported; macOS and Windows are not yet",
    ):
        box.deliver(user("daemon", "atlas"))


def test_three_hundred_tools(box: Box):
    box.projects = [project("atlas", *(script(f"t{number}") for number in range(300)))]
    box.deliver(user("daemon", "atlas"))
    assert (
        len(box.commands("daemon")) == 300 and not box.deliver(user("daemon", "atlas"))["changed"]
    )


def test_links_in_the_way(box: Box):
    box.projects = [project("atlas", script("hello"))]
    (box.top / "elsewhere").mkdir()
    box.root.symlink_to(box.top / "elsewhere")
    with pytest.raises(Unsupported, match="is a link or a file"):
        box.deliver(user("daemon", "atlas"))
    box.root.unlink()
    box.root.mkdir(mode=0o777)
    box.root.chmod(0o777)
    with pytest.raises(Unsupported, match="other users than root may write to it"):
        box.deliver(user("daemon", "atlas"))


def test_enrolment_and_absent(box: Box):
    (box.etc / "security" / "pam_env.conf").write_text("# theirs\nLANG DEFAULT=C\n")
    (box.etc / "environment").write_text('PATH="/usr/bin:/bin:/snap/bin"\n')
    (box.etc / "zsh").mkdir()
    (box.etc / "zsh" / "zshenv").write_text("# theirs")
    box.projects = [project("atlas", script("hello"))]
    box.deliver(user("daemon", "atlas"))
    assert (
        f"PATH DEFAULT={box.root}/current/users/@{{PAM_USER}}/bin:/usr/bin:/bin:/snap/bin\n"
        in (box.etc / "security" / "pam_env.conf").read_text()
    )
    (box.root / "theirs").write_text("x")
    gone = uninstall(str(box.root), str(box.etc), 5, check_mode=False)
    assert gone["changed"] and [path.name for path in box.root.iterdir()] == ["theirs"]
    assert (box.etc / "security" / "pam_env.conf").read_text() == "# theirs\nLANG DEFAULT=C\n"
    assert (box.etc / "zsh" / "zshenv").read_text() == "# theirs\n" and not (
        box.etc / "profile.d" / "shipping.sh"
    ).exists()
    assert not uninstall(str(box.root), str(box.etc), 5, check_mode=False)["changed"]


def test_uninstall_sees_what_the_run_before_it_wrote(box: Box, monkeypatch: pytest.MonkeyPatch):
    box.projects = [project("atlas", script("hello"))]
    box.deliver(user("daemon", "atlas"))
    records = []

    @contextlib.contextmanager
    def after_another_run(root: str, timeout: float) -> Iterator[None]:
        with locked(root, timeout):
            Path(root, "packages.json").write_text('{"jq": []}')
            yield

    monkeypatch.setattr(workstation, "locked", after_another_run)
    monkeypatch.setattr(
        HostPackages, "remove_others", lambda self, _views: records.append(self.record)
    )
    uninstall(str(box.root), str(box.etc), 5, check_mode=False)
    assert records == [{"jq": []}] and not box.root.exists()


def test_a_path_that_hides_the_commands(box: Box):
    """pam_env.conf keeps the value that is deleted from /etc/environment."""
    (box.etc / "environment").write_text('PATH="/usr/bin:/snap/bin"\n')
    for folder in ("profile.d", "pam.d"):
        (box.etc / folder).mkdir()
    (box.etc / "pam.d" / "sshd").write_text("auth substack password-auth\n")
    (box.etc / "pam.d" / "password-auth").write_text("auth required pam_env.so # for all\n")
    for name, text in (("a.sh", "PATH=/bin"), ("z.sh", "PATH=/bin"), ("zz.sh", "PATH=/x:$PATH")):
        (box.etc / "profile.d" / name).write_text(f"{text}\n")
    box.projects = [project("atlas", script("hello"))]
    first, second = box.deliver(user("daemon", "atlas"))["notes"]
    assert first.startswith(f"PATH in {box.etc}/environment hides the commands of tools")
    assert second.startswith(f"{box.etc}/profile.d/z.sh hides the commands of tools")
    (box.etc / "pam.d" / "sshd").write_text(
        "auth substack password-auth\nsession required pam_env.so envfile=/etc/default/locale\n"
    )
    assert box.deliver(user("daemon", "atlas"))["notes"] == [second]
    (box.etc / "environment").write_text("LANG=C\n")
    (box.etc / "profile.d" / "z.sh").write_text("  PATH=/bin\n")
    before = (box.etc / "security" / "pam_env.conf").read_text()
    again = box.deliver(user("daemon", "atlas"))
    assert (again["notes"], again["changed"]) == ([], False)
    assert (box.etc / "security" / "pam_env.conf").read_text() == before
    assert "/bin:/usr/bin:/snap/bin\n" in before


def test_a_path_that_others_set(box: Box):
    (box.etc / "security" / "pam_env.conf").write_text("PATH DEFAULT=/usr/bin\n")
    box.projects = [project("atlas", script("hello"))]
    with pytest.raises(Unsupported, match="already sets PATH"):
        box.deliver(user("daemon", "atlas"))
    assert box.deliver(user("daemon", "atlas"), integrate_shells=False)["ready"]


def test_info(box: Box):
    box.projects = [project("atlas", script("hello"))]
    box.deliver(user("daemon", "atlas"))
    found = inspect(str(box.root))
    assert (
        found["users"][0]["tools"][0]["version"] == "1"
        and found["generation"] == 1
        and found["drift"] == []
    )
    Path(os.path.realpath(box.view("daemon") / "bin" / "hello")).write_text("x")
    assert inspect(str(box.root))["drift"] == ["atlas hello"]


def test_the_list(box: Box):
    box.projects = [project("atlas", script("hello"))]
    box.deliver(user("daemon", "atlas"))
    said = subprocess.run(
        [str(box.view("daemon") / "bin" / "tools")],
        user=1,
        group=1,
        extra_groups=[],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert said.splitlines()[1].split()[:3] == ["hello", "1", "atlas"] and said.rstrip().endswith(
        "What hello does"
    )


def test_acl_is_what_the_kernel_gives_back(box: Box):
    folder = box.top / "x"
    folder.mkdir()
    assert (
        acl.allow(str(folder), {5, 1})
        and not acl.allow(str(folder), {1, 5})
        and acl.users(str(folder)) == {1, 5}
    )
    assert (
        acl.allow(str(folder), set())
        and acl.users(str(folder)) == set()
        and folder.stat().st_mode & 0o777 == 0o700
    )


def test_a_faulty_project_keeps_nobody_from_the_others(box: Box):
    box.projects = [project("atlas", script("hello")), project("beta", script("other"))]
    box.deliver(user("daemon", "atlas"), user("bin", "atlas"))
    box.projects[0] = {**project("atlas"), "fault": "atlas.yml:1:1: it is empty"}
    answer = box.deliver(user("daemon", "atlas", "beta"), user("bin"))
    assert box.commands("daemon") == {"hello", "other"} and box.commands("bin") == set()
    assert answer["catalog_errors"] == [
        {"project": "atlas", "tool": "", "reason": "atlas.yml:1:1: it is empty"}
    ]
    assert not answer["ready"] and not answer["failures"]
    assert not box.deliver(user("daemon", "atlas", "beta"), user("bin"))["changed"]


def test_content_that_the_controller_cannot_get(box: Box):
    box.projects = [project("atlas", script("hello"), script("map"))]
    box.deliver(user("daemon", "atlas"))
    changed = b"#!/bin/sh\necho hello again\n"
    box.contents["atlas", "hello"] = {"content": changed}
    box.projects = [project("atlas", script("hello", changed, version="2"), script("map"))]
    users = user("daemon", "atlas"), user("bin", "atlas")
    request = box.request(*users)
    missing = deliver.deliver(request)["missing"]
    unsent = {lacking["object"]: "hello cannot be downloaded" for lacking in missing}
    answer = deliver.deliver(request._replace(bundle=box.bundle([]), unsent=unsent))
    # One fault for the host, however many users lack the tool; it is no failure of the host.
    fault = {"project": "atlas", "tool": "hello", "reason": "hello cannot be downloaded"}
    assert answer["catalog_errors"] == [fault] and answer["failures"] == [] and not answer["ready"]
    assert box.said("hello") == "hello from daemon" and box.commands("bin") == {"map"}
    assert box.deliver(*users)["ready"] and box.commands("bin") == {"hello", "map"}


def test_an_odd_login_keeps_nobody_from_their_tools(box: Box):
    box.projects = [project("atlas", script("hello"))]
    answer = box.deliver(
        user("daemon", "atlas"), *(user(name, "atlas") for name in ("DOM\\x", "with space", "../x"))
    )
    assert box.commands("daemon") == {"hello"}
    assert answer["unknown"] == ["DOM\\x", "with space", "../x"] and not answer["ready"]
    assert "'with space' cannot be a login name here" in " ".join(answer["notes"])


def test_a_command_that_cannot_start_is_not_ready(box: Box):
    ruby = b"#!/usr/bin/no-such-ruby\n"
    box.projects = [project("atlas", script("hello"), script("old", ruby))]
    box.contents["atlas", "old"] = {"content": ruby}
    answer = box.deliver(user("daemon", "atlas"))
    assert box.commands("daemon") == {"hello"}
    assert [failure["reason"] for failure in answer["failures"]] == [
        "its command old cannot run: it needs /usr/bin/no-such-ruby, which is not on this host"
    ]
    assert not answer["ready"]


def test_a_ready_command_whose_interpreter_is_removed(box: Box):
    """Reported by each run, and ready again with the interpreter; nothing is removed."""
    shell = box.top / "my-sh"
    shutil.copy("/bin/sh", shell)
    content = f"#!{shell}\n".encode()
    box.projects = [project("atlas", script("hello"), script("old", content))]
    box.contents["atlas", "old"] = {"content": content}
    assert box.deliver(user("daemon", "atlas"))["ready"]
    shell.rename(box.top / "away")
    for check_mode in (True, False):
        answer = box.deliver(user("daemon", "atlas"), check_mode=check_mode)
        assert [failure["reason"] for failure in answer["failures"]] == [
            f"its command old cannot run: it needs {shell}, which is not on this host"
        ]
        assert (answer["ready"], answer["changed"]) == (False, False)
    assert box.commands("daemon") == {"hello", "old"}
    (box.top / "away").rename(shell)
    assert box.deliver(user("daemon", "atlas"))["ready"]


def test_the_same_version_with_other_content(box: Box):
    box.projects = [project("atlas", script("hello"), script("same"))]
    assert box.deliver(user("daemon", "atlas"), user("bin", "atlas"))["notes"] == []
    other = b"#!/bin/sh\necho other\n"
    box.contents["atlas", "hello"] = {"content": other}
    box.projects = [project("atlas", script("hello", other), script("same"))]
    for check_mode in (True, False):
        answer = box.deliver(user("daemon", "atlas"), user("bin", "atlas"), check_mode=check_mode)
        assert answer["changed"] and [note[:50] for note in answer["notes"]] == [
            "atlas hello 1 has other content or commands than b"
        ]
    assert box.deliver(user("daemon", "atlas"), user("bin", "atlas"))["notes"] == []
    box.projects = [project("atlas", script("hello", version="2"), script("same"))]
    assert box.deliver(user("daemon", "atlas"))["notes"] == []


def test_a_command_may_be_run_by_another_tool(box: Box):
    node, program = b"#!/bin/sh\n", b"#!/usr/bin/env my-node\n"
    box.projects = [project("atlas", script("my-node", node), script("page", program))]
    box.contents = {
        ("atlas", "my-node"): {"content": node},
        ("atlas", "page"): {"content": program},
    }
    assert box.deliver(user("daemon", "atlas"))["ready"]


def test_a_file_system_without_programs(box: Box):
    box.root.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "noexec", "none", str(box.root))
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount a file system here")
    try:
        with pytest.raises(Unsupported, match="is on a file system that is mounted with noexec"):
            box.deliver(user("daemon"))
    finally:
        subprocess.run(["umount", str(box.root)], check=True)
