# What a newcomer needs: `make demo`, which wants Rust and a C linker, and `make test`, which also wants
# Python 3.9 or newer: emulators and clients are installed into target/.

.PHONY: help demo test fixtures bench fuzz crash schemas golden

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: ## build, deploy the calculator to the embedded cloud, call it, destroy it
	./docs/demo.sh

test: ## all tests
	rustup target add x86_64-unknown-linux-musl >/dev/null 2>&1 || true
	python3 tests/emulators/install.py >/dev/null
	cargo test --workspace --locked

fixtures: ## the fixtures' own tests and lints
	cd fixtures/calculator && CARGO_TARGET_DIR=../../target/fixtures-host cargo test --locked
	cd fixtures/calculator && cargo fmt --check
	cd fixtures/everything && CARGO_TARGET_DIR=../../target/fixtures-host cargo test --locked
	cd fixtures/everything && cargo fmt --check

bench: ## figures beside those of other tools
	cargo build --release --locked -p mcpdeploy
	cargo bench -p mcpdeploy-engine --locked
	cargo bench -p mcpdeploy-local --locked
	cargo bench -p mcpdeploy-runtime --profile runtime --locked
	python3 benches/process.py
	python3 benches/scale.py --runs 1
	python3 benches/chain.py
	python3 benches/ministack.py
	python3 benches/local.py

SECONDS_EACH ?= 600

fuzz: ## fuzz everything that is read; needs nightly Rust, cargo-fuzz and a C++ compiler
	./fuzz/run $(SECONDS_EACH)

BINARY ?= target/release/mcpdeploy
STEP ?= 1

crash: ## kill BINARY at every call of AWS's API (or every STEPth), on an emulator, and look what is left
	CARGO_TARGET_DIR=$(CURDIR)/target/fixtures $(BINARY) -C fixtures/calculator build
	python3 tests/crash/harness.py $(BINARY) fixtures/calculator/.pmcp/build/default/bootstrap --step $(STEP)

schemas: ## write state-schemas/ anew from the Rust types
	UPDATE_SCHEMAS=1 cargo test --locked -p mcpdeploy-config -p mcpdeploy-engine -p mcpdeploy-probe schema

golden: ## write the golden errors of fixtures/bad/ anew
	UPDATE_GOLDEN=1 cargo test --locked -p mcpdeploy-config
