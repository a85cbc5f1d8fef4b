# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services as people may write them, generated."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

WORDS = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
TEXTS = st.text(max_size=6)
SCALARS = st.one_of(
    TEXTS, st.integers(-5, 70000), st.booleans(), st.floats(allow_nan=False, allow_infinity=False)
)
PATHS = st.from_regex(r"(/[a-z.]{1,4}){1,3}/?", fullmatch=True)
DURATIONS = st.one_of(
    st.integers(0, 10**14).map(lambda amount: f"{amount}us"),
    st.sampled_from(["0s", "1m30s", "1.5h", "2d", "10ms"]),
)
SIZES = st.one_of(
    st.integers(0, 10**12),
    st.integers(0, 5000).map(lambda amount: f"{amount}kb"),
    st.sampled_from(["1g", "1.5m", "2 GiB"]),
)
CPUS = st.one_of(st.integers(0, 64), st.sampled_from(["0.5", ".25", 1.5, "1.10"]))
KEY_VALUES = st.one_of(
    st.dictionaries(WORDS, SCALARS | st.none(), max_size=3),
    st.lists(st.builds("{}={}".format, WORDS, TEXTS), max_size=3),
)
COMMANDS = st.one_of(
    st.lists(TEXTS, min_size=1, max_size=3),
    st.from_regex(r"[a-z'\" -]{1,9}", fullmatch=True),
    st.just("run --it 'a b'"),
)


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A mapping with some of these keys."""
    return st.fixed_dictionaries({}, optional=optional)


def ports() -> st.SearchStrategy[Any]:
    number = st.integers(1, 65535)
    short = st.one_of(
        number,
        st.builds("{}:{}".format, number, number),
        st.builds("{}:{}/udp".format, number, number),
    )
    long = st.fixed_dictionaries(
        {"target": number},
        optional={
            "published": number,
            "protocol": st.sampled_from(["tcp", "udp"]),
            "mode": st.just("host"),
        },
    )
    return st.lists(short | long, max_size=3)


def mounts() -> st.SearchStrategy[Any]:
    flags = st.sampled_from(["", ":ro", ":rw", ":rw,rslave"])
    short = st.one_of(
        PATHS,
        st.builds("{}:{}{}".format, PATHS, PATHS, flags),
        st.builds("data:{}:nocopy".format, PATHS),
    )
    tmpfs = st.fixed_dictionaries(
        {"type": st.just("tmpfs"), "target": PATHS},
        optional={"tmpfs": some(size=SIZES, mode=st.integers(0, 0o1777))},
    )
    bind = st.fixed_dictionaries(
        {"type": st.just("bind"), "source": PATHS, "target": PATHS},
        optional={"read_only": st.booleans()},
    )
    return st.lists(short | tmpfs | bind, max_size=3)


def grants(*names: str) -> st.SearchStrategy[Any]:
    source = st.sampled_from(names)
    long = st.fixed_dictionaries(
        {"source": source},
        optional={"target": PATHS | WORDS, "uid": WORDS, "mode": st.integers(0, 0o777)},
    )
    return st.lists(source | long, max_size=2)


UPDATES = some(
    parallelism=st.integers(0, 9),
    delay=DURATIONS,
    monitor=DURATIONS,
    order=st.sampled_from(["start-first", "stop-first"]),
)
SERVICES = some(
    command=COMMANDS,
    entrypoint=COMMANDS,
    environment=KEY_VALUES,
    labels=KEY_VALUES,
    sysctls=KEY_VALUES,
    working_dir=TEXTS,
    user=SCALARS,
    init=st.booleans(),
    read_only=st.sampled_from(["true", "no", False]),
    stop_grace_period=DURATIONS,
    ports=ports(),
    volumes=mounts(),
    tmpfs=st.lists(st.builds("{}:size={}".format, PATHS, st.integers(1, 999)), max_size=1),
    secrets=grants("token", "key"),
    configs=grants("settings"),
    networks=st.one_of(
        st.lists(st.sampled_from(["front", "default"])),
        some(front=st.none(), back=some(aliases=st.lists(WORDS, max_size=3))),
    ),
    healthcheck=st.one_of(
        some(test=TEXTS, interval=DURATIONS, retries=st.integers(1, 9)),
        st.just({"disable": True}),
        st.just({"test": ["CMD", "x"]}),
    ),
    logging=some(driver=WORDS, options=st.dictionaries(WORDS, SCALARS, max_size=2)),
    extra_hosts=st.one_of(
        st.lists(st.builds("{}:{}".format, WORDS, WORDS), max_size=2),
        st.dictionaries(WORDS, st.just("::1"), max_size=2),
    ),
    dns=st.one_of(TEXTS, st.lists(TEXTS, max_size=3)),
    cap_add=st.lists(WORDS, max_size=3),
    ulimits=st.dictionaries(
        WORDS,
        st.one_of(
            st.integers(-1, 9),
            st.fixed_dictionaries({"soft": st.integers(0, 9), "hard": st.integers(0, 9)}),
        ),
        max_size=2,
    ),
    platform=st.sampled_from(["arm64", "linux/amd64", "linux/arm64/v8"]),
    restart=st.sampled_from(["no", "always", "on-failure", "on-failure:2"]),
    mem_limit=SIZES,
    gpus=st.lists(st.just({"count": 1}), max_size=2),
    cpus=CPUS,
    depends_on=st.one_of(
        st.just(["db"]),
        st.just({"db": {"condition": "service_healthy"}, "no": {"required": False}}),
    ),
    deploy=some(
        mode=st.just("global"),
        labels=KEY_VALUES,
        placement=some(
            constraints=st.lists(TEXTS, max_size=2),
            preferences=st.lists(st.builds(lambda text: {"spread": text}, TEXTS), max_size=2),
        ),
        resources=some(reservations=some(cpus=CPUS, memory=SIZES)),
        restart_policy=some(
            condition=st.sampled_from(["any", "none"]),
            delay=DURATIONS,
            max_attempts=st.integers(0, 9),
            window=DURATIONS,
        ),
        update_config=UPDATES,
        rollback_config=UPDATES,
    ),
)


def spec(service: dict[str, Any]) -> dict[str, Any]:
    return {
        "services": {"web": {"image": "nginx", **service}, "db": {"image": "postgres"}},
        "networks": {"front": None, "back": {"driver": "bridge"}},
        "volumes": {"data": {"driver": "local"}},
        "secrets": {"token": {"environment": "TOKEN"}, "key": {"external": True}},
        "configs": {"settings": {"content": "a"}},
    }
