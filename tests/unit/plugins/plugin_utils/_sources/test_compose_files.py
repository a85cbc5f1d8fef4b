# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.shipping.code.plugins.module_utils._core.errors import (
    Problem,
    ShippingError,
    SpecError,
)
from ansible_collections.shipping.code.plugins.plugin_utils._sources.compose_files import (
    SpecSources,
    load,
)
from hypothesis import given
from hypothesis import strategies as st

from ...module_utils._compose.reading import read_spec


def loaded(files, check=None, **sources):
    """What becomes of these files: name to text; all that end in .yml are the spec."""

    def read(path):
        name = os.path.normpath(path)
        if name == "app/folder":
            raise IsADirectoryError(21, "it is a directory")
        if name not in files:
            raise FileNotFoundError(2, "No such file or directory")
        return files[name] if isinstance(files[name], bytes) else files[name].encode()

    return load(
        SpecSources(
            read=read, compose=[path for path in files if path.endswith(".yml")], **sources
        ),
        check,
    )


def problems(files, **sources):
    with pytest.raises(SpecError) as caught:
        loaded(files, **sources)
    return [str(problem) for problem in caught.value.problems]


def web(keys, **more):
    return {"app/compose.yml": f"services: {{web: {{image: nginx, {keys}}}}}", **more}


def environment(keys, files=None, **sources):
    return (
        loaded(web(keys, **(files or {})), **sources).content["services"]["web"].get("environment")
    )


PRECEDENCE = [
    # values, environment, env files -> what ${A} is
    ({"A": "values"}, {"A": "environment"}, ["A=first", "A=second"], "values"),
    ({}, {"A": "environment"}, ["A=first", "A=second"], "environment"),
    ({}, {}, ["A=first", "A=second"], "second"),
    ({"A": 1.50}, {}, [], "1.5"),
    ({"A": True}, {}, [], "true"),
    ({"A": ""}, {"A": "environment"}, [], ""),
    ({"B": "values"}, {}, ["B=file\nA=$B"], "values"),
    ({}, {}, ["B=file", "A=${B}-2"], "file-2"),
    ({"B": 7}, {}, ["A=$B"], "7"),
]


@pytest.mark.parametrize(("values", "process", "env_files", "expected"), PRECEDENCE)
def test_where_variables_come_from(values, process, env_files, expected):
    named = {f"{index}.env": text for index, text in enumerate(env_files)}
    assert environment(
        "environment: ['A=${A}']", named, values=values, environment=process, env_files=list(named)
    ) == {"A": expected}


def test_nothing_comes_from_the_process_environment_by_itself(monkeypatch):
    monkeypatch.setenv("FROM_OUTSIDE", "x")
    assert problems(web("command: $FROM_OUTSIDE")) == [
        "services.web.command: ${FROM_OUTSIDE} has no value; set it in values, give it a"
        " default: ${FROM_OUTSIDE:-default}, or write $$ for a plain dollar sign"
    ]


DOT_ENV = {"app/.env": "export TAG=1\nOTHER: 2\n# UNSET=3\n"}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("command: $TAG", "or write $$ for a plain dollar sign"),
        ("environment: [TAG]", "set TAG in values, or write TAG= for an empty one"),
    ],
)
def test_a_variable_that_stands_in_an_unread_env_file_is_found_there(keys, message):
    expected = f"{message}; app/.env sets TAG and is not read: list it under env_file of the task"
    assert problems(web(keys, **DOT_ENV))[0].endswith(expected)
    assert problems(web(keys.replace("TAG", "UNSET"), **DOT_ENV))[0].endswith(
        message.replace("TAG", "UNSET")
    )


def test_a_secret_that_stands_in_an_unread_env_file_is_found_there():
    text = "services: {web: {image: a}}\nsecrets: {it: {environment: TAG}}"
    assert problems({"app/compose.yml": text, **DOT_ENV}) == [
        "secrets.it.environment: TAG has no value; set it in secret_values; app/.env sets TAG and"
        " is not read: list it under env_file of the task"
    ]


def test_a_default_is_used_for_what_an_unread_env_file_sets():
    keys = "command: '${TAG:-a} ${UNSET:-b} ${OTHER-c}'"
    assert loaded(web(keys, **DOT_ENV)).warnings == (
        "app/.env is not read, so that its OTHER, TAG had no effect; list it under env_file of the"
        " task",
    )
    assert not loaded(web(keys, **DOT_ENV), values={"TAG": "1", "OTHER": "2"}).warnings
    assert not loaded(web(keys, **DOT_ENV), env_files=["app/.env"]).warnings
    assert not loaded(web(keys)).warnings


ENVIRONMENTS = [
    ("env_file: a.env", {"A": "a", "C": "c"}),
    ("env_file: [a.env, b.env]", {"A": "b", "C": "c", "B": "b"}),
    ("env_file: [b.env, a.env]", {"A": "a", "B": "b", "C": "c"}),
    (
        (
            "env_file: [{path: a.env}, {path: nope.env, required: false}, {path: nope.env,"
            " required: 'false'}]"
        ),
        {"A": "a", "C": "c"},
    ),
    ("env_file: a.env, environment: {A: own, D: 1}", {"A": "own", "C": "c", "D": 1}),
    ("env_file: a.env, environment: [A=own]", {"A": "own", "C": "c"}),
    ("env_file: a.env, environment: [V]", {"A": "a", "C": "c", "V": "value"}),
    ("environment: {V: , W: ''}", {"V": "value", "W": ""}),
    ("env_file: bare.env", {"V": "value"}),
    ("env_file: [a.env, bare-a.env]", {"A": "a", "C": "c"}),
    # In an env file: values, then the service's own environment, then what stands above.
    (
        "env_file: used.env, environment: {OWN: o}",
        {"U": "value o above", "ABOVE": "above", "OWN": "o"},
    ),
    ("env_file: [a.env, later.env]", {"A": "a", "C": "c", "L": "a"}),
    # As docker compose 2.30 and newer read it: a value is all that is after the first =.
    (
        "env_file: [{path: raw.env, format: raw}]",
        {"Q": "'a' \"b\"", "D": "$V ${V} $$", "H": "x # y ", "E": "", "V": "value", "X": "a=b"},
    ),
    ("env_file: [{path: nope.env, required: false, format: raw}]", None),
    ("env_file: []", None),
    ("env_file: ", None),
    ("environment: []", []),
]


@pytest.mark.parametrize(("keys", "expected"), ENVIRONMENTS)
def test_environment_and_env_files(keys, expected):
    files = {
        "app/a.env": "A=a\nC=c",
        "app/b.env": "A=b\nB=b",
        "app/bare.env": "V",
        "app/bare-a.env": "A",
        "app/used.env": "ABOVE=above\nU=$V $OWN $ABOVE",
        "app/later.env": "L=$A",
        "app/raw.env": (
            "\ufeff# a comment\r\n\r\n  Q='a' \"b\"\r\nD=$V ${V} $$\nH=x # y \nE=\nV\nX=a=b"
        ),
    }
    assert environment(keys, files, values={"V": "value"}) == expected


BROKEN = "A=b\n? ?"
ENVIRONMENT_PROBLEMS = [
    (
        "environment: [UNSET]",
        [
            "services.web.environment.UNSET: has no value; set UNSET in values, or write UNSET= for"
            " an empty one"
        ],
    ),
    (
        "environment: {UNSET: }",
        [
            "services.web.environment.UNSET: has no value; set UNSET in values, or write UNSET= for"
            " an empty one"
        ],
    ),
    (
        "env_file: nope.env",
        ["services.web.env_file: cannot read app/nope.env: No such file or directory"],
    ),
    (
        "env_file: [{path: folder, required: false}]",
        ["services.web.env_file: cannot read app/folder: it is a directory"],
    ),
    (
        "env_file: [{path: a.env, requird: false}]",
        ["services.web.env_file[0].requird: unknown key; did you mean required?"],
    ),
    (
        "env_file: [{path: a.env, format: row}]",
        ["services.web.env_file[0].format: 'row' is not one of raw; did you mean raw?"],
    ),
    (
        "env_file: [{path: broken.env, format: raw}]",
        ["app/broken.env:2: is no KEY=value line"],
    ),
    ("env_file: [[a.env]]", ["services.web.env_file[0].path: must be a text, not a list"]),
    (
        "env_file: [broken.env, nope.env], environment: [UNSET]",
        [
            "app/broken.env:2: is no KEY=value line, or a quote in it has no counterpart",
            "services.web.env_file: cannot read app/nope.env: No such file or directory",
            (
                "services.web.environment.UNSET: has no value; set UNSET in values, or write UNSET="
                " for an empty one"
            ),
        ],
    ),
]


@pytest.mark.parametrize(("keys", "expected"), ENVIRONMENT_PROBLEMS)
def test_problems_of_environment_and_env_files(keys, expected):
    assert problems(web(keys, **{"app/a.env": "A=a", "app/broken.env": BROKEN})) == expected


@pytest.mark.parametrize("given", ["A=b", "[{A: b}]", "1"])
def test_what_is_no_environment_is_left_to_the_reader(given):
    content = loaded(web(f"env_file: a.env, environment: {given}", **{"app/a.env": "A=a"})).content
    with pytest.raises(SpecError, match=r"services\.web\.environment"):
        read_spec(content)


def checked(content):
    read_spec(content)


def test_a_problem_of_a_variable_names_its_env_file():
    files = web("env_file: a.env, environment: {OWN: x}", **{"app/a.env": "A.B=a\nOWN=y\nBARE"})
    (bare,) = problems(files)
    assert bare.startswith("app/a.env, BARE: has no value; set BARE in values")

    def check(_content):
        names = ("OWN", "A.B")
        raise SpecError([Problem(f"services.web.environment.{name}", "bad") for name in names])

    with pytest.raises(SpecError) as caught:
        loaded({**files, "app/a.env": "A.B=a\nOWN=y"}, check=check)
    assert [problem.path for problem in caught.value.problems] == [
        "services.web.environment.OWN",
        "app/a.env, A.B",
    ]


def test_each_problem_names_its_file_where_there_are_several():
    files = {
        "app/a.yml": "services: {web: {image: nginx, comand: x}, db: {image: '$A'}}",
        "app/b.yml": "services: {web: {ports: ['x']}, db: {image: $A, expse: 1}}\nvolume: {}",
    }
    assert [problem.split(": ")[0] for problem in problems(files, check=checked)] == [
        "app/a.yml, services.db.image",
        "app/b.yml, services.db.image",
        "app/b.yml, volume",
        "app/a.yml, services.web.comand",
        "app/b.yml, services.web.ports[0]",
        "app/b.yml, services.db.expse",
    ]


SECRET = (
    "is a secret value and would be readable by every user who can inspect the service; declare it"
    " under secrets:"
)


@pytest.mark.parametrize(
    "keys",
    [
        "environment: [TOKEN]",
        "environment: ['A=$TOKEN']",
        "command: '--token=${TOKEN}'",
        "labels: {a: '${TOKEN:-x}'}",
        "env_file: t.env",
    ],
)
def test_secret_values_stay_out_of_what_can_be_inspected(keys):
    files = web(keys, **{"app/t.env": "A=${TOKEN}"})
    (problem,) = problems(files, secret_values={"TOKEN": "hunter2"})
    assert SECRET in problem
    assert "hunter2" not in problem


def test_secret_values_in_the_environment_where_they_are_allowed():
    assert environment(
        "environment: [TOKEN]", secret_values={"TOKEN": "hunter2"}, secrets_anywhere=True
    ) == {"TOKEN": "hunter2"}
    assert environment(
        "env_file: t.env",
        {"app/t.env": "A=${TOKEN}"},
        secret_values={"TOKEN": "hunter2"},
        secrets_anywhere=True,
    ) == {"A": "hunter2"}


DATA = [
    ("secrets: {it: {file: it.key}}", "secrets", b"\x00bytes"),
    ("secrets: {it: {file: ./it.key}}", "secrets", b"\x00bytes"),
    ("secrets: {it: {content: 'token ${TOKEN}'}}", "secrets", b"token hunter2"),
    ("secrets: {it: {environment: TOKEN}}", "secrets", b"hunter2"),
    ("secrets: {it: {environment: PLAIN}}", "secrets", b"plain"),
    ("secrets: {it: {content: true, external: false}}", "secrets", b"true"),
    ("configs: {it: {file: it.key}}", "configs", b"\x00bytes"),
    ("configs: {it: {content: 'a: ${PLAIN} costs $$1'}}", "configs", b"a: plain costs $1"),
    ("configs: {it: {environment: PLAIN}}", "configs", b"plain"),
]


@pytest.mark.parametrize(("top", "section", "expected"), DATA)
def test_the_bytes_of_secrets_and_configs(top, section, expected):
    files = {
        "app/compose.yml": "services: {web: {image: nginx}}",
        "app/more.yml": top,
        "app/it.key": b"\x00bytes",
    }
    source = loaded(files, values={"PLAIN": "plain"}, secret_values={"TOKEN": "hunter2"})
    assert getattr(source, section) == {"it": expected}
    assert "hunter2" not in repr(source.content)
    assert set(source.content[section]["it"]) - {"external"} == {"environment"}
    read_spec(source.content)


DATA_PROBLEMS = [
    (
        "secrets: {it: {file: nope}}",
        "secrets.it.file: cannot read app/nope: No such file or directory",
    ),
    (
        "secrets: {it: {file: /etc/nope}}",
        "secrets.it.file: cannot read /etc/nope: No such file or directory",
    ),
    (
        "secrets: {it: {environment: NOPE}}",
        "secrets.it.environment: NOPE has no value; set it in secret_values",
    ),
    (
        "configs: {it: {environment: NOPE}}",
        "configs.it.environment: NOPE has no value; set it in values",
    ),
    ("configs: {it: {file: folder}}", "configs.it.file: cannot read app/folder: it is a directory"),
]


@pytest.mark.parametrize(("top", "problem"), DATA_PROBLEMS)
def test_problems_of_secrets_and_configs(top, problem):
    assert problems({"app/compose.yml": f"services: {{web: {{image: nginx}}}}\n{top}"}) == [problem]


@pytest.mark.parametrize(
    "top", ["configs: {it: {environment: TOKEN}}", "configs: {it: {content: $TOKEN}}"]
)
def test_a_config_holds_no_secret_value(top):
    (problem,) = problems(
        {"app/compose.yml": f"services: {{web: {{image: nginx}}}}\n{top}"},
        secret_values={"TOKEN": "hunter2"},
    )
    assert SECRET in problem


def test_what_the_reader_refuses_is_left_to_it():
    top = (
        "secrets: {a: {file: a, content: b}, b: {external: true, file: x}, c: {external: {name:"
        " d}}, d: }"
    )
    source = loaded({"app/compose.yml": f"services: {{web: {{image: nginx}}}}\n{top}"})
    assert source.secrets == {}
    with pytest.raises(SpecError) as caught:
        read_spec(source.content)
    assert [problem.path for problem in caught.value.problems] == [
        "secrets.a",
        "secrets.b",
        "secrets.d",
    ]


# What is passed over needs no values.
PASSED_OVER = [
    (
        "services: {web: {image: nginx, build: {args: {A: $UNSET}}, container_name: '${UNSET}_web',"
        " x-own: $UNSET}}"
    ),
    "services: {web: {image: nginx}}\nname: ${UNSET}\nversion: $UNSET\nx-own: {a: '$UNSET ${'}",
    "x-own: &own {image: '${UNSET:-nginx}'}\nservices: {web: *own}",
]


@pytest.mark.parametrize("text", PASSED_OVER)
def test_what_is_passed_over_needs_no_values(text):
    assert read_spec(loaded({"compose.yml": text}).content).services["web"]["image"] == "nginx"


def test_what_an_anchor_takes_elsewhere_needs_its_values():
    text = "x-own: &own {command: $UNSET}\nservices: {web: {image: nginx, <<: *own}}"
    assert [problem.partition(":")[0] for problem in problems({"compose.yml": text})] == [
        "services.web.command"
    ]


def test_x_shipping_is_ours():
    assert [
        problem.partition(":")[0]
        for problem in problems(
            {"compose.yml": "x-shipping: {a: $UNSET}\nservices: {web: {image: nginx}}"}
        )
    ] == ["x-shipping.a"]


def test_all_problems_of_all_files_at_once():
    files = {
        "a.yml": "services: {web: {image: '${A1}'}}",
        "b.yml": "services: {web: {image: x, image: y}}",
        "c.yml": "services: {web: {command: '${C1?}'}}\n",
        "d.yml": "a: b: c",
    }
    assert [problem.partition(" ")[0] for problem in problems(files)] == [
        "b.yml:1:28:",
        "d.yml:1:5:",
        "services.web.image:",
        "services.web.command:",
    ]


def test_files_are_merged_after_their_variables_are_replaced():
    files = {
        "a.yml": "services: {web: {image: '${A}', ports: ['${P}:80']}}",
        "b.yml": "services: {web: {ports: ['80:80', '81:81']}}",
    }
    assert loaded(files, values={"A": "nginx", "P": 80}).content["services"]["web"] == {
        "image": "nginx",
        "ports": ["80:80", "81:81"],
    }


def test_an_overriding_service_has_its_variables_replaced_too():
    files = {
        "a.yml": "services: {web: {image: a, user: b}}",
        "b.yml": "services: {web: !override {image: '${A}'}}",
    }
    assert loaded(files, values={"A": "nginx"}).content["services"]["web"] == {"image": "nginx"}


@pytest.mark.parametrize("sources", [{}, {"inline": {"services": {"web": {"command": "${A?}"}}}}])
def test_the_error_names_the_files(sources):
    files = (
        {} if sources else {"a.yml": "services: {web: {command: '${A?}'}}", "b.yml": "services: {}"}
    )
    with pytest.raises(SpecError) as caught:
        loaded(files, **sources)
    origin, place = ("the spec", "") if sources else ("a.yml, b.yml", "a.yml, ")
    assert (
        str(caught.value)
        == f"1 problem in {origin}; nothing was changed: \n  {place}services.web.command: ${{A}} is"
        " required; set it in values"
    )


def test_paths_count_from_the_first_file():
    files = {
        "app/compose.yml": "services: {web: {image: nginx}}",
        "over/production.yml": "services: {web: {env_file: w.env}}\nconfigs: {c: {file: c.txt}}",
        "app/w.env": "A=b",
        "app/c.txt": "text",
    }
    source = loaded(files)
    assert source.configs == {"c": b"text"}
    assert source.content["services"]["web"]["environment"] == {"A": "b"}


def test_paths_of_the_home_folder(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    files = {
        "app/compose.yml": (
            "services: {web: {image: nginx, env_file: ~/w.env}}\nsecrets: {s: {file: ~/s.key}}"
        ),
        "/home/me/w.env": "A=b",
        "/home/me/s.key": "key",
    }
    source = loaded(files)
    assert source.secrets == {"s": b"key"}
    assert source.content["services"]["web"]["environment"] == {"A": "b"}


def test_an_inline_spec_is_read_as_a_file_is():
    inline = {
        "services": {"web": {"image": "nginx:${TAG}", "environment": ["A"], "env_file": "w.env"}},
        "secrets": {"s": {"file": "s.key"}},
    }
    files = {os.path.join("play", "w.env"): "B=c", os.path.join("play", "s.key"): "key"}
    source = loaded(files, inline=inline, folder="play", values={"TAG": 2, "A": "a"})
    assert source.content["services"]["web"] == {
        "image": "nginx:2",
        "environment": {"B": "c", "A": "a"},
    }
    assert source.secrets == {"s": b"key"}
    assert inline["services"]["web"]["env_file"] == "w.env"


WORDS = st.sampled_from(
    [
        "services",
        "secrets",
        "configs",
        "web",
        "environment",
        "env_file",
        "file",
        "content",
        "external",
        "path",
        "x-own",
    ]
)
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(["A=b", "${A}", "$$", "${", "w.env", ""]),
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=8,
)
SECTIONS = st.dictionaries(
    st.sampled_from(["web", "db"]), st.dictionaries(WORDS, TREES, max_size=4) | TREES, max_size=2
)


@given(st.dictionaries(st.sampled_from(["services", "secrets", "configs"]), SECTIONS | TREES))
def test_whatever_is_given_is_loaded_or_refused(inline):
    try:
        loaded({"w.env": "A=b\nB=$A"}, inline=inline, folder="")
    except SpecError as error:
        assert all(problem.path and problem.text for problem in error.problems)


UNREADABLE = [
    (
        {"compose.yml": b"\xff\xfe"},
        {},
        "cannot read compose.yml: it is not UTF-8 text. Save it as UTF-8.",
    ),
    (
        {},
        {"inline": {}, "env_files": ["x.env"]},
        "cannot read x.env on the control node: No such file or directory. Correct the path.",
    ),
]


@pytest.mark.parametrize(("files", "sources", "message"), UNREADABLE)
def test_files_that_cannot_be_read(files, sources, message):
    with pytest.raises(ShippingError) as caught:
        loaded(files, **sources)
    assert str(caught.value) == message


def test_a_missing_compose_file_says_so():
    def read(path):
        raise FileNotFoundError(2, "No such file or directory")

    with pytest.raises(ShippingError) as caught:
        load(SpecSources(read=read, compose=["app/compose.yml"]))
    assert (
        str(caught.value)
        == "cannot read app/compose.yml on the control node: No such file or directory. Correct"
        " the path."
    )


BINDS = [
    # a mount -> its source, and what the plan may refuse
    ("'./conf:/etc/conf:ro'", "/srv/app/conf:/etc/conf:ro", "./conf (/srv/app/conf)"),
    ("'../data:/data'", "/srv/data:/data", "../data (/srv/data)"),
    ("'.:/src'", "/srv/app:/src", ". (/srv/app)"),
    ("'~/keys:/keys'", "/home/user/keys:/keys", "~/keys (/home/user/keys)"),
    (
        "{type: bind, source: conf, target: /etc/conf}",
        {"type": "bind", "source": "/srv/app/conf", "target": "/etc/conf"},
        "conf (/srv/app/conf)",
    ),
]
ABSOLUTE = "['/tmp:/tmp', 'data:/data', /anonymous, {type: volume, source: data, target: /more}]"


@pytest.mark.parametrize(("mount", "expected", "place"), BINDS)
def test_relative_paths_of_bind_mounts(mount, expected, place, monkeypatch):
    monkeypatch.setenv("HOME", "/home/user")
    text = f"services: {{web: {{image: nginx, volumes: [{mount}]}}}}"
    spec = loaded_from("/srv/app/compose.yml", text, resolve_binds=True)
    assert spec.content["services"]["web"]["volumes"] == [expected]
    assert spec.relative_binds == {"services.web.volumes[0]": place}
    spec = loaded_from("/srv/app/compose.yml", text)
    assert spec.content["services"]["web"]["volumes"] != [expected] and not spec.relative_binds


def test_other_mounts_stay():
    text = f"services: {{web: {{image: nginx, volumes: {ABSOLUTE}}}}}"
    spec = loaded_from("/srv/app/compose.yml", text, resolve_binds=True)
    assert spec.content == loaded_from("/srv/app/compose.yml", text).content
    assert not spec.relative_binds


def loaded_from(path, text, **sources):
    return load(SpecSources(read=lambda _name: text.encode(), compose=[path], **sources))


def test_loopback_ports_are_left_out_by_choice():
    text = """
    services:
      web:
        image: nginx
        expose: [9000]
        ports: ['80:80', '127.0.0.1:8080-8081:90-91/udp', '[::1]:443:443', '127.0.0.1::70', x]
    """
    spec = loaded_from("/srv/app/compose.yml", text, unpublished=("ingress",))
    web = spec.content["services"]["web"]
    assert web["ports"] == ["80:80", "x"]
    assert web["expose"] == [9000, "90-91/udp", "443/tcp", "70/tcp"]
    place = "services.web.ports"
    assert spec.warnings == (
        f"{place}[1], {place}[2], {place}[3] not published, because the file publishes on a"
        " loopback address alone; services of the app reach the container's port",
    )
    unchanged = loaded_from("/srv/app/compose.yml", text)
    assert len(unchanged.content["services"]["web"]["ports"]) == 5 and not unchanged.warnings


HOST_MODE = "{target: 80, published: 80, mode: host, host_ip: 127.0.0.1}"


@pytest.mark.parametrize(("modes", "left"), [(("ingress",), 1), (("ingress", "host"), 0)])
def test_loopback_ports_in_host_mode_stay_where_they_are_honored(modes, left):
    text = f"services: {{web: {{image: nginx, ports: [{HOST_MODE}]}}}}"
    spec = loaded_from("/srv/app/compose.yml", text, unpublished=modes)
    assert len(spec.content["services"]["web"]["ports"]) == left


def test_a_port_with_keys_without_values_has_their_defaults():
    port = "{target: 80, mode: null, protocol: null, host_ip: 127.0.0.1}"
    text = f"services: {{web: {{image: nginx, ports: [{port}]}}}}"
    spec = loaded_from("/srv/app/compose.yml", text, unpublished=("ingress",))
    assert spec.content["services"]["web"]["expose"] == ["80/tcp"]


def test_problems_have_the_places_of_the_file():
    text = "services: {web: {image: nginx, ports: ['127.0.0.1:1:1', '80:80', 'x']}}"

    def check(content):
        assert content["services"]["web"]["ports"] == ["80:80", "x"]
        raise SpecError([Problem("services.web.ports[1]", "is no port")])

    with pytest.raises(SpecError) as caught:
        load(
            SpecSources(
                read=lambda _name: text.encode(), compose=["a.yml"], unpublished=("ingress",)
            ),
            check,
        )
    assert [str(problem) for problem in caught.value.problems] == [
        "services.web.ports[2]: is no port"
    ]
