# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Analyze the same events by this collection and by others, each in a process of its own.

``python -m tests.benchmarks.experiment_contenders CONTENDER FOLDER`` prints the difference, the
standard error, and what the process has used. Each drops copies of events, takes those of exposed
units within their window, caps the mean, and adjusts by the pre-period.
"""

from __future__ import annotations

import json
import math
import resource
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

WINDOW, PRE_PERIOD, CAP = 14 * 86400, 14 * 86400, 200.0
ARMS = ("control", "new")
EVENTS, EXPOSURES = "events.parquet", "exposures.parquet"
RESPONSES = ("buyers", "spent", "views")
Results = dict[str, tuple[float, float]]


def generate(folder: Path, units: int, events: int) -> None:
    """Write exposures and events; every hundredth event is sent twice."""
    import duckdb

    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    number = f"CASE WHEN i % 100 = 0 AND (i // {units}) % 2 = 1 THEN i - {units} ELSE i END"
    connection.execute(
        f"""COPY (SELECT md5(i::VARCHAR) AS unit, CASE WHEN i % 2 = 0 THEN 'control' ELSE 'new' END
        AS arm, 1.75e9 + (hash(i) % 86400000)::DOUBLE / 1000 AS "first", 5 AS requests,
        0 AS errors, 900 AS duration FROM range({units}) r(i))
        TO '{folder / EXPOSURES}' (FORMAT parquet)"""
    )
    connection.execute(
        f"""COPY (SELECT md5((n % {units})::VARCHAR) AS unit, 1.75e9 + 43200
        + ((hash(n * 7) % 2000)::DOUBLE - 1000) / 1000 * 20 * 86400 AS "time",
        CASE WHEN hash(n * 13) % 3 = 0 THEN 'order' ELSE 'view' END AS name,
        (hash(n * 17) % 40000)::DOUBLE / 100 + 3 * (n % 2) AS value, 'e' || n AS id
        FROM (SELECT {number} AS n FROM range({events}) r(i)))
        TO '{folder / EVENTS}' (FORMAT parquet)"""
    )


def by_shipping_code(folder: Path) -> Results:
    """Return the results of this collection."""
    room = "ansible_collections.shipping.code.plugins.plugin_utils._experiments"
    from importlib import import_module

    files, data = import_module(f"{room}.event_files"), import_module(f"{room}.unit_data")
    declared, arms = import_module(f"{room}.experiment"), import_module(f"{room}.arm_estimates")
    measure, response = declared.Measure, declared.Response
    responses = [
        response("buyers", declared.RATE, measure("order")),
        response("spent", declared.MEAN, measure("order", of_value=True), cap=CAP),
        response("views", declared.MEAN, measure("view")),
    ]
    question = data.DataQuestion(ARMS, responses, WINDOW, PRE_PERIOD)
    reader = files.FileReader(files.connect_duckdb())
    units = data.units_of(reader.table([folder / EXPOSURES], files.EXPOSURES), ARMS)
    look = data.look_data(units, reader.table([folder / EVENTS], files.EVENTS), question)
    results = {}
    for each in responses:
        found = arms.arm_estimates({arm: look.sums_of(each.name, arm) for arm in ARMS}, each.type)
        control, new = (found[arm] for arm in ARMS)
        error = math.sqrt(control.variance + new.variance)
        results[each.name] = (new.estimate - control.estimate, error)
    return results


def by_polars(folder: Path) -> Results:
    """Return the results of a program for polars, written by hand."""
    import polars as pl

    first = (
        pl.scan_parquet(folder / EXPOSURES)
        .group_by("unit")
        .agg(pl.col("first").min(), pl.col("arm").min())
    )
    after = pl.col("time") - pl.col("first")
    now = (after >= 0) & (after < WINDOW)
    before = (after < 0) & (after >= -PRE_PERIOD)
    is_order = pl.col("name") == "order"
    columns: dict[str, Any] = {}
    for prefix, period in (("y", now), ("x", before)):
        columns |= {
            f"{prefix}_orders": (period & is_order).sum(),
            f"{prefix}_value": pl.when(period & is_order)
            .then(pl.col("value"))
            .otherwise(0.0)
            .sum(),
            f"{prefix}_views": (period & ~is_order).sum(),
        }
    events = pl.scan_parquet(folder / EVENTS).unique(subset=["unit", "id"])
    by_unit = events.join(first, on="unit").group_by("unit").agg(**columns)
    table = first.join(by_unit, on="unit", how="left").with_columns(
        *(pl.col(name).fill_null(0) for name in columns)
    )
    sums = []
    for index, (y, x) in enumerate(_polars_pairs(pl)):
        sums += [
            y.sum().alias(f"y{index}"),
            (y * y).sum().alias(f"yy{index}"),
            x.sum().alias(f"x{index}"),
            (x * x).sum().alias(f"xx{index}"),
            (x * y).sum().alias(f"xy{index}"),
        ]
    rows = table.group_by("arm").agg(pl.len().alias("n"), *sums).collect(engine="streaming")
    by_arm = {row["arm"]: row for row in rows.to_dicts()}
    return {
        name: _adjusted([_moments(by_arm[arm], index) for arm in ARMS])
        for index, name in enumerate(RESPONSES)
    }


def _polars_pairs(pl: Any) -> list[tuple[Any, Any]]:
    real = pl.Float64
    pairs = []
    for prefix in ("y", "x"):
        buyers = (pl.col(f"{prefix}_orders") > 0).cast(real)
        spent = pl.min_horizontal(pl.col(f"{prefix}_value"), CAP)
        pairs.append((buyers, spent, pl.col(f"{prefix}_views").cast(real)))
    return list(zip(*pairs, strict=True))


def _moments(row: Mapping[str, Any], index: int) -> tuple[float, ...]:
    names = ("y", "yy", "x", "xx", "xy")
    return (float(row["n"]), *(float(row[f"{name}{index}"]) for name in names))


def _adjusted(arms: list[tuple[float, ...]]) -> tuple[float, float]:
    """Return the difference and its standard error by CUPED."""
    products = sum(xy - x * y / n for n, y, _yy, x, _xx, xy in arms)
    squares = sum(xx - x * x / n for n, _y, _yy, x, xx, _xy in arms)
    slope = products / squares if squares else 0.0
    means, variances = [], []
    for n, y, yy, x, xx, xy in arms:
        means.append((y - slope * x) / n)
        spread = yy - y * y / n - 2 * slope * (xy - x * y / n) + slope**2 * (xx - x * x / n)
        variances.append(spread / (n - 1) / n)
    return means[1] - means[0], math.sqrt(sum(variances))


def by_pandas(folder: Path) -> Results:
    """Return the results of pandas, with the regression of statsmodels."""
    import numpy
    import pandas
    import statsmodels.api

    exposures = pandas.read_parquet(folder / EXPOSURES, columns=["unit", "arm", "first"])
    first = exposures.groupby("unit", as_index=False).agg({"first": "min", "arm": "min"})
    events = pandas.read_parquet(folder / EVENTS).drop_duplicates(["unit", "id"])
    joined = events.merge(first, on="unit")
    del events
    after = joined["time"] - joined["first"]
    is_order = joined["name"] == "order"
    columns = {"unit": joined["unit"]}
    periods = {"y": after.between(0, WINDOW, "left"), "x": after.between(-PRE_PERIOD, 0, "left")}
    for prefix, period in periods.items():
        columns[f"{prefix}_orders"] = period & is_order
        columns[f"{prefix}_value"] = joined["value"].where(period & is_order, 0.0)
        columns[f"{prefix}_views"] = period & ~is_order
    by_unit = pandas.DataFrame(columns).groupby("unit").sum()
    table = first.merge(by_unit, left_on="unit", right_index=True, how="left").fillna(0)
    is_new = (table["arm"] == "new").to_numpy(dtype=float)
    results = {}
    for name, column in zip(RESPONSES, ("orders", "value", "views"), strict=True):
        y, x = (table[f"{prefix}_{column}"].to_numpy(dtype=float) for prefix in ("y", "x"))
        if name == "buyers":
            y, x = (y > 0).astype(float), (x > 0).astype(float)
        if name == "spent":
            y, x = numpy.minimum(y, CAP), numpy.minimum(x, CAP)
        matrix = numpy.column_stack([numpy.ones(len(y)), is_new, x])
        fit = statsmodels.api.OLS(y, matrix).fit(cov_type="HC1")
        results[name] = (float(fit.params[1]), float(fit.bse[1]))
    return results


def by_tea_tasting(folder: Path) -> Results:
    """Return the results of tea-tasting on ibis and DuckDB."""
    import ibis
    import tea_tasting

    connection = ibis.duckdb.connect()
    exposures = connection.read_parquet(folder / EXPOSURES, table_name="exposures")
    first = exposures.group_by("unit").agg(
        first=exposures["first"].min(), variant=exposures.arm.min()
    )
    events = connection.read_parquet(folder / EVENTS, table_name="events").distinct(
        on=["unit", "id"]
    )
    joined = events.join(first, "unit")
    after, is_order = joined.time - joined["first"], joined.name == "order"
    columns = {}
    for prefix, period in (
        ("y", (after >= 0) & (after < WINDOW)),
        ("x", (after < 0) & (after >= -PRE_PERIOD)),
    ):
        columns[f"{prefix}_orders"] = (period & is_order).sum()
        columns[f"{prefix}_value"] = joined.value.sum(where=period & is_order)
        columns[f"{prefix}_views"] = (period & ~is_order).sum()
    by_unit = joined.group_by("unit").agg(**columns)
    table = first.left_join(by_unit, "unit")
    picked = {"variant": table.variant}
    for prefix in ("y", "x"):
        orders, value, views = (
            table[f"{prefix}_{name}"].fill_null(0) for name in ("orders", "value", "views")
        )
        picked[f"{prefix}_buyers"] = (orders > 0).ifelse(1.0, 0.0)
        picked[f"{prefix}_spent"] = ibis.least(value, CAP)
        picked[f"{prefix}_views"] = views.cast("float64")
    metrics = {name: tea_tasting.Mean(f"y_{name}", f"x_{name}", use_t=False) for name in RESPONSES}
    analyzed = tea_tasting.Experiment(metrics).analyze(table.select(**picked), control="control")
    return {
        name: (analyzed[name].effect_size, analyzed[name].effect_size / analyzed[name].statistic)
        for name in RESPONSES
    }


CONTENDERS: dict[str, Callable[[Path], Results]] = {
    "shipping.code": by_shipping_code,
    "polars, by hand": by_polars,
    "tea-tasting on ibis": by_tea_tasting,
    "pandas with statsmodels": by_pandas,
}


def main(words: list[str]) -> None:
    """Run one contender, and print its results and what it used."""
    name, folder = words
    begin = time.perf_counter()
    results = CONTENDERS[name](Path(folder))
    used = resource.getrusage(resource.RUSAGE_SELF)
    outcome = {
        "results": results,
        "seconds": time.perf_counter() - begin,
        "cpu": used.ru_utime + used.ru_stime,
        "mebibytes": used.ru_maxrss / 1024,
    }
    print(json.dumps(outcome))


if __name__ == "__main__":
    main(sys.argv[1:])
