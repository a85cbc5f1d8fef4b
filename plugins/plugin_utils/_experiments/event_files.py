# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read exposures and events from files and databases, as tables of unit_data.

Files are CSV, Parquet or JSON lines, read by an embedded DuckDB. Nothing is guessed: a broken line,
a time without a time zone among others with one, or a value that is not a number is an error. Times
are seconds since 1970, or ISO 8601 with one offset in all rows.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...module_utils._core.errors import ShippingError
from .unit_data import load_ibis

EXPOSURES = {
    "unit": "text",
    "arm": "text",
    "first": "time",
    "requests": "integer",
    "errors": "integer",
    "duration": "integer",
}
EVENTS = {"unit": "text", "time": "time", "name": "text", "value": "number", "id": "text"}
_OPTIONAL = ("value", "id", "requests", "errors", "duration")
_SUFFIXES = {
    ".csv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".parquet": "parquet",
}
_TYPES = {"text": "VARCHAR", "number": "DOUBLE", "integer": "BIGINT"}
_DETAILS = ("Expected Number of Columns", "Value with unterminated quote")
# Seconds of the year 2286; those above are milliseconds.
_LARGEST_TIME = 1e10


def connect_duckdb(memory: str = "", threads: int | None = None) -> Any:
    """Return a connection to an embedded DuckDB; ``memory`` is its limit, such as ``2GB``."""
    ibis = load_ibis()
    try:
        connection = ibis.duckdb.connect()
    except ImportError as error:
        raise ShippingError(
            "the files of the experiment cannot be read",
            "the Python package duckdb is not installed on the control node",
            'Run pip install "ibis-framework[duckdb]"',
        ) from error
    _check_version()
    connection.raw_sql("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    if memory:
        connection.raw_sql(f"SET memory_limit = '{memory}'")
    if threads:
        connection.raw_sql(f"SET threads = {int(threads)}")
    return connection


def _check_version() -> None:
    import duckdb

    # ibis-framework 12.0.0 calls it, and duckdb 2.0.0 has it no longer.
    if not hasattr(duckdb.DuckDBPyConnection, "fetch_arrow_table"):
        raise ShippingError(
            "the files of the experiment cannot be read",
            f"ibis-framework does not work with duckdb {duckdb.__version__}",
            'Run pip install "duckdb<2"',
        )


@dataclass
class FileReader:
    """Reads files into one connection. ``columns`` maps our names to those of the files."""

    connection: Any
    names: list[str] = field(default_factory=list)

    def table(
        self,
        paths: Iterable[Path],
        forms: Mapping[str, str],
        columns: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the rows of all files with the columns of ``forms``; errors name the file."""
        files = [path for path in paths if self._has_rows(path)]
        if not files:
            return load_ibis().memtable([], schema=_schema(forms))
        by_type: dict[str, list[Path]] = {}
        for path in files:
            by_type.setdefault(_type(path), []).append(path)
        columns = {**dict(zip(forms, forms, strict=True)), **(columns or {})}
        parts = [self._part(kind, group, forms, columns) for kind, group in by_type.items()]
        zones = {zone for _query, zone in parts}
        if len(zones) > 1:
            raise _mixed(files, zones)
        whole = " UNION ALL ".join(query for query, _zone in parts)
        return self._run(files, lambda: self.connection.sql(whole))

    def _has_rows(self, path: Path) -> bool:
        try:
            return path.stat().st_size > 0
        except OSError as error:
            raise _unreadable([path], error.strerror or "it cannot be opened") from error

    def _part(
        self, kind: str, files: list[Path], forms: Mapping[str, str], columns: Mapping[str, str]
    ) -> tuple[str, str]:
        """Return the query of files of one type, and the zone of their times."""
        name = f"shipping_rows_{len(self.names)}"
        self.names.append(name)
        source = self._source(kind, files, forms, columns)
        self._run(files, lambda: self.connection.raw_sql(f"CREATE VIEW {name} AS {source}"))
        existing = dict(
            self._run(
                files,
                lambda: self.connection.raw_sql(
                    f"SELECT column_name, column_type FROM (DESCRIBE {name})"
                ).fetchall(),
            )
        )
        missing = [
            ours for ours in forms if columns[ours] not in existing and ours not in _OPTIONAL
        ]
        if missing:
            raise _unreadable(
                files, f"it has no column {columns[missing[0]]}", "Correct the file or columns"
            )
        times = [ours for ours, form in forms.items() if form == "time"]
        zone = self._zone(name, files, columns[times[0]], existing[columns[times[0]]])
        self._check_numbers(name, files, forms, columns, existing)
        picked = [
            _cast(columns[ours] if columns[ours] in existing else "", form, ours, zone)
            for ours, form in forms.items()
        ]
        return f"SELECT {', '.join(picked)} FROM {name}", zone

    def _source(
        self, kind: str, files: list[Path], forms: Mapping[str, str], columns: Mapping[str, str]
    ) -> str:
        listed = f"[{', '.join(_text(str(path)) for path in files)}]"
        if kind == "parquet":
            return f"SELECT * FROM read_parquet({listed})"
        if kind == "json":
            fields = ", ".join(f"{_text(columns[ours])}: 'VARCHAR'" for ours in forms)
            return (
                f"SELECT * FROM read_json({listed}, format = 'newline_delimited',"
                f" columns = {{{fields}}})"
            )
        heads = {tuple(_header(path)) for path in files}
        if len(heads) > 1:
            raise _unreadable(files, "their first lines have different columns")
        fields = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in heads.pop())
        return (
            f"SELECT * FROM read_csv({listed}, auto_detect = false, header = true, delim = ',',"
            f" quote = '\"', escape = '\"', strict_mode = true, columns = {{{fields}}})"
        )

    def _zone(self, name: str, files: list[Path], column: str, column_type: str) -> str:
        """Return ``seconds`` for numbers, else the one offset of all times."""
        if column_type.startswith("TIMESTAMP"):
            zone = "Z" if "TIME ZONE" in column_type else ""
        elif column_type == "VARCHAR":
            zone = self._zone_of_text(name, files, column)
        else:
            zone = "seconds"
        if not zone:
            raise _unreadable(
                files,
                "its times have no time zone",
                "Write them in UTC with a Z at the end, such as 2026-01-31T12:00:00Z",
            )
        if zone == "seconds":
            quoted = _name(column)
            query = f"SELECT max(CAST({quoted} AS DOUBLE)) FROM {name}"
            (largest,) = self._first_row(files, query)
            if largest is not None and largest > _LARGEST_TIME:
                raise _unreadable(files, f"the time {largest:.0f} is not in seconds")
        return zone

    def _zone_of_text(self, name: str, files: list[Path], column: str) -> str:
        """Return the offset of times in text; all must have the same one."""
        zone = (
            f"CASE WHEN regexp_full_match({_name(column)}, '[0-9]+([.][0-9]*)?([eE][+-]?[0-9]+)?')"
            f" THEN 'seconds' ELSE regexp_extract({_name(column)}, '(Z|[+-][0-9:]+)$') END"
        )
        query = f"SELECT DISTINCT {zone} FROM {name} ORDER BY 1 LIMIT 5"
        rows = self._run(files, lambda: self.connection.raw_sql(query).fetchall())
        zones = {row[0] for row in rows}
        if None in zones:
            raise _unreadable(files, "a row has no time")
        if len(zones) > 1:
            raise _mixed(files, zones)
        return str(zones.pop()) if zones else "seconds"

    def _check_numbers(
        self,
        name: str,
        files: list[Path],
        forms: Mapping[str, str],
        columns: Mapping[str, str],
        existing: Mapping[str, str],
    ) -> None:
        """Raise ShippingError if text is not the number that it must be."""
        for ours, form in forms.items():
            column = columns[ours]
            if form not in _TYPES or form == "text" or existing.get(column) != "VARCHAR":
                continue
            query = (
                f"SELECT {_name(column)} FROM {name} WHERE {_name(column)} NOT IN ('', 'null') AND"
                f" TRY_CAST({_name(column)} AS {_TYPES[form]}) IS NULL LIMIT 1"
            )
            row = self._first_row(files, query)
            if row:
                raise _unreadable(files, f"{column} {row[0]} is not a number")

    def _first_row(self, files: Sequence[Path], query: str) -> Any:
        return self._run(files, lambda: self.connection.raw_sql(query).fetchone())

    def _run(self, files: Sequence[Path], action: Callable[[], Any]) -> Any:
        import duckdb

        try:
            return action()
        except duckdb.Error as error:
            raise _broken(files, error) from error


def connect_database(address: str) -> Any:
    """Return a connection to a database, such as ``postgres://user@host/database``."""
    ibis = load_ibis()
    try:
        return ibis.connect(address)
    except ImportError as error:
        kind = address.partition(":")[0]
        raise ShippingError(
            "the database of events cannot be read",
            f"the client for {kind} is not installed on the control node",
            f'Run pip install "ibis-framework[{kind}]"',
        ) from error
    except Exception as error:  # each database has errors of its own
        raise ShippingError(
            "the database of events cannot be read",
            str(error).splitlines()[0] if str(error) else type(error).__name__,
            "Check the address and that the control node reaches it",
        ) from error


def database_events(connection: Any, table: str, columns: Mapping[str, str]) -> Any:
    """Return the events of a table of a database, with our names of columns."""
    ibis = load_ibis()
    rows = connection.table(table)
    names = {**dict(zip(EVENTS, EVENTS, strict=True)), **columns}
    missing = [ours for ours in ("unit", "time", "name") if names[ours] not in rows.columns]
    if missing:
        raise ShippingError(
            f"the table {table} cannot be read",
            f"it has no column {names[missing[0]]}",
            "Correct columns",
        )
    time = rows[names["time"]]
    if time.type().is_timestamp() and not time.type().timezone:
        raise ShippingError(
            f"the table {table} cannot be read",
            f"the times in {names['time']} have no time zone",
            "Use a view with times in UTC, such as a timestamp with time zone",
        )
    empty = {"value": ibis.null("float64"), "id": ibis.null("string")}
    picked = {
        ours: rows[theirs].cast(_IBIS_TYPES[ours]) if ours in _IBIS_TYPES else rows[theirs]
        for ours, theirs in names.items()
        if theirs in rows.columns
    }
    # Seconds since 1970, as exposures have them.
    if time.type().is_timestamp():
        picked["time"] = time.epoch_seconds().cast("float64")
    return rows.select(**{**empty, **picked})


_IBIS_TYPES = {"unit": "string", "name": "string", "value": "float64", "id": "string"}


def upload_units(connection: Any, units: Any, name: str = "shipping_units") -> Any:
    """Return the units as a temporary table of a database: unit, arm and first exposure.

    They travel to the events, so that the events do not travel.
    """
    connection.create_table(name, units.to_pyarrow(), temp=True)
    return connection.table(name)


def _schema(forms: Mapping[str, str]) -> dict[str, str]:
    types = {"text": "string", "number": "float64", "integer": "int64", "time": "float64"}
    return {ours: types[form] for ours, form in forms.items()}


def _cast(column: str, form: str, ours: str, zone: str) -> str:
    quoted = _name(column) if column else "NULL"
    if form != "time":
        # What a JSON or CSV file leaves empty is no number.
        text = f"nullif({quoted}, '')" if form == "text" and column else quoted
        return f"CAST({text} AS {_TYPES[form]}) AS {_name(ours)}"
    if zone == "seconds":
        return f"CAST({quoted} AS DOUBLE) AS {_name(ours)}"
    return f"epoch(CAST({quoted} AS TIMESTAMPTZ)) AS {_name(ours)}"


def _header(path: Path) -> list[str]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file), [])
    except UnicodeDecodeError as error:
        raise _unreadable([path], "it is not UTF-8") from error


def _type(path: Path) -> str:
    try:
        return _SUFFIXES[path.suffix.lower()]
    except KeyError:
        raise _unreadable(
            [path],
            f"its name does not end with {', '.join(_SUFFIXES)}",
            "Name the file by its format",
        ) from None


def _broken(files: Sequence[Path], error: Exception) -> ShippingError:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    # A line of data is not printed: it has a unit.
    details = [line for line in lines[1:] if line.startswith(_DETAILS)]
    text = "; ".join([*lines[:1], *details]) or type(error).__name__
    affected = [path for path in files if str(path) in str(error)]
    return _unreadable(affected or files, text.rstrip(".").replace(": ", " - "))


def _mixed(files: Sequence[Path], zones: Iterable[str]) -> ShippingError:
    listed = ", ".join(zone or "without a time zone" for zone in sorted(zones))
    return _unreadable(
        files,
        f"its times have mixed time zones ({listed})",
        "Write all times in UTC with a Z at the end, such as 2026-01-31T12:00:00Z",
    )


def _unreadable(files: Sequence[Path], cause: str, hint: str = "Correct the file") -> ShippingError:
    names = ", ".join(str(path) for path in files[:3])
    return ShippingError(f"the data file {names} cannot be read", cause, hint)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _name(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'
