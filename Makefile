# Every target sets up what it is missing (scripts/setup.sh) and needs nothing but a Rust toolchain.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

ARGS ?=
# Seconds each fuzz target runs: a smoke run by default.
FUZZ_SECONDS ?= 10
# How many requests the fault run asks; the tests ask some hundred.
REQUESTS ?= 10000

# The parts of `make test` run in their order, also under -j.
.NOTPARALLEL:
.PHONY: help run setup test check unit redis keys fault-run matrix matrix-readme sdk deny bench bench-quick bench-memory shed-graph profile fuzz clean

help: ## show this help
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

# cargo becomes the gateway, so that no process stands between it and its signals.
run: ## build the gateway and start it (ARGS="--config my.yaml")
	@scripts/setup.sh build
	exec cargo run --release --locked --bin tollway -- serve $(ARGS)

setup: ## install what the tests need, into .setup and node_modules
	@scripts/setup.sh build python node redis postgres deny

test: setup check deny unit matrix fuzz ## run every test: format, lints, dependencies, unit to SDK tests, fuzz smoke

check: ## check format and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny: ## check licences, bans and sources of all dependencies
	@scripts/setup.sh deny
	.setup/bin/cargo-deny --locked --workspace check bans licenses sources

unit: ## run the Rust tests (the SDKs' own tests among them) and the doctests
	@scripts/setup.sh build python node redis postgres
	@if cargo nextest --version >/dev/null 2>&1; then \
	    set -x; cargo nextest run --workspace --locked --no-fail-fast; \
	else \
	    set -x; cargo test --workspace --all-targets --locked --no-fail-fast; \
	fi
	cargo test --workspace --doc --locked

redis: ## run the limits shared through Redis against real servers: faults, clusters, sentinels, TLS
	@scripts/setup.sh build redis
	cargo test --locked --package tollway-rate-limit --features redis --test redis

keys: ## run the stores of keys against SQLite and a real PostgreSQL
	@scripts/setup.sh build postgres
	cargo test --locked --package tollway-auth --all-features

fault-run: ## hold the records of REQUESTS requests, with all that can go wrong, against the provider's ledger
	@scripts/setup.sh build
	TOLLWAY_FAULT_RUN=$(REQUESTS) cargo test --locked --test ledger -- --nocapture

matrix: ## print what each pair of client dialect and provider format carries
	@scripts/setup.sh build
	cargo test --locked --test matrix -- --nocapture

matrix-readme: ## write that table into the README
	@scripts/setup.sh build
	TOLLWAY_WRITE_MATRIX=1 cargo test --locked --test matrix every_pair

sdk: ## run only the official clients against the built binary
	@scripts/setup.sh build python node
	cargo test --locked --test sdk -- --nocapture

bench: ## measure the gateway against a bare pass-through; prints a table (ARGS="--rounds 5")
	@scripts/setup.sh build oha redis
	cargo build --release --locked --package tollway --package tollway-passthrough
	python3 bench/bench.py $(ARGS)

bench-quick: ## the same in a minute, to see that it works; its figures mean little
	@$(MAKE) bench ARGS="--quick $(ARGS)"

bench-memory: ## show that memory stays flat over ten thousand translated streams
	@scripts/setup.sh build
	cargo build --release --locked --bin tollway
	python3 bench/memory.py $(ARGS)

shed-graph: ## ask for three times what a provider can do, and draw what `adaptive` makes of it (target/shed/shed.svg)
	@scripts/setup.sh build
	@mkdir -p target/shed
	cargo build --locked --bin tollway
	python3 bench/shed.py $(ARGS) > target/shed/shed.csv
	python3 bench/shed_graph.py target/shed/shed.csv > target/shed/shed.svg

profile: ## show where the gateway's time goes under load (ARGS="--case Anthropic")
	@scripts/setup.sh build oha perf
	cargo build --release --locked --bin tollway
	python3 bench/hotspots.py $(ARGS)

fuzz: ## run each fuzz target for FUZZ_SECONDS
	@scripts/setup.sh build
	FUZZ_SECONDS=$(FUZZ_SECONDS) scripts/fuzz.sh

clean: ## remove what was built and what was set up
	rm -rf .setup tests/sdk/node/node_modules
	cargo clean
