# Each target does its own set-up; the only things needed are Python ≥ 3.11, make and, for verdicts, a Docker engine.

PYTHON ?= python3
CHALLENGE ?= hashmap
SUBMISSION ?= reference_solutions/$(CHALLENGE)/reference
OUT ?= out
ARGS ?=

UV := build/uv-$(shell sed -n 's/^uv==\([0-9.]*\).*/\1/p' .ci/uv.txt)
export UV
export UV_PROJECT_ENVIRONMENT := .venv
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help grade test check lint type verify image proto venv clean

help:
	@echo "make grade [CHALLENGE=hashmap] [SUBMISSION=path] [OUT=out]   grade a submission; writes OUT/result.json"
	@echo "make test [ARGS=...]     run the tests; ARGS goes to pytest"
	@echo "make check               all that CI runs: lint, type, test"
	@echo "make lint | type         ruff and the lock | mypy"
	@echo "make verify [ARGS=...]   run every known solution and compare its verdict with what it should get"
	@echo "make image               build the image (TAKEHOME_BASE_IMAGE names another base)"
	@echo "make proto FILE=path     generate the Python module of a .proto beside it, with the locked tools"
	@echo "make clean               remove what these targets made, but not results"

# make itself exits 2 whenever a target fails; the line above its own message names the command's exit code.
grade: venv
	@.venv/bin/python .ci/image.py --optional
	@.venv/bin/takehome grade "$(SUBMISSION)" --challenge "$(CHALLENGE)" -o "$(OUT)" $(ARGS) || { code=$$?; \
	echo "takehome grade exited $$code (1: the submission fails, 2: usage, 3: infrastructure, 4: inconclusive)" >&2; exit $$code; }

test: venv
	@.venv/bin/python .ci/image.py --optional
	@.venv/bin/python -m pytest $(ARGS)

check:
	@$(MAKE) lint type
	@$(MAKE) test

lint: venv
	@$(UV) lock --check --offline --quiet || { echo "uv.lock does not fit pyproject.toml: run uv lock" >&2; exit 1; }
	@.venv/bin/ruff check .

type: venv
	@.venv/bin/mypy

verify: image
	@.venv/bin/takehome verify $(ARGS)

image: venv
	@.venv/bin/python .ci/image.py

proto: export UV_PROJECT_ENVIRONMENT := build/proto
proto: $(UV)
	@[ -f "$(FILE)" ] || { echo "no such file: make proto FILE=path/to/some.proto" >&2; exit 2; }
	@$(UV) run --frozen --quiet --python "$(PYTHON)" --only-group proto \
	python -m grpc_tools.protoc --proto_path="$(dir $(FILE))" --python_out="$(dir $(FILE))" "$(FILE)"

# uv looks for itself what has changed, in about 20 ms: no stamp file that could lie.
venv: $(UV)
	@[ -d .venv ] || echo "setting up: .venv" >&2
	@$(UV) sync --frozen --quiet --python "$(PYTHON)"

# Only the binary is kept, and it arrives by one rename, so that two makes at once do no harm.
$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || \
	{ echo "this Python can't make virtual environments: install it whole (Debian, Ubuntu: apt-get install python3-venv)" >&2; exit 1; }
	@echo "setting up: uv" >&2
	@mkdir -p build && scratch=$$(mktemp -d build/uv.XXXXXX) && trap 'rm -rf "$$scratch"' EXIT && \
	$(PYTHON) -m venv "$$scratch" && \
	"$$scratch/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r .ci/uv.txt && \
	mv -f "$$scratch/bin/uv" $@

clean:
	rm -rf .venv build .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	-docker image prune --force --filter label=takehome.inputs
