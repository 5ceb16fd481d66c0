# Enlace. Bare `make` lists what there is.
.DEFAULT_GOAL := help
SHELL := /bin/bash

# Seven processes import the same modules: compiled once, not at every start.
unexport PYTHONDONTWRITEBYTECODE

UV := ./deploy/local/uv.sh
RUN := .venv/bin

CLIENT ?= reception-system
MINUTES ?= 5
DAYS ?= 3
SEED ?=
LONG ?=
NAME ?=
REQUESTS ?= 100000
# Sums and generated pages, in which every line looks like a secret.
NO_SECRETS := ^(uv\.lock|docs/contracts/|\.secrets\.baseline|tests/unit/notifications/standard_webhooks_vectors\.json)
IN_CONTAINERS := tests/events/test_outbox.py tests/events/test_relay.py tests/events/test_consumer.py tests/events/test_topics.py

.PHONY: help setup demo simulate up down status logs token partner test quick test-containers compose-test check audit bill bench chaos attack

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.synced ## the environment: uv, Python packages (other commands call it)

.venv/.synced: uv.lock pyproject.toml
	@$(UV) sync --frozen --compile-bytecode && touch $@

demo: setup ## the main job: a directory, a flight of 135, a bus of 40, who was placed where and why
	@exec $(RUN)/python -m deploy.demo

simulate: setup ## days of flights and buses on an accelerated clock, partners as silent as Lebanon's: make simulate DAYS=3 SEED=7
	@exec $(RUN)/python -m deploy.simulate --days "$(DAYS)" $(if $(SEED),--seed "$(SEED)") $(ARGS)

up: setup ## the same system, left running; addresses in .enlace/env
	@exec $(RUN)/python -m deploy.local up

down: setup ## stop what `make up` started; its data stays in .enlace
	@exec $(RUN)/python -m deploy.local down

status: setup ## what runs, its health and its backlog
	@exec $(RUN)/python -m deploy.local status

logs: setup ## follow the logs
	@exec $(RUN)/python -m deploy.local logs

token: setup ## a bearer token of a client of the pack: make token CLIENT=reception-system
	@exec $(RUN)/python -m deploy.local token --client "$(CLIENT)"

partner: setup ## add an organisation's client and print how it connects: make partner NAME="Casa Nueva"
	@exec $(RUN)/python -m deploy.local partner --name "$(NAME)"

test: setup ## all tests, on real PostgreSQL and real Apache Kafka
	@exec $(RUN)/pytest -n auto --dist loadfile --no-loadscope-reorder --durations=20 $(ARGS)

quick: setup ## the tests that start no server: rules, the catalogue, the shape of the code
	@exec $(RUN)/pytest -n auto -p no:schemathesis tests/unit tests/architecture $(ARGS)

test-containers: setup ## the tests of the event bus, on PostgreSQL and Kafka in containers that are started for them
	@ENLACE_TEST_INFRA=testcontainers exec $(RUN)/pytest $(or $(ARGS),$(IN_CONTAINERS))

compose-test: setup ## docker-compose.yml on a real engine: built, started, scaled, stopped, started again
	@exec $(RUN)/python -m tests.compose $(ARGS)

check: setup ## format, lint, types, imports, containers' files, generated pages, patterns, supply chain, secrets
	$(RUN)/ruff format --check .
	$(RUN)/ruff check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-cache
	$(RUN)/yamllint --strict .
	$(RUN)/hadolint deploy/docker/Dockerfile
	$(RUN)/python -m deploy.contracts check
	$(RUN)/python -m deploy.lifecycles check
	$(RUN)/python -m deploy.asvs check
	$(RUN)/python -m deploy.patterns
	$(RUN)/python -m deploy.supply bill
	$(RUN)/python -m deploy.supply audit
	git ls-files -z | grep -zvE '$(NO_SECRETS)' | xargs -0 $(RUN)/detect-secrets-hook --no-verify --cores 2 --baseline .secrets.baseline

audit: setup ## published vulnerabilities of what the lock file names; fails as well where nobody can tell
	$(RUN)/python -m deploy.supply audit --strict

bill: setup ## the bill of materials (CycloneDX) in .enlace/bill.json
	$(RUN)/python -m deploy.supply bill --out .enlace/bill.json

bench: setup ## Enlace against bare asyncpg and aiokafka and against the usual stack; then the bus by itself
	@exec $(RUN)/python -m bench $(ARGS)

chaos: setup ## break the system at random: make chaos MINUTES=5 SEED=7; LONG=1 adds the failures that take minutes each
	@$(RUN)/python -m tests.chaos --minutes "$(MINUTES)" $(if $(SEED),--seed "$(SEED)")
	@if [ -n "$(LONG)" ]; then ENLACE_LONG_FAILURES=1 $(RUN)/pytest tests/events/failures -k "r5 or p1 or pitfall_08 or pitfall_04"; fi

attack: setup ## every attack on a system of its own, then a table of tries and deviations: make attack REQUESTS=100000 MINUTES=60 SEED=7
	@exec $(RUN)/python -m tests.attack --requests "$(REQUESTS)" --minutes "$(if $(filter file,$(origin MINUTES)),60,$(MINUTES))" $(if $(SEED),--seed "$(SEED)") $(ARGS)
