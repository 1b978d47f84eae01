# Everything below works from a fresh clone. `make help` lists it.
SHELL := /bin/sh
VENV := .lab/venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
PLUGINS ?= lab
ARGS ?=
SHAPE ?= balanced
WORKERS ?= 3 # of tests; hosts run at two of them at once (tests/conftest.py)
LOCK = $(VENV)/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 --custom-compile-command 'make lock' $(ARGS)

unexport PYTHONDONTWRITEBYTECODE # the program and the lab's plugins start again and again: with it, by a quarter more slowly

.DEFAULT_GOAL := help
.PHONY: help lab preview test test-slow test-unit lint lock lab-env lab-shell lab-down lab-fleet lab-fleet-down lab-delivery lab-clean bench bench-backup bench-cms bench-faults bench-observability bench-release bench-scale bench-scaling

help: ## show this list
	@echo "CodeB: pulumi up turns a folder of YAML project manifests into a running private PaaS."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo
	@echo "Variables: PLUGINS=lab|real (real: Pulumi's own plugins, downloaded by the CLI), ARGS='…' passed on,"
	@echo "SHAPE=single|split|terminate: of lab-fleet's servers (docs/lab.md),"
	@echo "CODEB_LAB_CACHE=folder for downloads and builds that several clones share."

$(READY): pyproject.toml locks/dev.txt lab/bootstrap.sh
	@lab/bootstrap.sh $(VENV)

lab: $(READY) ## boot the lab host, deploy the dev stack, print the registry and the URLs (root, Linux)
	@$(PY) -m lab up --plugins $(PLUGINS) $(ARGS)

preview: $(READY) ## show what `make lab` would change, without changing it
	@$(PY) -m lab preview --plugins $(PLUGINS) $(ARGS)

test: $(READY) ## run all tests that this machine can run; the lab's need root on Linux
	@$(PY) -m pytest -n $(WORKERS) -m "not slow" --durations 10 $(ARGS)

test-slow: $(READY) ## run what `make test` leaves out: the whole kill tables, minutes each
	@$(PY) -m pytest -n $(WORKERS) -m slow --durations 10 $(ARGS)

test-unit: $(READY) ## run the fast tests only: no host, no network
	@$(PY) -m pytest -n 2 -m "not lab and not cli and not act" $(ARGS)

lint: $(READY) ## style (ruff), types (mypy), import contracts (import-linter), workflows (actionlint, zizmor)
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy codeb ops components agent lab __main__.py && $(VENV)/bin/lint-imports
	@$(PY) -m lab.delivery.lint

$(VENV)/bin/uv: # not $(READY): what it waits for may be what the lock has to put right
	@lab/bootstrap.sh $(VENV)

lock: $(VENV)/bin/uv ## write locks/ and requirements.txt after a change of dependencies in pyproject.toml (ARGS=--upgrade: newest of the rest)
	@$(LOCK) --generate-hashes --group dev --output-file locks/dev.txt
	@$(LOCK) --generate-hashes --group lab --output-file locks/lab.txt
	@$(LOCK) --generate-hashes --group program --output-file locks/run.txt
	@$(LOCK) --generate-hashes --group mcp --output-file locks/mcp.txt
	@$(LOCK) --generate-hashes --group ci --output-file locks/ci.txt
	@$(LOCK) --no-deps --no-annotate --group card --output-file requirements.txt

lab-env: $(READY) ## a shell in which plain `pulumi preview`, `pulumi up`, … work on the lab
	@lines=$$($(PY) -m lab env --plugins $(PLUGINS)) && eval "$$lines" && exec "$${SHELL:-/bin/sh}"

lab-shell: $(READY) ## a root shell on the lab host
	@$(PY) -m lab shell $(ARGS)

lab-down: $(READY) ## stop the lab host; data stays
	@$(PY) -m lab down $(ARGS)

lab-fleet: $(READY) ## production's shape on a simulated Vultr: servers, balancer, the stack `fleet` deployed on them
	@$(PY) -m lab.fleet up --shape $(SHAPE) $(ARGS)

lab-fleet-down: $(READY) ## stop the fleet; account, servers and data stay (`.lab/venv/bin/python -m lab.fleet` has more)
	@$(PY) -m lab.fleet down $(ARGS)

lab-delivery: $(READY) ## from a git push to a release: the workflows on this machine, stacks dev and prod on a host each
	@$(PY) -m lab.delivery up $(ARGS)

lab-clean: $(READY) ## stop the lab and remove everything it made
	@$(PY) -m lab clean $(ARGS)

bench: $(READY) ## measure: previews and updates of 10, 100 and 1000 projects, memory, make lab by phase
	@$(PY) -m lab.bench $(ARGS)

bench-backup: $(READY) ## measure: dump, base backup and proof of a large database beside the load of visitors; ARGS='--sizes 1 10'
	@$(PY) -m lab.bench.backups $(ARGS)

bench-cms: $(READY) ## measure: Core CMS beside a bare Next.js app: requests a core, first load in Chromium, image, start
	@$(PY) -m lab.bench.core_cms $(ARGS)

bench-faults: $(READY) ## 200 updates of a fleet under faults of Vultr's API and kills, and what mends them
	@$(PY) -m lab.bench.faults $(ARGS)

bench-observability: $(READY) ## measure: what watching costs in memory, processor and latency; Prometheus for 10, 100, 1000 projects; ARGS='--only series'
	@$(PY) -m lab.bench.observability $(ARGS)

bench-scale: $(READY) ## measure: 1000 projects in one stack and in one for each pool, beside a bare program; Caddy's sites; ARGS='--only plan sites'
	@$(PY) -m lab.bench.many $(ARGS)

bench-release: $(READY) ## measure: 50 releases under load; ARGS=--peer: beside kamal-proxy and caddy reload
	@$(PY) -m lab.bench.releases $(ARGS)

bench-scaling: $(READY) ## measure: 2 → 4 → 2 app servers under 200 requests/s and WebSockets, on the simulated Vultr
	@$(PY) -m lab.bench.growing $(ARGS)
