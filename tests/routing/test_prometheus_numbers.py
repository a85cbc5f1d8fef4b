# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers of a real Prometheus, which scrapes the metrics of a real router."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.module_utils._deploy.number_sources import (
    read_number,
)
from ansible_collections.shipping.code.plugins.module_utils._deploy.ramp_checks import (
    Checks,
    NumberCheck,
    Reading,
    RequestCheck,
)

from tests.testbed.canary_bed import CanaryBed, canary_bed
from tests.testbed.machine import free_port, run
from tests.testbed.router_process import HAPROXY, wait_for
from tests.testbed.tls import Authority
from tests.unit.docs.test_decision_guide import examples

PROMETHEUS = "/usr/bin/prometheus"
pytestmark = pytest.mark.skipif(not Path(HAPROXY).exists(), reason="needs the package haproxy")


@contextlib.contextmanager
def prometheus(folder: Path, target: str, authority: Authority) -> Iterator[str]:
    """Run Prometheus with TLS; it scrapes the target each half second."""
    if not Path(PROMETHEUS).exists():
        run(Path(__file__).parents[1] / "testbed" / "setup.sh", "packages", "prometheus")
    certificate, key = authority.issue("localhost", "DNS:localhost")
    folder.mkdir()
    scrape = {"job_name": "router", "static_configs": [{"targets": [target]}]}
    configuration = {"global": {"scrape_interval": "500ms"}, "scrape_configs": [scrape]}
    (folder / "prometheus.yml").write_text(json.dumps(configuration))
    tls = {"cert_file": str(certificate), "key_file": str(key)}
    (folder / "web.yml").write_text(json.dumps({"tls_server_config": tls}))
    address = f"localhost:{free_port()}"
    words = [
        PROMETHEUS,
        f"--config.file={folder}/prometheus.yml",
        f"--web.config.file={folder}/web.yml",
        f"--storage.tsdb.path={folder}/data",
        f"--web.listen-address={address}",
        "--log.level=error",
    ]
    process = subprocess.Popen(words)
    try:
        yield f"https://{address}"
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "authority")


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[CanaryBed]:
    services = {
        "stable": {"VERSION": "1", "ERRORS": "0.01"},
        "canary": {"VERSION": "2", "ERRORS": "0.3"},
    }
    checks = Checks((RequestCheck("errors", 0.03),), warm_up=0)
    with canary_bed(tmp_path / "router", checks, services=services, per_second=200) as found:
        yield found


def test_queries(bed: CanaryBed, authority: Authority, tmp_path: Path) -> None:
    target = f"127.0.0.1:{bed.router.settings.metrics_port}"
    with prometheus(tmp_path / "prometheus", target, authority) as url:
        ca_path = str(authority.certificate)
        check = NumberCheck("errors", "prometheus", url, "1", at_most=1, ca_path=ca_path)
        wait_for(lambda: read_number(check).value == 1, "Prometheus", 30)
        answers_of_all_kinds(check)
        difference_of_counters(bed, check)


def answers_of_all_kinds(check: NumberCheck) -> None:
    """One number is a value, and everything else a reason."""

    def read(query: str) -> Reading:
        return read_number(replace(check, value=query))

    assert read("vector(0.25)") == Reading(0.25)
    assert read("scalar(vector(2))") == Reading(2.0)
    assert read('{job="other"}').reason == '{job="other"} has 0 series, and not one'
    assert read("vector(0) / vector(0)").reason == "vector(0) / vector(0) is NaN"
    assert read("up[1m]").reason == "up[1m] is a matrix, and not one number"
    assert read('"text"').reason == '"text" is a string, and not one number'
    several = '{__name__=~"haproxy_backend.*"}'
    wait_for(lambda: "series, and not one" in read(several).reason, "several series")
    parse_error = read("sum(").reason
    assert parse_error.startswith(f"{check.url} answered 400: ")
    assert "parse error" in parse_error
    untrusted = read_number(replace(check, ca_path=""))
    assert "its certificate is not trusted" in untrusted.reason
    elsewhere = read_number(replace(check, url=f"{check.url}/other"))
    assert "answered 404" in elsewhere.reason
    plain = read_number(replace(check, url=check.url.replace("https", "http")))
    assert "answered 400" in plain.reason


def difference_of_counters(bed: CanaryBed, check: NumberCheck) -> None:
    """The example of the guide; the canary of the bed has another slot."""
    bed.share(canary=50)
    example = examples()[1]["checks"][0]
    value, error = (example[key].replace("[.]4", "[.]2") for key in ("query", "standard_error"))
    query = replace(check, value=value, standard_error=error, at_most=None, margin=0.01)
    deadline = time.monotonic() + 30
    while (reading := read_number(query)).reason or abs((reading.value or 0) - 0.29) > 0.1:
        assert time.monotonic() < deadline, reading
        time.sleep(0.5)
    assert reading.standard_error is not None
    assert 0 < reading.standard_error < 0.2
