# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real-looking Compose files of ten kinds, each of which also serves ``docker compose up``."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.shipping.code.plugins.plugin_utils._sources.compose_files import (
    SpecSources,
    load,
)

from ...module_utils._compose.reading import read_spec

SAMPLES = Path(__file__).parents[4] / "samples"
KINDS = ("broker", "cms", "git", "inference", "logs", "metrics", "proxy", "queue", "webapp", "wiki")
SECRETS = {
    name: f"secret of {name}"
    for name in (
        "BROKER_PASSWORD",
        "DATABASE_PASSWORD",
        "DB_PASSWORD",
        "GRAFANA_ADMIN_PASSWORD",
        "ML_API_KEY",
        "SESSION_KEY",
    )
}


def sample(kind, *names):
    folder = SAMPLES / kind
    env_file = folder / ".env"
    return load(
        SpecSources(
            read=lambda path: Path(path).read_bytes(),
            compose=[str(folder / name) for name in names or ("compose.yml",)],
            env_files=[str(env_file)] if env_file.exists() else [],
            secret_values=SECRETS,
        )
    )


def at(app, path):
    """What stands at a path of names below the services."""
    place = app.services
    for name in path.split("/"):
        place = place[int(name)] if isinstance(place, list) else place[name]
    return place


def test_there_are_ten_kinds():
    assert {folder.name for folder in SAMPLES.iterdir()} == set(KINDS)
    assert len(KINDS) == 10


NOTES = {
    "broker": [
        "services.orders.build",
        "services.orders.attach",
        "services.invoices.build",
        "services.invoices.attach",
    ],
    "git": ["services.server.container_name"],
    "metrics": [
        "services.prometheus.container_name",
        "services.alertmanager.container_name",
        "services.grafana.container_name",
    ],
    "queue": ["services.api.build"],
    "webapp": ["services.web.build", "services.web.develop", "services.worker.build"],
    "wiki": [
        "services.db.container_name",
        "services.wiki.container_name",
        "services.wiki.pull_policy",
    ],
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_is_accepted_and_names_what_it_passes_over(kind):
    app = read_spec(sample(kind).content)
    assert app.notes == (
        [f"ignored, for local development only: {', '.join(NOTES[kind])}"] if kind in NOTES else []
    )


@pytest.mark.parametrize("kind", KINDS)
def test_no_secret_value_is_in_what_can_be_inspected(kind):
    source = sample(kind)
    assert "secret of" not in repr(source.content)
    assert all(content for content in [*source.secrets.values(), *source.configs.values()])


FACTS = [
    (
        "broker",
        "orders/environment",
        {
            "BROKER_URL": "amqp://app@rabbitmq:5672/",
            "PREFETCH": "20",
            "ENABLED": "true",
            "RATIO": "0.25",
        },
    ),
    ("broker", "invoices/environment/PREFETCH", "5"),
    ("broker", "invoices/depends_on", {"rabbitmq": "service_healthy", "orders": "service_started"}),
    ("broker", "rabbitmq/configs/0/mode", 0o440),
    (
        "broker",
        "rabbitmq/ports/1",
        {"target": 5672, "published": 5672, "protocol": "tcp", "mode": "ingress"},
    ),
    (
        "broker",
        "rabbitmq/healthcheck/test",
        ["CMD-SHELL", "rabbitmq-diagnostics -q check_port_connectivity"],
    ),
    ("broker", "bridge/healthcheck", {"test": ["NONE"]}),
    ("broker", "bridge/cap_add", ["CAP_SETGID", "CAP_SETUID"]),
    (
        "cms",
        "wordpress/environment/WORDPRESS_CONFIG_EXTRA",
        "define('WP_HOME', 'https://blog.example.com');\n$_SERVER['HTTPS'] = 'on';\n",
    ),
    (
        "cms",
        "wordpress/ports",
        [{"target": 80, "published": 8080, "protocol": "tcp", "mode": "ingress"}],
    ),
    ("cms", "wordpress/extra_hosts", ["ldap.internal=10.0.0.26", "mail.internal=10.0.0.25"]),
    (
        "cms",
        "db/command",
        [
            "--transaction-isolation=READ-COMMITTED",
            "--binlog-format=ROW",
            "--character-set-server=utf8mb4",
        ],
    ),
    ("cms", "db/environment/MARIADB_AUTO_UPGRADE", "1"),
    (
        "git",
        "server/ports/0",
        {"target": 22, "published": 222, "protocol": "tcp", "mode": "ingress"},
    ),
    (
        "git",
        "server/ulimits",
        {"nofile": {"soft": 65536, "hard": 65536}, "nproc": {"soft": 4096, "hard": 4096}},
    ),
    ("git", "db/logging/options/tag", "{{.Name}}"),
    ("inference", "api/environment/CUTOFF", "1e-06"),
    ("inference", "api/environment/MAX_BATCH", "32"),
    ("inference", "api/environment/TEMPERATURE", "0.7"),
    (
        "inference",
        "api/volumes/1",
        {"type": "tmpfs", "target": "/dev/shm", "tmpfs": {"size": "2G"}},
    ),
    ("inference", "api/deploy/placement/preferences", ["node.labels.rack"]),
    ("inference", "api/platform", "linux/amd64"),
    ("inference", "tokenizer/deploy/resources/limits/memory", "1536M"),
    ("inference", "tokenizer/networks", {"default": {"aliases": ["tokens"]}}),
    ("logs", "collector/environment/NODE_NAME", "{{.Node.Hostname}}"),
    ("logs", "collector/deploy/mode", "global"),
    ("logs", "journal/network_mode", "host"),
    (
        "logs",
        "journal/volumes/2",
        {"type": "tmpfs", "target": "/run", "tmpfs": {"size": "16M", "mode": 0o755}},
    ),
    ("logs", "store/labels", {"com.example.owner": "operations", "com.example.tier": ""}),
    (
        "metrics",
        "node-exporter/volumes/2",
        {
            "type": "bind",
            "source": "/",
            "target": "/rootfs",
            "read_only": True,
            "bind": {"propagation": "rslave"},
        },
    ),
    (
        "metrics",
        "node-exporter/command/3",
        "--collector.filesystem.mount-points-exclude=^/(sys|proc|dev|host|etc)($|/)",
    ),
    ("metrics", "prometheus/depends_on", {"alertmanager": "service_started"}),
    ("metrics", "grafana/deploy/restart_policy/condition", "any"),
    (
        "proxy",
        "proxy/ports/2",
        {"target": 443, "published": 443, "protocol": "udp", "mode": "host"},
    ),
    (
        "proxy",
        "proxy/deploy/labels/traefik.http.routers.dashboard.rule",
        "Host(`traefik.example.com`)",
    ),
    (
        "proxy",
        "proxy/deploy/labels/traefik.http.middlewares.redirect.redirectregex.replacement",
        "https://${1}/",
    ),
    ("proxy", "whoami/deploy/labels/traefik.http.services.whoami.loadbalancer.server.port", "80"),
    (
        "queue",
        "fast/environment",
        {
            "REDIS_URL": "redis://:correct-horse-battery@redis:6379/0",
            "LOG_FORMAT": "json",
            "TIMEOUT": "10",
        },
    ),
    ("queue", "fast/image", "registry.example.com/jobs/worker:2.4.0"),
    (
        "queue",
        "slow/deploy/resources",
        {"limits": {"memory": "2G", "pids": 200}, "reservations": {"memory": "512M"}},
    ),
    (
        "queue",
        "slow/deploy/restart_policy",
        {"condition": "on-failure", "delay": "10s", "max_attempts": 5, "window": "2m"},
    ),
    (
        "queue",
        "redis/command",
        [
            "redis-server",
            "--requirepass",
            "correct-horse-battery",
            "--appendonly",
            "yes",
            "--save",
            "60",
            "1",
        ],
    ),
    ("queue", "redis/healthcheck/test/1", 'redis-cli -a "$REDIS_PASSWORD" ping | grep -q PONG'),
    (
        "webapp",
        "web/command",
        ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "2", "shop.wsgi:application"],
    ),
    ("webapp", "web/environment/SMTP_SUBJECT", "[shop] $1"),
    ("webapp", "web/environment/ACCENT_COLOUR", "#0a6ebd"),
    ("webapp", "worker/environment/CELERY_CONCURRENCY", "4"),
    ("webapp", "web/depends_on", {"database": "service_healthy", "cache": "service_started"}),
    (
        "webapp",
        "web/secrets/1",
        {
            "source": "session_key",
            "target": "/run/secrets/session.key",
            "uid": "1000",
            "gid": "0",
            "mode": 0o400,
        },
    ),
    (
        "webapp",
        "cache/command",
        ["redis-server", "--save", "", "--appendonly", "no", "--maxmemory", "128mb"],
    ),
    (
        "webapp",
        "database/healthcheck/test/1",
        'pg_isready --username "$POSTGRES_USER" --dbname "$POSTGRES_DB"',
    ),
    ("wiki", "wiki/environment/UPGRADE_COMPANION", ""),
    ("wiki", "wiki/init", True),
    ("wiki", "wiki/networks", {"wikinet": {}, "default": {}}),
    ("wiki", "db/logging", {"driver": "none"}),
    ("wiki", "db/deploy/resources/limits/memory", "512M"),
]


@pytest.mark.parametrize(("kind", "path", "expected"), FACTS)
def test_what_is_in_them(kind, path, expected):
    assert at(read_spec(sample(kind).content), path) == expected


PRODUCTION = [
    ("web/environment/DEBUG", "no"),
    ("web/environment/ALLOWED_HOSTS", "shop.example.com"),
    ("web/environment/CACHE_URL", "redis://cache:6379/0"),
    ("web/networks", {"backend": {}, "frontend": {"aliases": ["app"]}, "proxy": {}}),
    ("web/deploy/replicas", 4),
    ("web/deploy/update_config/order", "start-first"),
    ("web/deploy/labels", {"traefik.enable": "true"}),
    ("worker/environment/CACHE_URL", "redis://cache:6379/1"),
    ("cache/command", ["redis-server", "--appendonly", "yes"]),
    ("cache/volumes", [{"type": "volume", "source": "cache", "target": "/data"}]),
]


@pytest.mark.parametrize(("path", "expected"), PRODUCTION)
def test_a_second_file_over_the_first(path, expected):
    assert (
        at(read_spec(sample("webapp", "compose.yml", "compose.production.yml").content), path)
        == expected
    )


def test_what_a_second_file_takes_away():
    app = read_spec(sample("webapp", "compose.yml", "compose.production.yml").content)
    assert "ports" not in app.services["web"]
    assert "CELERY_CONCURRENCY" not in app.services["worker"]["environment"]
    assert app.networks["proxy"] == {"external": True, "name": "proxy"}
