# make demo      the whole pipeline on a rendered world, to results/demo/report.html
# make query     INPUT=photo.jpg [SET=name] [RESULTS=results/demo]: the most similar hands of a mined set
# make predict   INPUT=pictures-or-videos [MODEL=...] [OUT=folder] [FOV=degrees]: their hands in 3D, drawn
# make why       CELL=table2/simhand/all/mpjpe [RESULTS=results/demo]: where a number comes from; no CELL lists them
# make test      the tests, without root; make test-all adds the long ones
#
# Two environments stand in for the per-rule ones where there is no conda: .venv/driver holds Snakemake,
# .venv/work what the stages run on. `source .venv/work/bin/activate` gives you `snakemake` and both.

SHELL := /bin/bash
CORES ?= $(shell getconf _NPROCESSORS_ONLN)
UV_VERSION := 0.13.8
UV := $(shell command -v uv || echo .venv/uv/bin/uv)

WORK := .venv/work/.installed
DRIVER := .venv/driver/.installed
TOOLS := .venv/work/.tools-installed
IN_WORK := source .venv/work/bin/activate &&

.PHONY: demo query why predict env test test-all check docs pins clean

demo: env
	@$(IN_WORK) snakemake --cores $(CORES)
	@echo "The report: $(CURDIR)/results/demo/report.html"

query: env
	@test -n "$(INPUT)" || { echo "Name one or more photos: make query INPUT=\"a.jpg b.jpg\"" >&2; exit 2; }
	@$(IN_WORK) python workflow_scripts/query_hands.py --run-dir $(or $(RESULTS),results/demo) \
	  $(if $(SET),--set $(SET)) --photos $(INPUT)

predict: env
	@test -n "$(INPUT)" || { echo "Name pictures, videos or folders: make predict INPUT=clip.mp4" >&2; exit 2; }
	@$(IN_WORK) python workflow_scripts/predict_hands.py --run-dir $(or $(RESULTS),results/demo) \
	  --threads $(CORES) $(if $(MODEL),--model $(MODEL)) $(if $(OUT),--out $(OUT)) $(if $(FOV),--fov $(FOV)) \
	  $(if $(K),--intrinsics $(K)) --inputs $(INPUT)

why: env
	@$(IN_WORK) python workflow_scripts/explain_number.py --run-dir $(or $(RESULTS),results/demo) --cell "$(CELL)"

test: env $(TOOLS) check
	$(IN_WORK) python -m pytest -n $(CORES) --dist loadgroup -m "not long"

test-all: env $(TOOLS) check
	$(IN_WORK) python -m pytest -n $(CORES) --dist loadgroup

check: env $(TOOLS)
	$(IN_WORK) ruff check . && ruff format --check .
	$(IN_WORK) mypy
	.venv/driver/bin/snakefmt --check Snakefile rules
	$(IN_WORK) snakemake --lint

env: $(WORK) $(DRIVER)

$(WORK): envs/work.txt .venv/python | $(UV)
	@echo "Installing the work environment (torch with CUDA: about 5 GB, half a minute to some minutes)"
	$(UV) venv --quiet --allow-existing --python "$$(cat .venv/python)" .venv/work
	$(UV) pip install --quiet --no-deps --compile-bytecode --python .venv/work/bin/python -r envs/work.txt
	@touch $@

$(DRIVER): envs/driver.txt $(WORK)
	@echo "Installing the driver environment (Snakemake)"
	$(UV) venv --quiet --allow-existing --python "$$(cat .venv/python)" .venv/driver
	$(UV) pip install --quiet --no-deps --compile-bytecode --python .venv/driver/bin/python -r envs/driver.txt
	ln -sf ../../driver/bin/snakemake .venv/work/bin/snakemake
	@touch $@

$(TOOLS): envs/tools.txt $(WORK)
	$(UV) pip install --quiet --no-deps --compile-bytecode --python .venv/work/bin/python -r envs/tools.txt
	@touch $@

# The first Python found that is 3.11 or 3.12 (a name on PATH may be a shim that does not run).
.venv/python:
	@mkdir -p .venv
	@for name in python3 python3.12 python3.11 python; do \
	  if $$name -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 12)))' 2>/dev/null; then \
	    $$name -c 'import sys; print(sys.executable)' > $@; exit 0; fi; done; \
	echo "Python 3.11 or 3.12 is needed and none was found: install one, then run make again." >&2; exit 1

.venv/uv/bin/uv: .venv/python
	@echo "Installing uv $(UV_VERSION)"
	@"$$(cat .venv/python)" -m venv .venv/uv || { echo "Python's venv module does not work here (on Debian and\
	 Ubuntu: apt install python3-venv), or put uv on PATH; then run make again." >&2; rm -rf .venv/uv; exit 1; }
	@.venv/uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

docs: env
	cd workflow_scripts && ../.venv/work/bin/python -m simhand.settings.document ..

pins: env
	.venv/work/bin/python envs/pin_environments.py --uv $(UV)

clean:
	rm -rf .venv .snakemake
