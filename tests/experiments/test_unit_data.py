# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The same sums by DuckDB, by PostgreSQL and by a loop in Python; bad data are named."""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import ibis
import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import ShippingError
from ansible_collections.shipping.code.plugins.module_utils._inference.arm_sums import (
    sums_of_units,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.event_files import (
    EVENTS,
    EXPOSURES,
    FileReader,
    connect_database,
    connect_duckdb,
    database_events,
    upload_units,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.experiment import (
    MEAN,
    RATE,
    RATIO,
    Measure,
    Response,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.response_sums import (
    LookData,
)
from ansible_collections.shipping.code.plugins.plugin_utils._experiments.unit_data import (
    DataQuestion,
    look_data,
    single_units,
    sums_expression,
    units_of,
)

from .conftest import UnitRows

SNAPSHOTS = Path(__file__).parent / "compiled_sql"
ORDERS, REVENUE = Measure("order"), Measure("order", of_value=True)
BUYERS = Response("buyers", RATE, ORDERS)
SPENT = Response("spent", MEAN, REVENUE, cap=100.0)
PER_VIEW = Response("per view", RATIO, REVENUE, Measure("view"))
ERRORS = Response("errors", RATIO, Measure("errors"), Measure("requests"))
PER_REQUEST = Response("orders a request", RATIO, ORDERS, Measure("requests"))
OF_EVENTS = DataQuestion(["control", "new"], [BUYERS, SPENT, PER_VIEW], 600.0, 500.0)
ALL = DataQuestion(["control", "new"], [BUYERS, SPENT, PER_VIEW, ERRORS, PER_REQUEST], 600.0, 500.0)


def by_duckdb(rows: UnitRows, question: DataQuestion) -> LookData:
    units = units_of(memory(rows.exposures, EXPOSURES), question.arms)
    return look_data(units, memory(rows.events, EVENTS), question)


def memory(rows: list[dict[str, object]], forms: dict[str, str]) -> Any:
    types = {"text": "string", "number": "float64", "integer": "int64", "time": "float64"}
    return ibis.memtable(rows, schema={name: types[form] for name, form in forms.items()})


def by_hand(rows: UnitRows, question: DataQuestion) -> dict[str, dict[str, Any]]:
    """Return (sums, x, xx, xn, xd) by response and arm."""
    measures: dict[tuple[str, str], float] = defaultdict(float)
    first, arms = _exposed(rows, question, measures)
    _add_events(rows, first, measures)
    result: dict[str, dict[str, Any]] = defaultdict(dict)
    for response, arm in product(question.responses, question.arms):
        triples = [_triple(measures, unit, response) for unit in first if arms[unit] == {arm}]
        result[response.name][arm] = (
            sums_of_units([(top, bottom) for top, bottom, _x in triples]),
            sum(x for _t, _b, x in triples),
            sum(x * x for _t, _b, x in triples),
            sum(t * x for t, _b, x in triples),
            sum(b * x for _t, b, x in triples),
        )
    return result


def _exposed(
    rows: UnitRows, question: DataQuestion, measures: dict[tuple[str, str], float]
) -> tuple[dict[str, float], dict[str, set[str]]]:
    first: dict[str, float] = {}
    arms: dict[str, set[str]] = defaultdict(set)
    for row in rows.exposures:
        if row["arm"] in question.arms:
            unit = str(row["unit"])
            first[unit] = min(first.get(unit, 1e18), float(str(row["first"])))
            arms[unit].add(str(row["arm"]))
            for name in ("requests", "errors"):
                measures[unit, name] += float(str(row[name]))
    return first, arms


def _add_events(
    rows: UnitRows, first: dict[str, float], measures: dict[tuple[str, str], float]
) -> None:
    known = set()
    for row in rows.events:
        unit, after = str(row["unit"]), float(str(row["time"])) - first.get(str(row["unit"]), 1e18)
        is_copy = row["id"] and (unit, row["id"]) in known
        known.add((unit, row["id"]))
        if not is_copy and -500 <= after < 600:
            period = "" if after >= 0 else "pre "
            measures[unit, f"{period}{row['name']}"] += 1
            measures[unit, f"{period}{row['name']}.value"] += float(str(row["value"] or 0))


def _triple(
    measures: dict[tuple[str, str], float], unit: str, response: Response
) -> tuple[float, float, float]:
    top, pre = measures[unit, str(response.numerator)], 0.0
    if not response.numerator.is_of_router:
        pre = measures[unit, f"pre {response.numerator}"]
    if response.type == RATIO:
        return top, measures[unit, str(response.denominator)], pre
    if response.type == RATE:
        return float(top > 0), 1.0, float(pre > 0)
    cap = response.cap or 1e18
    return min(top, cap), 1.0, min(pre, cap)


def assert_same(data: LookData, expected: dict[str, dict[str, Any]]) -> None:
    for name, by_arm in expected.items():
        for arm, (sums, *pre) in by_arm.items():
            actual = data.sums_of(name, arm)
            assert vars(actual.arm) == pytest.approx(vars(sums)), (name, arm)
            assert [actual.x, actual.xx, actual.xn, actual.xd] == pytest.approx(pre), (name, arm)


@pytest.mark.parametrize("question", [OF_EVENTS, ALL])
def test_duckdb_has_the_sums_of_a_loop(unit_rows: UnitRows, question: DataQuestion) -> None:
    data = by_duckdb(unit_rows, question)
    assert data.all_units > 200 and data.units_in_two_arms == 8
    assert data.sums_of("buyers", "new").arm.numerators > 20
    assert_same(data, by_hand(unit_rows, question))


def test_each_event_is_counted_once(unit_rows: UnitRows) -> None:
    data = by_duckdb(unit_rows, OF_EVENTS)
    counts = data.events
    named = [row for row in unit_rows.events if row["name"] in ("order", "view")]
    places = (
        counts.counted
        + counts.in_pre_period
        + counts.before_exposure
        + counts.after_window
        + counts.of_other_units
        + counts.without_unit
    )
    assert places + counts.duplicates == len(named)
    assert min(vars(counts)[name] for name in vars(counts) if name != "conflicting") > 0


def test_copies_with_another_value_are_named() -> None:
    exposures = [
        {"unit": "a", "arm": "new", "first": 1.0, "requests": 1, "errors": 0, "duration": 1}
    ]
    event = {"unit": "a", "time": 2.0, "name": "order", "value": 5.0, "id": "1"}
    data = by_duckdb(UnitRows(exposures, [event, {**event, "value": 7.0}]), OF_EVENTS)
    assert data.events.conflicting == 1 and data.events.duplicates == 1
    assert data.sums_of("spent", "new").arm.numerators == 5.0


def test_sums_are_the_same_in_any_order(unit_rows: UnitRows) -> None:
    reverse = UnitRows(unit_rows.exposures[::-1], unit_rows.events[::-1])
    first, again = by_duckdb(unit_rows, ALL), by_duckdb(reverse, ALL)
    assert first == again and first.digest() == again.digest()


def test_postgres_has_the_same_sums(unit_rows: UnitRows, postgres: str) -> None:
    connection = connect_database(postgres)
    connection.raw_sql(
        "CREATE TABLE clicks (visitor text, at timestamptz, what text, amount float8, key text)"
    )
    with connection.con.cursor() as cursor:
        for row in unit_rows.events:
            cursor.execute(
                "INSERT INTO clicks VALUES (%s, to_timestamp(%s), %s, %s, %s)", [*row.values()]
            )
    connection.con.commit()
    names = {"unit": "visitor", "time": "at", "name": "what", "value": "amount", "id": "key"}
    events = database_events(connection, "clicks", names)
    units = units_of(memory(unit_rows.exposures, EXPOSURES), ALL.arms)
    there = upload_units(connection, units)
    assert look_data(there, events, ALL) == by_duckdb(unit_rows, ALL)
    connection.disconnect()


def test_a_database_that_is_off_and_columns_that_are_absent(postgres: str) -> None:
    with pytest.raises(ShippingError, match="the database of events cannot be read"):
        connect_database("postgres://nobody@127.0.0.1:1/none")
    connection = connect_database(postgres)
    connection.raw_sql("CREATE TABLE local_times (unit text, time timestamp, name text)")
    connection.con.commit()
    with pytest.raises(ShippingError, match="the times in time have no time zone"):
        database_events(connection, "local_times", {})
    with pytest.raises(ShippingError, match="it has no column visitor"):
        database_events(connection, "local_times", {"unit": "visitor"})
    connection.disconnect()


@pytest.mark.parametrize("dialect", ["clickhouse", "bigquery"])
def test_compiled_sql_of_large_databases(dialect: str) -> None:
    exposures = ibis.table(_types(EXPOSURES), name="exposures")
    events = ibis.table(_types(EVENTS), name="events")
    units = units_of(exposures, ALL.arms)
    sums = sums_expression(single_units(units, ALL), events, ALL)
    compiled = str(ibis.to_sql(sums, dialect=dialect))
    path = SNAPSHOTS / f"{dialect}.sql"
    lines = path.read_text(encoding="utf-8").splitlines()
    assert compiled.splitlines() == [line for line in lines if not line.startswith("-- ")]


def _types(forms: dict[str, str]) -> dict[str, str]:
    types = {"text": "string", "number": "float64", "integer": "int64", "time": "float64"}
    return {name: types[form] for name, form in forms.items()}


def test_files_of_all_formats_have_the_same_sums(unit_rows: UnitRows, tmp_path: Path) -> None:
    expected = by_duckdb(unit_rows, ALL)
    table = memory(unit_rows.events, EVENTS)
    table.to_parquet(tmp_path / "events.parquet")
    table.to_csv(tmp_path / "events.csv")
    lines = [json.dumps(row) for row in unit_rows.events]
    (tmp_path / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")
    lines = [json.dumps(row) for row in unit_rows.exposures]
    (tmp_path / "exposures.jsonl").write_text("\n".join(lines), encoding="utf-8")
    for suffix in ("parquet", "csv", "jsonl"):
        reader = FileReader(connect_duckdb())
        units = units_of(reader.table([tmp_path / "exposures.jsonl"], EXPOSURES), ALL.arms)
        events = reader.table([tmp_path / f"events.{suffix}"], EVENTS)
        assert look_data(units, events, ALL) == expected, suffix


GOOD = '{"unit": "a", "time": 1, "name": "x"}\n'


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("b.jsonl", GOOD + '{"unit": "b", "ti\n' + GOOD, "Malformed JSON"),
        ("b.csv", "unit,time,name\na,1,x\nb,2\nc,3,x\n", "CSV Error on Line - 3"),
        ("b.csv", 'unit,time,name\na,1,x\nb,2,"x\nc,3,x\n', "unterminated quote"),
        ("b.csv", "unit,time,name,value\na,1,x,1\nb,1,x,zwei\n", "value zwei is not a number"),
        ("b.csv", "unit,time,name\na,2026-01-01 00:00:00,x\n", "no time zone"),
        (
            "b.csv",
            "unit,time,name\na,2026-01-01T00:00:00Z,x\nb,2026-01-01T00:00:00+01:00,x\n",
            "mixed",
        ),
        ("b.jsonl", GOOD + '{"unit": "a", "time": "2026-01-01T00:00:00Z", "name": "x"}\n', "mixed"),
        ("b.csv", "unit,time,name\na,,x\n", "a row has no time"),
        ("b.csv", "unit,time,name\na,1700000000000,x\n", "not in seconds"),
        ("b.csv", "user,time,name\na,1,x\n", "no column unit"),
        ("b.parquet", "PAR1broken", "b.parquet"),
        ("b.txt", "a", "does not end with"),
    ],
)
def test_broken_files_in_the_middle(tmp_path: Path, name: str, content: str, message: str) -> None:
    for other in ("a.jsonl", "c.jsonl"):
        (tmp_path / other).write_text(GOOD, encoding="utf-8")
    (tmp_path / name).write_text(content, encoding="utf-8")
    paths = [tmp_path / "a.jsonl", tmp_path / name, tmp_path / "c.jsonl"]
    with pytest.raises(ShippingError, match=message) as error:
        FileReader(connect_duckdb()).table(paths, EVENTS).to_pyarrow()
    assert name in str(error.value)
    assert (tmp_path / name).read_text(encoding="utf-8") == content


def test_no_files_are_no_events(tmp_path: Path) -> None:
    (tmp_path / "empty.jsonl").touch()
    table = FileReader(connect_duckdb()).table([tmp_path / "empty.jsonl"], EVENTS)
    assert table.count().execute() == 0
    with pytest.raises(ShippingError, match="No such file"):
        FileReader(connect_duckdb()).table([tmp_path / "absent.csv"], EVENTS)
