# `make demo` and `make test` each set up everything they need, from nothing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test recipes bench lint format clean

demo: $(STAMP)
	$(BIN)/vqspeech demo $(ARGS)

test: $(STAMP) lint
	$(BIN)/python -m pytest $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Every recipe from start to end at its smallest settings.
recipes: $(STAMP)
	egs/mini/run.sh --config conf/tiny.yaml --out "$$(mktemp -d)"

bench: $(STAMP)
	$(BIN)/python tests/benchmarks/bench_quantizer.py
	$(BIN)/python tests/benchmarks/bench_wavenet.py
	$(BIN)/python tests/benchmarks/bench_sampler.py

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

clean:
	rm -rf $(VENV) demo egs/*/data egs/*/exp
