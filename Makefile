# A fresh machine needs Python 3.11 and a package registry, nothing else.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test check docs learn page browser kernel slow figures evaluation samplers weights clean

demo: $(VENV)/installed ## install into a virtual environment and write a number
	@echo "writing 00297375 (some seconds on two cores) ..."
	@picture="$$($(BIN)/inkseed write 00297375 --seed 2 --out "$(CURDIR)/number.png")" && echo "The picture is $$picture"

test: $(VENV)/installed-dev check docs ## lint, types, the site and the quick tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "not slow and not browser" -n 2 --dist loadfile

check: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell

docs: $(VENV)/installed-dev ## the documentation as a site, into site/: strictly, without a network
	$(BIN)/mkdocs build --strict

learn: $(VENV)/installed-learn ## run the notebooks of learn/ and keep them with their outputs
	$(BIN)/python scripts/learn.py

page: $(VENV)/installed ## the page that writes in a browser, into site/page.html
	@mkdir -p site
	$(BIN)/inkseed page --out site/page.html

browser: $(VENV)/installed-dev ## the page's tests in Chromium, which must be there
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[browser]"
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m browser -s

kernel: $(VENV)/installed-dev ## the page's kernel, from C to WebAssembly
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[kernel]"
	$(BIN)/python scripts/kernel.py

slow: $(VENV)/installed-dev ## the tests that take minutes each
	$(BIN)/python -m pytest -m slow

figures: $(VENV)/installed ## draw every picture in docs/ again
	$(BIN)/python scripts/figures.py

evaluation: $(VENV)/installed ## the table of judges in docs/evaluation.md
	$(BIN)/python scripts/evaluation.py

samplers: $(VENV)/installed ## the tables of docs/samplers.md: hours, resumable
	$(BIN)/python scripts/samplers.py

weights: $(VENV)/installed ## train everything that is bundled, into runs/weights: hours on a GPU-less machine, resumable
	$(BIN)/python scripts/weights.py

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

$(VENV)/installed-learn: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[learn]"
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache site number.png
