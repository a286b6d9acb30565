# Everything a person or CI does with this project. `make` alone says what there is.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.PHONY: help up down test verify image soak fuzz figures bench clean

# The image that `make image` and `make up` build, and the one that tests build beside it.
IMAGE ?= influxdb-meta
TEST_IMAGE ?= influxdb-meta:test
export META_IMAGE = $(IMAGE)

help: ## what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## three nodes, as containers (without a Docker engine: as processes), ready and shown
	@sh compose/cluster.sh up

down: ## end what `make up` started; data is kept
	@sh compose/cluster.sh down

image: ## the image, compiled on this machine: no base image, no BuildKit
	@program=$$(sh docker/compile.sh) && IMAGE=$(IMAGE) sh docker/pack.sh "$$program"

# Changes no file of the sources. The tools it needs come with Rust; where rustup left them out, it adds them.
verify: ## the gate: format, lints, documentation
	@cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt
	@cargo clippy --version >/dev/null 2>&1 || rustup component add clippy
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	@# Its readers work on the program: private items are in it, and links to them are right.
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --locked --no-deps --lib --document-private-items

# The image first: its absence is a skip only where there is no Docker engine.
test: ## all tests: units, real processes, and containers where Docker is (REQUIRE_DOCKER=1: it must be)
	@if docker version >/dev/null 2>&1 || [ "$$REQUIRE_DOCKER" = 1 ]; then $(MAKE) --no-print-directory image IMAGE=$(TEST_IMAGE); fi
	cargo test --locked --doc
	TEST_IMAGE=$(TEST_IMAGE) cargo test --locked --all-targets

soak: ## the long tests: hundreds of foundings and kills, thousands of seeds; takes hours
	@if docker version >/dev/null 2>&1; then $(MAKE) --no-print-directory image IMAGE=$(TEST_IMAGE); fi
	SOAK=1 TEST_IMAGE=$(TEST_IMAGE) cargo test --locked --profile soak --all-targets

# Stable Rust and a C++ compiler are enough: the flags are what a fuzzer needs to see which code was reached.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= execute restore entry state snapshot_file raft_frame rpc json config_file variables
FUZZ_FLAGS = --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares

fuzz: ## any bytes for every decoder, FUZZ_SECONDS for each of FUZZ_TARGETS; what breaks one stays in target/fuzz
	@host=$$(rustc -vV | sed -n 's/^host: //p'); \
	RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --locked --manifest-path tests/fuzz/Cargo.toml --target-dir target/fuzz --target "$$host" && \
	for target in $(FUZZ_TARGETS); do \
	  mkdir -p target/fuzz/corpus/$$target && echo "== $$target" && \
	  FUZZ_TARGET=$$target target/fuzz/$$host/debug/fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 \
	    -artifact_prefix=target/fuzz/$$target- -print_final_stats=1 target/fuzz/corpus/$$target tests/data || exit 1; \
	done

# Debian's etcd-server must be installed for the last one. FIGURES=scale: also in big catalogs, growing ones and with pollers,
# a quarter of an hour more.
FIGURES ?=
figures: ## start, formation and failover of the release build, and its commits beside etcd: printed, not judged
	@program=$$(sh docker/compile.sh) && export INFLUXD_META="$$program" && \
	  cargo test --locked --test cluster -- --ignored --nocapture --test-threads=1 figures && \
	  cargo run --release --manifest-path tests/benches/commits/Cargo.toml -- "$$program" $(FIGURES)

bench: ## a command of each family, encoding, snapshots and polls, at up to a million shards: printed, not judged
	cargo bench --locked --manifest-path tests/benches/catalog/Cargo.toml --target-dir target/bench

clean: ## remove what was built, and the processes' data of `make up` without Docker
	@sh compose/cluster.sh clean
	cargo clean
