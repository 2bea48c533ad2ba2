# Everything from a bare machine with Python 3.11 or newer, make and git:
#   make demo   install into .venv, run the demonstration fit (or go on with it, or show it again), say where its files are
#   make test   install into .venv, run the whole test suite
#   make docs   install into .venv, build the documentation into site/
#   make bench  install into .venv, run every benchmark: two hours; tables into runs/benchmarks.md
# Another Python: make demo PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
INSTALLED := $(VENV)/.installed
DEMO := lmu_ltau_s1_quick

.PHONY: demo test docs bench lint clean

demo: $(INSTALLED)
	$(VENV)/bin/darkbeauty fit fits/$(DEMO).toml --out runs/$(DEMO) --resume

test: $(INSTALLED)
	$(VENV)/bin/pytest -q -n 2 --dist loadfile

docs: $(INSTALLED)
	$(VENV)/bin/mkdocs build --strict

bench: $(INSTALLED)
	$(VENV)/bin/python benchmarks/run.py

lint: $(INSTALLED)
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python

clean:
	rm -rf $(VENV) runs .jax_cache .pytest_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "darkbeauty needs Python 3.11 or newer, not " + sys.version.split()[0] + ". Another one: make PYTHON=python3.12")'
	@echo "Installing into $(VENV), once; this takes a few minutes …"
	@$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --editable '.[dev]'
	@touch $@
