# Every developer command; `make` alone lists them. Each installs what it needs into .venv and .cache.

PYTHON    := .venv/bin/python
NOX       := .venv/bin/nox --session
READY     := .venv/.ready

STEPS := e2e examples lint types package-check unit module compliance simulation runtimes

.DEFAULT_GOAL := help
.PHONY: help setup demo test package format statements compat bench docs requirements mutants release clean $(STEPS)

help:
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: $(READY) ## install the developer's tools into .venv

$(READY): requirements/uv.txt requirements/dev.txt scripts/setup.sh
	@scripts/setup.sh

demo: $(READY) ## see it work, on a local AWS: apply, upload, invalidate, destroy
	@$(PYTHON) -m scripts.demo

test: $(READY) ## every test, three steps at a time
	@$(PYTHON) -m scripts.steps

# The steps of `make test`, one by one; noxfile.py says what each runs.
e2e: $(READY) ## real Terraform and provider, on a local AWS that enforces IAM
examples: $(READY) ## every example on a local AWS, and every command that a page shows for one
lint: $(READY) ## ruff, terraform fmt, and whether the generated tables are current
types: $(READY) ## mypy --strict, over the tests and benchmarks too
package-check: $(READY) ## the committed package is what the sources make
unit: $(READY) ## units, properties and doubles of the function
module: $(READY) ## terraform validate and terraform test, with a mocked provider
compliance: $(READY) ## the security promises, and checkov, on the plan of every example
simulation: $(READY) ## storms through the packaged handler
runtimes: $(READY) ## the package under Python 3.10 to 3.13, as far as this machine has them

$(STEPS):
	@$(NOX) $@

package: $(READY) ## build lambda/dist/invalidator.zip
	@$(PYTHON) -m scripts.package

format: $(READY) ## rewrite what lint complains about
	@$(PYTHON) -m ruff check --fix
	@$(PYTHON) -m ruff format
	@$(PYTHON) -m scripts.terraform fmt -recursive

statements: $(READY) ## remove each statement of the policies: the tests of `make module` must notice
	@$(PYTHON) -m tests.module.statements

compat: $(READY) ## every example on Terraform 1.6 to 1.15
	@$(PYTHON) -m tests.compatibility

# Each measurement is made, also where one before it found a promise broken.
bench: $(READY) ## measure the planner, the inventory, the memory, a cold start and the storms, and run the long fuzz
	@broken=; for part in planner inventory memory cold_start fuzz "storm --write"; do \
	   $(PYTHON) -m bench.$$part || broken="$$broken $${part%% *}"; done; \
	 test -z "$$broken" || { echo "A promise is broken:$$broken"; exit 1; }

docs: $(READY) ## write the tables of inputs and outputs into the README
	@$(PYTHON) -m cogapp -r README.md

requirements: $(READY) ## pin requirements/*.txt from the .in files, transitive ones and hashes too
	@for file in requirements/*.in; do \
	   $(PYTHON) -m uv pip compile --quiet --generate-hashes --no-header --no-annotate --universal \
	     --python-version 3.10 --output-file "$${file%.in}.txt" "$$file" || exit 1; done

mutants: $(READY) ## change the package in small ways and count what the tests notice: MODULE=paths or SAMPLE=400
	@$(NOX) mutants -- $(MODULE) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SEED),--seed $(SEED))

release: $(READY) ## tag VERSION=1.2.3
	@$(PYTHON) -m scripts.release $(VERSION)

clean: ## remove all that the commands above have made
	rm -rf .venv .cache .terraform .terraform.lock.hcl .mypy_cache .pytest_cache .ruff_cache .hypothesis
