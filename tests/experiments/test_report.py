# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report in a real Chromium: no script error, no request, light, dark and print."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.shipping.code.plugins.module_utils._inference.arm_sums import ArmSums
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.analysis import (
    AnalysisPlan,
    analyze,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.decision import (
    DecisionRules,
    decide,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.designs import (
    full_factorial,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment import (
    DECREASE,
    RATE,
    RATIO,
    Measure,
    Response,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.report import (
    Report,
    past_look,
    report_html,
    report_json,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.response_sums import (
    LookData,
    ResponseSums,
)

CHROMIUM = shutil.which("chromium")
HOSTILE = "</script><script>alert('x')</script><b onclick=\"x\">&"
BUYERS = Response("buyers", RATE, Measure("order"), smallest_effect=0.02)
ERRORS = Response(
    "errors", RATIO, Measure("errors"), Measure("requests"), goal=DECREASE, margin=0.01
)
DESIGN = full_factorial({"button": 2, "page size": 2, "cache": 2})
ARMS = ("control", *(f"cell{number}" for number in range(2, 9)))


def look(units: int) -> LookData:
    chance = random.Random(units)
    buyers, errors = {}, {}
    for arm, (button, size, cache) in zip(ARMS, DESIGN.runs, strict=True):
        share = 0.10 + 0.02 * (button > 0) + 0.01 * (cache > 0) + 0.015 * (button * size > 0)
        events = round(units * share + chance.gauss(0, (units * 0.09) ** 0.5))
        buyers[arm] = ResponseSums(ArmSums(units, events, units, events, units, events))
        wrong = round(units * 0.05)
        errors[arm] = ResponseSums(ArmSums(units, wrong, 9 * units, wrong, 90 * units, 9 * wrong))
    return LookData(dict.fromkeys(ARMS, units), {"buyers": buyers, "errors": errors})


def sample_report(name: str = "shop front page") -> Report:
    plan = AnalysisPlan(ARMS, [BUYERS], 8000, [ERRORS], design=DESIGN)
    looks = []
    for number in range(500, 8001, 500):
        analysis = analyze(look(number), plan)
        looks.append(past_look(f"2026-01-{number // 500:02}T12:00Z", analysis, BUYERS))
    rules = DecisionRules([BUYERS], [ERRORS])
    return Report(
        name,
        analysis,
        decide(analysis, rules),
        [BUYERS],
        [ERRORS],
        looks=looks,
        design=DESIGN,
        levels={"button": ("Buy", "Order now"), "page size": ("10", "50"), "cache": ("off", "on")},
        facts={"experiment": name, "data": look(8000).digest(), "seed": "1"},
    )


def hostile_report() -> Report:
    report = sample_report(HOSTILE)
    names = {"buyers": HOSTILE}
    analysis = replace(
        report.analysis,
        comparisons=tuple(
            replace(each, response=names["buyers"], arm=HOSTILE)
            for each in report.analysis.comparisons
        ),
    )
    responses = [replace(BUYERS, name=HOSTILE)]
    levels = dict.fromkeys(DESIGN.factors, (HOSTILE, HOSTILE))
    return replace(report, analysis=analysis, responses=responses, levels=levels)


def test_all_text_is_escaped() -> None:
    page = report_html(hostile_report())
    assert "<script>alert" not in page and "<b onclick" not in page
    data = page.partition('id="data">')[2].partition("</script>")[0]
    assert json.loads(data)["name"] == HOSTILE


def test_the_same_analysis_has_the_same_json() -> None:
    assert report_json(sample_report()) == report_json(sample_report())
    data = json.loads(report_json(sample_report()))
    assert data["decision"]["outcome"] == "ship"
    assert data["design"]["properties"]["is_orthogonal"] is True


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM:
        pytest.skip("Chromium is not installed; make test-experiments installs it")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def opened(browser: Any, path: Path, report: Report, **options: Any) -> tuple[Any, list[str]]:
    path.write_text(report_html(report), encoding="utf-8")
    page = browser.new_page(**options)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(f"error {error}"))
    page.on("console", lambda message: problems.append(f"console {message.text}"))
    page.on("dialog", lambda dialog: problems.append(f"dialog {dialog.message}"))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:"))
            else problems.append(f"request {request.url}")
        ),
    )
    page.goto(path.as_uri())
    return page, problems


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser(browser: Any, tmp_path: Path, scheme: str) -> None:
    page, problems = opened(browser, tmp_path / "report.html", sample_report(), color_scheme=scheme)
    assert problems == []
    assert page.title() == "Experiment shop front page"
    assert page.locator("h1").count() == 1
    assert page.get_by_role("heading", name="Ship cell").count() == 1
    names = page.locator("svg[role=img]").evaluate_all("all => all.map(e => e.ariaLabel)")
    assert len(names) == len(set(names)) >= 12 and all(names)
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}[scheme]
    # All text of a plot is within it, and the page is never wider than the window.
    outside = page.evaluate(
        """() => [...document.querySelectorAll('svg text')].filter(text => {
             const own = text.getBoundingClientRect();
             const all = text.ownerSVGElement.getBoundingClientRect();
             return own.left < all.left - 1 || own.right > all.right + 1
                 || own.top < all.top - 1 || own.bottom > all.bottom + 1;
           }).map(text => text.textContent)"""
    )
    assert outside == []
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.set_viewport_size({"width": 1100, "height": 900})
    page.screenshot(path=tmp_path / f"{scheme}.png", full_page=True)
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def test_text_has_contrast(browser: Any, tmp_path: Path) -> None:
    for scheme in ("light", "dark"):
        page, _problems = opened(
            browser, tmp_path / "report.html", sample_report(), color_scheme=scheme
        )
        ratio = page.evaluate(
            """() => {
              const light = color => { const c = color.match(/[0-9]+/g).slice(0, 3).map(v => {
                v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
                return .2126 * c[0] + .7152 * c[1] + .0722 * c[2]; };
              const back = light(getComputedStyle(document.body).backgroundColor);
              const colors = ['th', 'td', 'p', 'h2', 'svg text'].map(
                name => document.querySelector(name)).map(e => e.tagName == 'text'
                  ? getComputedStyle(e).fill : getComputedStyle(e).color);
              return Math.min(...colors.map(color => { const l = light(color);
                return (Math.max(l, back) + .05) / (Math.min(l, back) + .05); }));
            }"""
        )
        assert ratio >= 4.5


def test_in_print(browser: Any, tmp_path: Path) -> None:
    page, problems = opened(browser, tmp_path / "report.html", sample_report(), color_scheme="dark")
    page.emulate_media(media="print")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.pdf(path=tmp_path / "report.pdf")[:4] == b"%PDF"
    assert problems == []


def test_hostile_text_runs_nothing(browser: Any, tmp_path: Path) -> None:
    page, problems = opened(browser, tmp_path / "report.html", hostile_report())
    assert problems == []
    assert HOSTILE in page.locator("h1").inner_text()
    assert page.locator("[onclick]").count() == 0
