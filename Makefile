# SPDX-License-Identifier: Apache-2.0
# Thin: what these targets do stands in scripts/ and in the tests.
.PHONY: help setup build demo test lint format docs screenshots bench-deploy install clean

PREFIX ?= $(HOME)/.local
SWIFT_FILES = Package.swift Sources registry Tests sdk-templates Benchmarks

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: ## Install what is missing (Debian packages as root, Envoy into this checkout)
	@scripts/setup.sh

build: setup ## Build wasme and wasme-hub for development
	swift build

demo: setup ## Show the main job: from nothing to a live filter in Envoy, through our own hub
	@scripts/demo.sh

test: ## Run everything that CI runs
	@scripts/test.sh

lint: ## Check the source format, strictly
	@scripts/lint.sh

format: ## Bring the sources into format
	swift format --in-place --recursive --parallel $(wildcard $(SWIFT_FILES))

docs: ## Render the documentation of the Swift SDK into .build/docs/site
	@scripts/docs.sh

screenshots: ## Write pictures of the hub's pages, light, dark and narrow, into .build/screenshots
	WASME_REQUIRE=browser WASME_SCREENSHOTS="$(CURDIR)/.build/screenshots" swift test --filter PageLookTests

bench-deploy: setup ## Measure what deploying under load costs (Benchmarks/Deploy); needs wrk
	swift build -c release --product wasme
	@WASME_ENVOY="$${WASME_ENVOY:-$$(command -v envoy || ls "$(CURDIR)"/.tools/envoy/*/envoy | tail -n 1)}" \
		Benchmarks/Deploy/measure.py .build/release/wasme

install: setup ## Build for use and install below PREFIX (default ~/.local)
	@scripts/install.sh "$(PREFIX)"

clean: ## Remove what was built
	rm -rf .build
