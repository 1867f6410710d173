# `make demo` and `make test` each set up everything they need, from nothing.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test recipes bench torture lint format clean

demo: $(STAMP)
	$(BIN)/vqspeech demo $(ARGS)

# What numba compiles of librosa is kept on disk; written by two workers at once it was broken.
test: $(STAMP) lint
	$(BIN)/python -c "import numpy, vqspeech.audio.pitch as p; p.median_pitch(numpy.ones(8000, 'f'), 8000)"
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Every recipe from start to end at its smallest settings, those of pictures and video on photographs and ViZDoom.
# VCTK and LibriSpeech are the embedded voices, laid out as those corpora are.
recipes: $(STAMP)
	set -e; out="$$(mktemp -d)"; \
	egs/mini/run.sh --config conf/tiny.yaml --out "$$out/mini"; \
	for recipe in vctk librispeech; do \
	  style=$$recipe; if [ $$recipe = vctk ]; then style=vctk-0.92; fi; \
	  $(BIN)/python egs/mini/local/lay_out.py --style $$style --speakers 4 --out "$$out/$$recipe-corpus"; \
	  egs/$$recipe/run.sh --corpus "$$out/$$recipe-corpus" --config conf/tiny.yaml --out "$$out/$$recipe"; \
	done; \
	recipes/images/run.sh --config conf/tiny.yaml --out "$$out/images"; \
	recipes/video/run.sh --config conf/tiny.yaml --out "$$out/video"; \
	echo "all of it is in $$out"

bench: $(STAMP)
	$(BIN)/python tests/benchmarks/bench_quantizer.py
	$(BIN)/python tests/benchmarks/bench_wavenet.py
	$(BIN)/python tests/benchmarks/bench_sampler.py
	$(BIN)/python tests/benchmarks/bench_prior.py
	$(BIN)/python tests/benchmarks/bench_pixelcnn.py
	$(BIN)/python tests/benchmarks/bench_prepare.py
	$(BIN)/python tests/benchmarks/bench_align.py
	$(BIN)/python tests/benchmarks/bench_analysis.py

# What must survive being killed, some ten minutes.
torture: $(STAMP)
	$(BIN)/python tests/torture/kill_prepare.py

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[test]'
	touch $@

clean:
	rm -rf $(VENV) demo egs/*/data egs/*/exp recipes/*/data recipes/*/exp
