# Copyright (c) 2026, the shipping.code contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# make quickstart   a private Swarm on this host, and a tour of releases and deliveries; PLATFORM=kubernetes for a private cluster
# make test         the quick tests, and the long ones that depend on changed files, on private platforms
# make test-all     all tests; writes tests/last-full-run.json if they pass
# make versions     builds the other versions of the platforms, which make test-all then runs on, too
# make test-list    the suites that make test would run whole, and why
# make test-unit    the quick tests, without a platform
# make lint         all checks of the code, the documentation and its words
# make bench        this collection and others side by side; writes docs/benchmarks.md
# make simulations   decisions about canaries and experiments, thousands of times; writes the tables and the plot of the guides
# make docs         writes the generated tables of the guides
# make pictures     writes the terminal pictures of the documentation, from real plays
# make clean        removes what the quickstart and the tests of this checkout left running

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help quickstart test test-all test-list versions test-packages test-unit test-oldest test-integration test-directory test-events test-delivery test-schedule test-awx test-ci test-routing test-experiments test-molecule lint bench clean docs pictures simulations

PYTHON ?=
PLATFORM ?= swarm
SETUP := tests/testbed/setup.sh
BIN = $(shell $(SETUP) python tests/requirements.txt $(PYTHON))
DIRECTORY_BIN = $(shell $(SETUP) python tests/requirements-directory.txt $(PYTHON))
EXPERIMENTS_BIN = $(shell $(SETUP) python tests/requirements-experiments.txt $(PYTHON))
CI_BIN = $(shell $(SETUP) python tests/requirements-ci.txt $(PYTHON))
EVENTS_BIN = $(shell $(SETUP) python tests/requirements-events.txt $(PYTHON))
TESTS ?= tests/integration
# Each worker has an engine of its own; a third one uses the time that the others wait.
WORKERS ?= 3
PACKAGES := docker.io docker-registry iproute2 iptables apache2-utils openssh-server openssh-client runc containernetworking-plugins nftables ipset
SCHEDULE := cron git systemd
ROUTING := haproxy openssl curl
EXPERIMENTS := postgresql chromium
OPENLDAP := slapd ldap-utils
DIRECTORIES := $(OPENLDAP) faketime samba samba-ad-provision samba-dsdb-modules samba-vfs-modules python3-samba 389-ds-base python3-lib389 \
  krb5-user libkrb5-dev gcc libldap2-dev libsasl2-dev
SESSIONS := bash-completion cron fish man-db sudo zsh dnf rpm createrepo-c
PYTEST = "$$bin/pytest" -c tests/pytest.ini
SPREAD = --numprocesses $(WORKERS) --dist worksteal
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

packages:
	@$(SETUP) packages $(PACKAGES)

directory-packages: packages
	@$(SETUP) packages $(DIRECTORIES)

session-packages: packages
	@$(SETUP) packages $(SESSIONS)

# The tour, the scenarios of molecule and the benchmark have a directory, too.
tour-packages: packages
	@$(SETUP) packages $(OPENLDAP)

quickstart: tour-packages
	@bin="$(BIN)"; PATH="$$bin:$$PATH" "$$bin/python" -m tests.testbed.quickstart $(PLATFORM)

test: test-packages
	@bin="$(BIN)"; "$$bin/python" -m tests.suites test $(if $(SINCE),--since $(SINCE))

test-all: test-packages
	@bin="$(BIN)"; "$$bin/python" -m tests.suites all

test-list:
	@bin="$(BIN)"; "$$bin/python" -m tests.suites list

# About 30 minutes on two cores, once a version. VERSIONS="26 1.37" builds these alone.
versions: packages
	@$(SETUP) packages debootstrap gcc libseccomp-dev pkg-config
	@bin="$(BIN)"; "$$bin/python" -m tests.testbed.other_versions $(VERSIONS)

# Everything that the suites need: packages, and Kubernetes programs, which are built once a version.
test-packages: directory-packages session-packages
	@$(SETUP) packages openjdk-17-jre-headless rsync $(SCHEDULE) $(ROUTING) $(EXPERIMENTS)
	@bin="$(BIN)"; "$$bin/python" -m tests.testbed.downloaded_parts helm kube-router

test-unit:
	@bin="$(BIN)"; PATH="$$bin:$$PATH" $(PYTEST) tests/unit

# Run what runs on managed hosts on the oldest Python that they may have.
test-oldest:
	@if ! $(SETUP) find 3.9 >/dev/null; then echo "skipped: Python 3.9 is not installed"; else \
	  "$$($(SETUP) python tests/requirements-oldest.txt 3.9)/pytest" -c tests/pytest.ini -p no:cacheprovider tests/unit/plugins/module_utils; fi

test-integration: packages
	@bin="$(EXPERIMENTS_BIN)"; PATH="$$bin:$$PATH" $(PYTEST) $(SPREAD) --platform $(PLATFORM) $(TESTS)

test-directory: directory-packages
	@bin="$(DIRECTORY_BIN)"; PATH="$$bin:$$PATH" $(PYTEST) tests/directory

# SECONDS_OF_SOAK=3600 adds an hour of random changes and faults.
test-events: directory-packages
	@$(SETUP) packages openjdk-17-jre-headless
	@bin="$(EVENTS_BIN)"; PATH="$$bin:$$PATH" $(PYTEST) tests/events

test-delivery: directory-packages session-packages
	@bin="$(BIN)"; PATH="$$bin:$$PATH" $(PYTEST) tests/delivery

# A real cron, and its deliveries to a real host.
test-schedule: packages
	@$(SETUP) packages $(SCHEDULE)
	@bin="$(BIN)"; PATH="$$bin:$$PATH" $(PYTEST) tests/schedule

# On a stand-in, or on the AWX of AWX_URL and AWX_TOKEN; tests/awx/test_real.py has the other variables.
test-awx:
	@bin="$(BIN)"; PATH="$$bin:$$PATH" $(PYTEST) tests/awx

# The templates of docs/ci, by act, gitlab-ci-local and Buildbot.
test-ci: packages
	@$(SETUP) packages rsync
	@bin="$(CI_BIN)"; PATH="$$bin:$$PATH" $(PYTEST) tests/ci

# A real HAProxy, as processes on loopback.
test-routing:
	@$(SETUP) packages $(ROUTING)
	@bin="$(BIN)"; PATH="$$bin:$$PATH" $(PYTEST) tests/routing

# The data of units by DuckDB and a PostgreSQL, results of other programs, and the report in a browser.
test-experiments:
	@$(SETUP) packages $(EXPERIMENTS)
	@bin="$(EXPERIMENTS_BIN)"; PATH="$$bin:$$PATH" $(PYTEST) tests/experiments

test-molecule: tour-packages
	@bin="$(BIN)"; PATH="$$bin:$$PATH" molecule test --all

lint:
	@tests/lint/run.sh

docs:
	@bin="$(BIN)"; PYTHONPATH=.collections:. "$$bin/python" -m tests.docs

pictures: tour-packages
	@bin="$(BIN)"; PATH="$$bin:$$PATH" PYTHONPATH=.collections:. "$$bin/python" -m tests.docs.pictures

bench: tour-packages
	@$(SETUP) packages $(ROUTING) nginx-light caddy
	@tests/benchmarks/run.sh

simulations:
	@bin="$$($(SETUP) python tests/benchmarks/requirements.txt)"; PYTHONPATH=.collections:. "$$bin/python" -m tests.simulations
	@bin="$(EXPERIMENTS_BIN)"; PYTHONPATH=.collections:. "$$bin/python" -m tests.simulations.experiments

clean:
	@python3 -m tests.testbed clean
