# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import math

import pytest
import yaml
from ansible_collections.shipping.code.plugins.module_utils._core.errors import SpecError
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_reader import (
    Override,
    Reset,
    parse,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.yaml_scanner import TabScanner
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st


def value(text):
    return parse(f"it: {text}", "compose.yml")["it"]


SCALARS = [
    # YAML 1.1 would make a number of these,
    ("22:22", "22:22"),
    ("8080:80", "8080:80"),
    ("190:20:30.15", "190:20:30.15"),
    # a boolean of these,
    *((word, word) for word in ("no", "No", "yes", "on", "off", "y", "N")),
    # and a date of these.
    ("2001-01-01", "2001-01-01"),
    ("2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"),
    *((word, True) for word in ("true", "True", "TRUE")),
    *((word, False) for word in ("false", "False", "FALSE")),
    *((word, None) for word in ("null", "Null", "NULL", "~", "")),
    ("tRUE", "tRUE"),
    ("nUll", "nUll"),
    ("0", 0),
    ("12", 12),
    ("+12", 12),
    ("-12", -12),
    ("1_000", 1000),
    ("0440", 288),
    ("0o17", 15),
    ("0o440", 288),
    ("00", 0),
    ("0o0", 0),
    ("0_7", 7),
    ("0O17", 15),
    ("0XFf", 255),
    ("0B11", 3),
    ("-017", -15),
    ("0x1F", 31),
    ("0b101", 5),
    ("08", 8.0),
    ("0o8", "0o8"),
    ("0x_", "0x_"),
    ("0b2", "0b2"),
    ("_1", "_1"),
    ("1,000", "1,000"),
    ("1.50", 1.5),
    (".5", 0.5),
    (".05", 0.05),
    ("0.50", 0.5),
    ("5.", 5.0),
    ("1e3", 1000.0),
    ("-2E+2", -200.0),
    ("12_3.4", 123.4),
    ("12e", "12e"),
    (".", "."),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    ("1.2.3", "1.2.3"),
    ("<<", "<<"),
    ("=", "="),
    ("'22'", "22"),
    ('"no"', "no"),
    ("!!str 0440", "0440"),
    ("!!int '7'", 7),
    ("[a, 1, no]", ["a", 1, "no"]),
    ("{a: 0o10}", {"a": 8}),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS)
def test_scalars(text, expected):
    assert value(text) == expected
    assert type(value(text)) is type(expected)


KEYS = [
    ("no", "no"),
    ("on", "on"),
    ("true", "true"),
    ("80", "80"),
    ("1.50", "1.50"),
    ("~", "~"),
    ("'a b'", "a b"),
    ("0440", "0440"),
]


@pytest.mark.parametrize(("text", "key"), KEYS)
def test_keys_are_texts_as_they_are_written(text, key):
    assert parse(f"{text}: x", "compose.yml") == {key: "x"}


def test_a_file_is_never_a_template():
    assert parse("it: '{{.Node.Hostname}} {% raw %}'", "compose.yml") == {
        "it": "{{.Node.Hostname}} {% raw %}"
    }


MERGED = """
x-one: &one {a: 1, b: 1}
x-two: &two {b: 2, c: 2}
own-first: {b: 0, <<: *one}
own-last: {<<: *one, b: 0}
both: {<<: [*one, *two]}
nested: &nested {<<: *two, d: 3}
deeper: {<<: *nested, c: 4}
alias: *one
"""


def test_merge_keys():
    assert parse(MERGED, "compose.yml") == {
        "x-one": {"a": 1, "b": 1},
        "x-two": {"b": 2, "c": 2},
        "own-first": {"a": 1, "b": 0},
        "own-last": {"a": 1, "b": 0},
        "both": {"a": 1, "b": 1, "c": 2},
        "nested": {"b": 2, "c": 2, "d": 3},
        "deeper": {"b": 2, "c": 4, "d": 3},
        "alias": {"a": 1, "b": 1},
    }


MARKED = [
    ("!reset", Reset()),
    ("!reset null", Reset()),
    ("!reset []", Reset()),
    ("!reset {a: b}", Reset()),
    ("!override", Override(None)),
    ("!override no", Override("no")),
    ("!override 0440", Override(288)),
    ("!override [a, 1, [b, [0440]]]", Override(["a", 1, ["b", [288]]])),
    (
        "!override {a: !reset null, b: !override [c]}",
        Override({"a": Reset(), "b": Override(["c"])}),
    ),
]


@pytest.mark.parametrize(("text", "expected"), MARKED)
def test_marks_that_steer_merging(text, expected):
    assert value(text) == expected


def test_an_overriding_mapping_may_merge_an_anchor():
    assert parse("a: &a {b: 1}\nc: !override {<<: *a, d: 2}", "compose.yml")["c"] == Override(
        {"b": 1, "d": 2}
    )


TWICE = "remove or rename one of them"
KEY = (
    "has a list or mapping as a key; put a text that begins with [ or { between quotes. A Compose"
    " file is no template: write ${NAME} for a variable"
)
BROKEN = [
    (
        "a: 1\nb: 2\na: 3",
        f"compose.yml:3:1: has the key a twice, first in line 1; {TWICE}",
    ),
    (
        "services:\n  web: {}\n  db: {}\n  web: {}",
        f"compose.yml:4:3: has the key web twice, first in line 2; {TWICE}",
    ),
    (
        "{a: {b: 1, b: 2}}",
        f"compose.yml:1:12: has the key b twice, first in line 1; {TWICE}",
    ),
    (
        "1: a\n'1': b",
        f"compose.yml:2:1: has the key 1 twice, first in line 1; {TWICE}",
    ),
    (
        "a: !override {b: 1, b: 2}",
        f"compose.yml:1:21: has the key b twice, first in line 1; {TWICE}",
    ),
    (
        "x: &x {}\na:\n  <<: *x\n  <<: *x",
        "compose.yml:4:3: has the key << twice, first in line 3; write <<: [*one, *other]",
    ),
    ("[a]: b", f"compose.yml:1:1: {KEY}"),
    ("a: {<<: {[b]: c}}", f"compose.yml:1:10: {KEY}"),
    ("a: {{ b }}", f"compose.yml:1:5: {KEY}"),
    ("a: {<<: [b]}", "compose.yml:1:10: is merged by << and is no mapping; merge a mapping"),
    (
        "a: *b",
        "compose.yml:1:4: found undefined alias 'b'; define the anchor above its first use",
    ),
    ("a: &a [*a]", "compose.yml:1:4: found unconstructable recursive node"),
    (
        "a: b: c",
        (
            "compose.yml:1:5: has a second ': ' in one line, or is indented further than the line"
            " before; put a value with ': ' between quotes, or correct the indentation"
        ),
    ),
    (
        "a: b\n  c: d",
        (
            "compose.yml:2:4: has a second ': ' in one line, or is indented further than the line"
            " before; put a value with ': ' between quotes, or correct the indentation"
        ),
    ),
    (
        "a: b\n\tc",
        "compose.yml:2:1: is indented by a tab, which YAML forbids; indent by spaces",
    ),
    (
        "a:\n    b: 1\n  c: 2",
        (
            "compose.yml:3:3: is indented in another way than the lines around it; align it with"
            " its siblings by spaces"
        ),
    ),
    ("a: [b", "compose.yml:1:6: lacks a comma or the closing bracket of a list; add it"),
    (
        "a: 1\nb\n",
        (
            "compose.yml:3:1: lacks the ':' behind a key; write key: value, or close the quote or"
            " bracket above"
        ),
    ),
    ("a: @b", "compose.yml:1:4: begins with @, which YAML reserves; put the value between quotes"),
    (
        "a:\n\tb: c",
        "compose.yml:2:1: is indented by a tab, which YAML forbids; indent by spaces",
    ),
    (
        "a: 'b",
        "compose.yml:1:4: begins a quoted text that does not end; close the quote",
    ),
    ("a: !vault x", "compose.yml:1:4: could not determine a constructor for the tag '!vault'"),
    (
        "a: !!python/object/new:os.system [ls]",
        (
            "compose.yml:1:4: could not determine a constructor for the tag"
            " 'tag:yaml.org,2002:python/object/new:os.system'"
        ),
    ),
    (
        "a: !!timestamp 2001-01-01",
        (
            "compose.yml:1:4: could not determine a constructor for the tag"
            " 'tag:yaml.org,2002:timestamp'"
        ),
    ),
    (
        "a: 1\n---\nb: 2",
        (
            "compose.yml:2:1: begins a second document; put it into a file of its own, and list"
            " both under compose"
        ),
    ),
    ("a: !!int x", "compose.yml: invalid literal for int() with base 0: 'x'"),
    ("\na: \x00", "compose.yml:2: has the character U+0000, which YAML does not allow"),
    ("a: b\nc: \x00", "compose.yml:2: has the character U+0000, which YAML does not allow"),
    ("", "compose.yml: is empty; write services: with the services below it"),
    ("# a", "compose.yml: is empty; write services: with the services below it"),
    ("- a", "compose.yml: is a list; write services: with the services below it"),
    ("services", "compose.yml: is a single text; write services: with the services below it"),
]


@pytest.mark.parametrize(("text", "problem"), BROKEN)
def test_broken_files_say_line_and_column(text, problem):
    with pytest.raises(SpecError) as caught:
        parse(text, "compose.yml")
    assert [str(problem) for problem in caught.value.problems] == [problem]


# YAML 1.2.2, section 6.1: tabs may separate tokens, and may not indent.
SEPARATED_BY_TABS = [
    ("a: b\t\nc: d\t# why\n", {"a": "b", "c": "d"}),
    ("a:\tb\n", {"a": "b"}),
    ("a:\t\n  - b\t\n  - c\n", {"a": ["b", "c"]}),
    ("a: {b: 1,\tc: [2,\t3\t]\t}\n", {"a": {"b": 1, "c": [2, 3]}}),
    ("a: [\n\tb,\n\tc\n]\n", {"a": ["b", "c"]}),
    ("a: b\tc\n", {"a": "b\tc"}),
    ("a: b\n  \tc\n", {"a": "b c"}),
    ("a: 'b'\t# why\nc: \"d\"\t\n", {"a": "b", "c": "d"}),
    ("a: |\t\n  b\nc: >-\t# why\n  d\n", {"a": "b\n", "c": "d"}),
    ("a: !!str\t1\nb: &x\t2\nc: *x\t\n", {"a": "1", "b": 2, "c": 2}),
    ("%YAML\t1.1\t# why\n---\t{a: b}\n", {"a": "b"}),
    ("a: b\t\r\nc: d\r\n", {"a": "b", "c": "d"}),
    ("a: [http://b/?c=d, e?]\n", {"a": ["http://b/?c=d", "e?"]}),
]


@pytest.mark.parametrize(("text", "expected"), SEPARATED_BY_TABS)
def test_tabs_separate(text, expected):
    assert parse(text, "compose.yml") == expected


def test_a_problem_behind_a_tab_has_its_column():
    with pytest.raises(SpecError) as caught:
        parse("a:\t{b: 1,\tb: 2}", "compose.yml")
    assert caught.value.problems[0].path == "compose.yml:1:11"


class _WithTabs(TabScanner, yaml.SafeLoader):
    """Read by the scanner alone, without the scalars of YAML 1.2."""


def _nodes(text, loader):
    """Return what a loader reads, with the place of each node; None where it rejects the text."""
    try:
        return [_shape(node) for node in yaml.compose_all(text, Loader=loader) if node]
    except yaml.YAMLError:
        return None


def _shape(node):
    place = (node.start_mark.line, node.start_mark.column)
    if isinstance(node, yaml.ScalarNode):
        # The two put an empty value at the end of a text in different places.
        return (node.tag, node.value, place if node.value else None)
    if isinstance(node, yaml.SequenceNode):
        return (node.tag, [_shape(item) for item in node.value], place)
    return (node.tag, [(_shape(key), _shape(item)) for key, item in node.value], place)


_PIECES = [
    *("a", "b1", "é", "$x", "x?y", "a#b", "a:b", "http://x/?q=1&r=2", '"q\t r"', "'s'", "~"),
    *("k: ", "k:\t", ": ", "- ", ", ", ",", "{", "}", "[", "]", "&a ", "!!str ", "!!str\t"),
    *("\t", " ", "\n", "\r\n", "\n  ", "\n\t", "\t\n", " # c", "\t# c", "---\n", "...\n"),
    *("|\n  ", ">-\t\n  ", "|2 # c\n  "),
]


@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML has no libyaml to compare with")
@settings(max_examples=1000, suppress_health_check=[HealthCheck.filter_too_much])
@given(st.lists(st.sampled_from(_PIECES), max_size=14).map("".join))
def test_what_libyaml_reads_is_read_in_the_same_way(text):
    expected = _nodes(text, yaml.CSafeLoader)
    assume(expected is not None)
    assert _nodes(text, _WithTabs) == expected


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        assert isinstance(parse(text, "compose.yml"), dict)
    except SpecError as error:
        assert error.problems


@given(
    st.from_regex(
        r"[-+]?(0[box]?)?[0-9a-f_]{1,6}(\.[0-9_]{0,3})?(e[-+]?[0-9]{1,2})?", fullmatch=True
    )
)
def test_anything_like_a_number_is_a_number_or_a_text(text):
    assert isinstance(value(text), (int, float, str))
