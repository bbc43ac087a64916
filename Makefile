# What a newcomer needs: `make demo`, which wants Rust and a C linker, and `make test` and `make install`,
# which also want Python 3.9 or newer: compilers, emulators and clients are installed into target/.

.PHONY: help demo runtime install release test fixtures bench fuzz crash schemas golden

help: ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

demo: ## build, deploy the calculator to the embedded cloud, call it, destroy it
	./docs/demo.sh

runtime: ## mcpdeploy-runtime for both processors, into target/runtime: it becomes a part of mcpdeploy
	python3 crates/mcpdeploy-runtime/static.py

install: runtime ## mcpdeploy into Cargo's folder of programs
	cargo install --locked --path crates/mcpdeploy

release: runtime ## mcpdeploy as target/release/mcpdeploy; for TARGET as target/TARGET/release/mcpdeploy
	cargo build --release --locked -p mcpdeploy $(if $(TARGET),--target $(TARGET))

test: runtime ## all tests
	rustup target add x86_64-unknown-linux-musl >/dev/null 2>&1 || true
	python3 tests/emulators/install.py >/dev/null
	cargo test --workspace --locked

fixtures: ## the fixtures' own tests and lints
	cd fixtures/calculator && CARGO_TARGET_DIR=../../target/fixtures-host cargo test --locked
	cd fixtures/calculator && cargo fmt --check
	cd fixtures/everything && CARGO_TARGET_DIR=../../target/fixtures-host cargo test --locked
	cd fixtures/everything && cargo fmt --check
	cd fixtures/notes && cargo fmt --check

bench: release ## figures beside those of other tools
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

crash: ## kill BINARY at every call of AWS's API (or every STEPth; LOGIN=1 with a login), and look what is left
	CARGO_TARGET_DIR=$(CURDIR)/target/fixtures $(BINARY) -C fixtures/calculator build
	python3 tests/crash/harness.py $(BINARY) fixtures/calculator/.pmcp/build/default/bootstrap --step $(STEP) $(if $(LOGIN),--login)

schemas: ## write state-schemas/ anew from the Rust types
	UPDATE_SCHEMAS=1 cargo test --locked -p mcpdeploy-config -p mcpdeploy-engine -p mcpdeploy-probe schema

golden: ## write the golden errors of fixtures/bad/ anew
	UPDATE_GOLDEN=1 cargo test --locked -p mcpdeploy-config
