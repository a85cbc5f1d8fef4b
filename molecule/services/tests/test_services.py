# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the objects of the role from outside."""

import json
import os
from pathlib import Path

MACHINE = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "swarm"


def docker(host, *words):
    """Return the output of the Docker client."""
    done = host.run(" ".join(["docker", "--host", f"unix://{MACHINE}/docker.sock", *words]))
    assert done.rc == 0, done.stderr
    return done.stdout


def test_services_run_the_version(host):
    listed = docker(host, "service", "ls", "--format", "'{{json .}}'")
    services = {line["Name"]: line for line in map(json.loads, listed.splitlines())}
    assert {name: service["Replicas"] for name, service in services.items()} == {
        "shop_front": "1/1",
        "shop_web": "2/2",
    }
    assert services["shop_web"]["Image"].startswith("127.0.0.1:5000/shop-web:1.0.0")


def test_the_shop_answers(host):
    number = host.file(str(MACHINE / "number")).content_string
    assert host.run(f"curl --silent http://10.231.{number}.2:8080/").stdout == "shop 1.0.0\n"


def test_the_release_is_recorded(host):
    labels = docker(
        host,
        "config",
        "ls",
        "--filter",
        "label=shipping.code.kind=release",
        "--format",
        "'{{.Labels}}'",
    )
    assert "shipping.code.state=live" in labels and "shipping.code.version=1.0.0" in labels
