# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from itertools import product

from ansible_collections.shipping.code.plugins.plugin_utils._controller.traffic_table import traffic

WEB = {"app": "shop", "service": "web"}


def test_variants_and_replicas() -> None:
    count = {"bytes_in": 1, "bytes_out": 1, "responses_4xx": 1}
    routes = [{**WEB, "route": route} for route in ("a.example.com/", "b.example.com/")]
    info = {
        "weights": [{**WEB, "revision": 3, "weights": {"stable": 90.0, "green": 10.0}}],
        "counters": [
            {**route, **count, "variant": variant, "requests": number, "responses_5xx": 0}
            for route, (variant, number) in product(routes, [("stable", 40), ("green", 5)])
        ],
        "exposures": [{**WEB, "variant": "green", "requests": 9, "lost": 0, "p50": 4, "p95": 13}],
        "replicas": [
            {
                "replica": "k2v9d0gq7m4nzzz",
                "node": "node-a",
                "reached": True,
                "error": "",
                "version": "2.6.12",
                "uptime": 30,
                "drift": ["shop/web"],
            },
            {"replica": "b", "node": "node-b", "reached": False, "error": "no answer in 5 s"},
        ],
    }
    assert [line.split() for line in traffic(info)][:3] == [
        ["shop", "web", "weight", "requests", "4xx", "5xx", "lost", "p50", "p95"],
        ["stable", "90", "%", "80", "2", "0", "-", "-", "-"],
        ["green", "10", "%", "10", "2", "0", "0", "4", "ms", "13", "ms"],
    ]
    assert traffic(info)[3:] == [
        "",
        "replica k2v9d0gq7m4n on node-a: HAProxy 2.6.12, up for 30 s, drift of shop/web",
        "replica b on node-b: not reached: no answer in 5 s",
    ]


def test_a_router_without_routes() -> None:
    assert traffic({"weights": [], "counters": [], "exposures": [], "replicas": []}) == []
