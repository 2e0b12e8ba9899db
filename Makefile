# SPDX-License-Identifier: MIT
# Every target sets up what it needs by itself and does nothing for what is there already: see tools/.
# What the demonstration and the tests use of Debian; as root it is installed, else unpacked into .tools/. uidmap is
# set-user-ID: only root can have it installed.
DEMO_PACKAGES := mmdebstrap mount debian-archive-keyring
TEST_PACKAGES := $(DEMO_PACKAGES) apt-utils debootstrap dpkg-dev fakechroot fakeroot faketime gnupg gpgv shellcheck wget
TEST_PACKAGES += $(if $(filter 0,$(shell id -u)),uidmap)

.DEFAULT_GOAL := help

.PHONY: help
help: ## say what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: venv demo-packages ## build a Debian image twice, the second time offline, and compare
	@tools/inside demo/build-twice demo-output

.PHONY: test
test: venv-test test-packages ## all checks and all tests (needs the network, under 10 minutes)
	@tools/inside python tools/run_tests.py checks fast real

.PHONY: check
check: venv-test ## all checks and the fast tests (no network, half a minute)
	@tools/inside python tools/run_tests.py checks fast

.PHONY: test-long
test-long: venv-test test-packages ## soak tests and hundreds of kills
	@tools/inside python tools/run_tests.py long

.PHONY: format
format: venv-test ## format the code and sort its imports
	@tools/inside ruff check --quiet --fix --select I . && tools/inside ruff format .

.PHONY: bench
bench: venv demo-packages ## measure beside squid, nginx and apt-cacher-ng, as far as they are installed (half an hour; needs wrk)
	@PYTHONPATH=tests tools/inside python -m bench

.PHONY: man
man: venv ## write build/man/aptfreeze.1
	@tools/inside python tools/manual.py build/man

.PHONY: completion
completion: venv ## write completion for bash, zsh and fish to build/completion
	@tools/inside python tools/completion.py build/completion

.PHONY: clean
clean: ## remove everything that make made
	rm -rf .venv .tools demo-output build dist src/*.egg-info
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	find src tests tools bench -name __pycache__ -prune -exec rm -rf {} +

.PHONY: venv
venv: # .venv with what aptfreeze needs to run
	@tools/make-venv openpgp

.PHONY: venv-test
venv-test: # the same and what the tests need
	@tools/make-venv openpgp,test

.PHONY: demo-packages
demo-packages:
	@tools/debian-packages $(DEMO_PACKAGES)

.PHONY: test-packages
test-packages:
	@tools/debian-packages $(TEST_PACKAGES)
