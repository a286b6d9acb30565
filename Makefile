# All tasks of this project, for developers and CI. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
.PHONY: help up down image fix verify test doc soak fuzz audit figures bench clean

# Name of the image of `make image` and `make up`, and of the image that the tests build.
IMAGE ?= influxdb-meta
TEST_IMAGE ?= influxdb-meta:test

help: ## lists all targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## starts three nodes and waits until they are ready: containers, or processes without a Docker engine
	@sh compose/cluster.sh up

down: ## stops what `make up` started; keeps the data
	@sh compose/cluster.sh down

image: ## builds the image; compiles on this machine, without a base image and without BuildKit
	@program=$$(sh docker/compile.sh) && IMAGE=$(IMAGE) sh docker/pack.sh "$$program"

# Rust's own tools. rustup adds them where they are missing.
RUST_TOOLS = cargo fmt --version >/dev/null 2>&1 || rustup component add rustfmt; \
	cargo clippy --version >/dev/null 2>&1 || rustup component add clippy

fix: ## formats the code and applies the fixes that clippy can make by itself
	@$(RUST_TOOLS)
	cargo clippy --locked --all-targets --fix --allow-dirty --allow-staged
	cargo fmt --all

verify: ## static checks: formatting, lints, documentation of the code; changes no source file
	@$(RUST_TOOLS)
	cargo fmt --all --check
	cargo clippy --locked --all-targets -- -D warnings
	@# For developers of the program: private items are documented, and links to them work.
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --locked --no-deps --lib --document-private-items

# The image comes first: the container tests are skipped only where there is no Docker engine.
test: ## all tests: units, processes, and containers if there is a Docker engine (REQUIRE_DOCKER=1: there must be)
	@if docker version >/dev/null 2>&1 || [ "$$REQUIRE_DOCKER" = 1 ]; then $(MAKE) --no-print-directory image IMAGE=$(TEST_IMAGE); fi
	cargo test --locked --doc
	TEST_IMAGE=$(TEST_IMAGE) cargo test --locked --all-targets

# rustdoc renders Markdown files. In a copy, links to pages become links to their HTML, and links to
# other files of the repository lead to these files.
DOC_DIR = $(or $(CARGO_TARGET_DIR),target)/doc
doc: ## renders the manual and the documentation of the code, and opens it
	cargo doc --locked --no-deps --lib --document-private-items
	@rm -rf $(DOC_DIR)/manual && mkdir -p $(DOC_DIR)/manual/pages
	@for page in src/docs/*.md; do \
	  copy=$(DOC_DIR)/manual/pages/$$(basename $$page); \
	  sed -E -e 's#\]\(([a-z_]+|README)\.md(\)|\#)#](\1.html\2#g' -e 's#^(\[[a-z]+\]: [a-z_]+)\.md$$#\1.html#' \
	    -e 's#\]\(\.\./\.\./#](file://$(CURDIR)/#g' -e 's#\]\(\.\./#](file://$(CURDIR)/src/#g' $$page >$$copy && \
	  rustdoc --markdown-no-toc -o $(DOC_DIR)/manual $$copy || exit 1; \
	done
	@rm -r $(DOC_DIR)/manual/pages
	@cp -r src/docs/images $(DOC_DIR)/manual/
	@echo "the manual: $(DOC_DIR)/manual/README.html"; echo "the code:   $(DOC_DIR)/influxdb_meta/index.html"
	@if command -v xdg-open >/dev/null 2>&1; then xdg-open $(DOC_DIR)/manual/README.html; fi

soak: ## the long tests, for hours: hundreds of foundings and kills, thousands of seeds
	@if docker version >/dev/null 2>&1; then $(MAKE) --no-print-directory image IMAGE=$(TEST_IMAGE); fi
	SOAK=1 TEST_IMAGE=$(TEST_IMAGE) cargo test --locked --profile soak --all-targets

# Stable Rust and a C++ compiler are enough. The flags tell the fuzzer which code was reached.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= execute restore entry state snapshot_file raft_frame rpc json config_file variables
FUZZ_FLAGS = --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares

fuzz: ## fuzzes every decoder, FUZZ_SECONDS for each of FUZZ_TARGETS; inputs that fail are kept in target/fuzz
	@host=$$(rustc -vV | sed -n 's/^host: //p'); \
	RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --locked --manifest-path tests/fuzz/Cargo.toml --target-dir target/fuzz --target "$$host" && \
	for target in $(FUZZ_TARGETS); do \
	  mkdir -p target/fuzz/corpus/$$target && echo "== $$target" && \
	  FUZZ_TARGET=$$target target/fuzz/$$host/debug/fuzz -max_total_time=$(FUZZ_SECONDS) -max_len=65536 -timeout=10 \
	    -artifact_prefix=target/fuzz/$$target- -print_final_stats=1 target/fuzz/corpus/$$target tests/data || exit 1; \
	done

audit: ## checks the dependencies for known vulnerabilities; installs cargo-audit if it is missing
	@cargo audit --version >/dev/null 2>&1 || cargo install --locked cargo-audit
	cargo audit

# FIGURES=scale measures also with large and growing catalogs and with pollers: a quarter of an hour more.
FIGURES ?=
figures: ## measures start, formation, failover, and commits beside etcd; prints the figures, judges nothing
	@sh tests/benches/tools.sh
	@program=$$(sh docker/compile.sh) && export INFLUXD_META="$$program" && \
	  cargo test --locked --test cluster -- --ignored --nocapture --test-threads=1 figures && \
	  cargo run --locked --release --manifest-path tests/benches/commits/Cargo.toml -- "$$program" $(FIGURES)

bench: ## measures commands, encoding, snapshots and polls with up to a million shards; judges nothing
	cargo bench --locked --manifest-path tests/benches/catalog/Cargo.toml --target-dir target/bench

clean: ## removes build results, and the data of `make up` without Docker
	@sh compose/cluster.sh clean
	cargo clean
