# Every developer command. `make` alone lists them; each installs what it needs into .venv and .cache.

PYTHON := .venv/bin/python
READY  := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help
help:
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: setup
setup: $(READY) ## install the developer's tools into .venv

$(READY): requirements/dev.txt scripts/setup.sh
	@scripts/setup.sh

.PHONY: package
package: $(READY) ## build lambda/dist/invalidator.zip
	@$(PYTHON) scripts/package.py
