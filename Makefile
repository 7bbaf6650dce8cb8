# pilos-post-publish. `make help` lists what there is.

# Everything runs on the pinned Node.js and npm from the npm registry, whatever the machine has.
MACHINE_PATH := $(PATH)
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
SHELL := /bin/bash
NODE_ARCHITECTURE := $(patsubst x86_64,x64,$(patsubst aarch64,arm64,$(shell uname -m)))
NODE_PACKAGE := node-linux-$(NODE_ARCHITECTURE)
ROW ?=

# Each step uses both processors by itself, and some change the machine's packages.
.NOTPARALLEL:
.DEFAULT_GOAL := build
.PHONY: help setup build release release-test test lint demo fleet faults machines bench deb clean

help: ## what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: node_modules/.package-lock.json ## npm packages, when package-lock.json has changed

# The file is npm's own note of what it installed. Not `npm ci`: that wants the optional packages of every
# other platform in package-lock.json, and a registry mirror need not have them. What the lock file names is
# installed as it says, its integrity checked. By the machine's npm: the pinned one cannot replace itself.
# npm, when it removes the Node.js package of the other architecture, may take the link to this one's along.
node_modules/.package-lock.json: package-lock.json
	@echo 'installing npm packages, among them the Node.js that ships: this can take some minutes'
	@PATH='$(MACHINE_PATH)' npm install --no-save --no-audit --no-fund --loglevel=error
	@mkdir -p node_modules/.bin
	@ln -sfn ../$(NODE_PACKAGE)/bin/node node_modules/.bin/node
	@node_modules/.bin/node --version >/dev/null 2>&1 || { \
	  echo 'npm has not installed $(NODE_PACKAGE). The package is optional to npm, which keeps the reason to itself:' >&2; \
	  npm cache add $(NODE_PACKAGE)@$$(npm pkg get optionalDependencies.$(NODE_PACKAGE) | tr -d '"'); exit 1; }
	@touch $@

build: setup ## dist/pilos-post-publish for this machine, with its launcher
	@build/system-packages.sh build
	@node build/executable.ts

release: setup ## for a release page: executables and packages for both architectures, checksums, SBOM, notes
	@build/system-packages.sh build release deb
	@node build/release.ts

release-test: release ## the packages of dist/ in fresh Debians: bullseye, bookworm, trixie, and arm64 under emulation
	@build/system-packages.sh release-test
	@vitest run --config test/release/vitest.config.ts

test: build ## every test, on the built executable and real programs
	@build/system-packages.sh test
	@vitest run

faults: build ## what the tests shorten, such as the fault injection, at full length
	@build/system-packages.sh test
	@FAULTS=full vitest run --project faults --project e2e test/faults $$(grep -rl test-size.ts --include=*.test.ts test/e2e)

lint: setup ## types, style, what nothing uses, shell scripts, launcher
	@build/system-packages.sh lint
	tsc --noEmit
	biome ci .
	knip
	shellcheck $$(grep -rlE '^#!.*[/ ](ba|da)?sh( |$$)' .ci build examples test)
	ruby -c build/launcher/pilos_post_publish.rb

machines: build ## NFS, systemd and power cuts on whole machines (User-mode Linux); FAULTS=full for all cases
	@build/system-packages.sh machines
	@vitest run --config test/machines/vitest.config.ts

demo: build ## a recording's whole way, from BBB's call to what PILOS unpacks
	@build/system-packages.sh demo
	@node build/demo.ts

fleet: build ## many BBB servers, two PILOS, one table; SERVERS=50 RECORDINGS=5000 LAYOUT=storage
	@build/system-packages.sh fleet
	@node test/fleet/run.ts

bench: build ## measures against PILOS' Ruby script; ROW=name for one row
	@build/system-packages.sh bench
	@node build/bench.ts $(ROW)

deb: setup ## Debian packages for amd64 and arm64, in dist/
	@build/system-packages.sh build deb
	@node build/deb.ts

clean: ## removes what was built
	rm -rf dist
