# Enlace. `make` without a target lists the commands.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# Python stores compiled modules, because seven processes import the same ones. Without this, each start would compile them.
unexport PYTHONDONTWRITEBYTECODE

UV := ./deploy/local/uv.sh
RUN := .venv/bin

CLIENT ?= reception-system
PACK ?= guatemala
MINUTES ?= 5
DAYS ?= 3
SEED ?=
LONG ?=
TRACES ?=
STAY ?=
NAME ?=
REQUESTS ?= 100000
# Files with checksums, and generated pages: their lines look like secrets.
NO_SECRETS := ^(uv\.lock|deploy/packs/[a-z_]+/instruments/published\.lock\.yaml|docs/contracts/|\.secrets\.baseline|tests/unit/notifications/standard_webhooks_vectors\.json)
PARALLEL := -n auto --dist loadfile --no-loadscope-reorder --durations=20
IN_CONTAINERS := tests/events/test_outbox.py tests/events/test_relay.py tests/events/test_consumer.py tests/events/test_topics.py

.PHONY: help setup setup-browser screenshots demo simulate up down status logs token partner test test-long test-all quick test-containers compose-test check audit bill bench chaos attack

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.synced ## install uv and the Python packages (other commands call it)

.venv/.synced: uv.lock pyproject.toml
	@$(UV) sync --frozen --compile-bytecode && touch $@

setup-browser: setup ## find or fetch a browser for the tests of the console and for its pictures, and print its path
	@exec $(RUN)/python -m deploy.browser

demo: setup ## show the whole system: a directory, a flight of 135, a bus of 40, who was placed where and why: make demo PACK=ethiopia; STAY=1 keeps the console running
	@exec $(RUN)/python -m deploy.demo --pack "$(PACK)" $(if $(TRACES),--traces) $(if $(STAY),--stay) $(ARGS)

simulate: setup ## simulate days of flights and buses on an accelerated clock, with measured response rates: make simulate DAYS=3 SEED=7 PACK=honduras
	@exec $(RUN)/python -m deploy.simulate --pack "$(PACK)" --days "$(DAYS)" $(if $(SEED),--seed "$(SEED)") $(ARGS)

up: setup ## start the same system and leave it running; addresses in .enlace/env; with a page for its traces: make up TRACES=1
	@exec $(RUN)/python -m deploy.local up $(if $(TRACES),--traces)

down: setup ## stop the system that `make up` started; its data stay in .enlace
	@exec $(RUN)/python -m deploy.local down

status: setup ## show processes, health and backlog
	@exec $(RUN)/python -m deploy.local status

logs: setup ## follow the logs
	@exec $(RUN)/python -m deploy.local logs

token: setup ## print a bearer token of a client of the pack: make token CLIENT=reception-system
	@exec $(RUN)/python -m deploy.local token --client "$(CLIENT)"

partner: setup ## add an organisation's client and print how it connects: make partner NAME="Casa Nueva"
	@exec $(RUN)/python -m deploy.local partner --name "$(NAME)"

test: setup ## run all tests but the long ones, on real PostgreSQL and real Apache Kafka, and in a real browser
	@$(RUN)/python -m deploy.browser --optional >/dev/null
	@exec $(RUN)/pytest -m "not long" $(PARALLEL) $(ARGS)

test-long: setup ## run the long tests, which `make test` leaves out: before a release, after changes of packs, chaos or pages with commands
	@$(RUN)/python -m deploy.browser --optional >/dev/null
	@exec $(RUN)/pytest -m long $(PARALLEL) $(ARGS)

test-all: test test-long ## run all tests, also the long ones

quick: setup ## run the tests that need no server: rules, the catalogue, the structure of the code
	@exec $(RUN)/pytest -n auto -p no:schemathesis tests/unit tests/architecture $(ARGS)

screenshots: setup setup-browser ## take the pictures of the console in docs/pictures, from the system of the demo
	@exec $(RUN)/python -m deploy.screenshots $(ARGS)

test-containers: setup ## run the tests of the event bus on PostgreSQL and Kafka in containers
	@ENLACE_TEST_INFRA=testcontainers exec $(RUN)/pytest $(or $(ARGS),$(IN_CONTAINERS))

compose-test: setup ## test docker-compose.yml on a real engine: build, start, scale, stop, start again
	@exec $(RUN)/python -m tests.compose $(ARGS)

CHECKS := check-types check-patterns check-style check-imports check-files check-pages check-supply check-secrets
.PHONY: $(CHECKS)

check: setup ## check format, lint, types, imports, container files, generated pages, regular expressions, supply chain, secrets
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=target $(CHECKS)

check-types:
	$(RUN)/mypy

check-patterns:
	$(RUN)/python -m deploy.patterns

check-style:
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .

check-imports:
	$(RUN)/lint-imports --no-cache

check-files:
	$(RUN)/yamllint --strict .
	$(RUN)/hadolint deploy/docker/Dockerfile

check-pages:
	$(RUN)/python -m deploy.contracts check
	$(RUN)/python -m deploy.lifecycles check
	$(RUN)/python -m deploy.asvs check

check-supply:
	$(RUN)/python -m deploy.supply bill
	$(RUN)/python -m deploy.supply audit

check-secrets:
	git ls-files -z | grep -zvE '$(NO_SECRETS)' | xargs -0 $(RUN)/detect-secrets-hook --no-verify --baseline .secrets.baseline

audit: setup ## list published vulnerabilities of the locked packages; fails if the advisory service does not answer
	$(RUN)/python -m deploy.supply audit --strict

bill: setup ## write the bill of materials (CycloneDX) to .enlace/bill.json
	$(RUN)/python -m deploy.supply bill --out .enlace/bill.json

bench: setup ## compare Enlace with plain asyncpg and aiokafka and with the usual stack; then measure the event bus alone
	@exec $(RUN)/python -m bench $(ARGS)

chaos: setup ## inject random faults: make chaos MINUTES=5 SEED=7; LONG=1 adds failures that take minutes each
	@$(RUN)/python -m tests.chaos --minutes "$(MINUTES)" $(if $(SEED),--seed "$(SEED)")
	@if [ -n "$(LONG)" ]; then ENLACE_LONG_FAILURES=1 $(RUN)/pytest tests/events/failures -k "r5 or p1 or pitfall_08 or pitfall_04"; fi

attack: setup ## run every attack on a separate system, then print attempts and deviations: make attack REQUESTS=100000 MINUTES=60 SEED=7
	@exec $(RUN)/python -m tests.attack --requests "$(REQUESTS)" --minutes "$(if $(filter file,$(origin MINUTES)),60,$(MINUTES))" $(if $(SEED),--seed "$(SEED)") $(ARGS)
