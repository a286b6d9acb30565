#!/bin/sh
# Compiles the static program of the image. Prints its path on stdout and everything else on stderr.
# Used on a host (`make image`) and inside docker/Dockerfile.
#   ARCH=x86_64|aarch64   architecture to compile for; default: that of this machine
set -eu
cd "$(dirname "$0")/.."

say() { echo "compile: $*" >&2; }
die() { say "$*"; exit 1; }

this=$(uname -m)
arch=${ARCH:-$this}
[ "$arch" != arm64 ] || arch=aarch64
[ "$this" != arm64 ] || this=aarch64
case $arch in
  x86_64 | aarch64) ;;
  *) die "no image for $arch: set ARCH to x86_64 or aarch64" ;;
esac
target=$arch-unknown-linux-musl

may_install() { [ "$(id -u)" = 0 ] && command -v "$1" >/dev/null 2>&1; }

need_rust() {
  command -v cargo >/dev/null 2>&1 || die "no cargo: install Rust 1.93 or later (https://rustup.rs)"
  [ ! -d "$(rustc --print target-libdir --target "$target")" ] || return 0
  command -v rustup >/dev/null 2>&1 || die "rustc has no $target: install Rust by rustup, or your distribution's package of that target"
  say "rustup target add $target"
  rustup target add "$target" >&2 || die "could not add it: run \`rustup target add $target\`"
}

# The allocator is written in C: it needs a compiler with the headers of musl.
musl_cc() {
  if [ "$this" = "$arch" ] && cc -dumpmachine 2>/dev/null | grep -q musl; then
    echo cc
  elif command -v "$arch-linux-musl-gcc" >/dev/null 2>&1; then
    echo "$arch-linux-musl-gcc"
  elif [ "$this" = "$arch" ] && command -v musl-gcc >/dev/null 2>&1; then
    echo musl-gcc
  fi
}

need_cc() {
  cc=$(musl_cc)
  [ -z "$cc" ] || return 0
  [ "$this" = "$arch" ] || die "compiling for $arch on $this needs $arch-linux-musl-gcc: put a musl cross compiler on the PATH"
  if may_install apt-get; then
    say "apt-get install musl-tools"
    { apt-get update -q && apt-get install -y -q --no-install-recommends gcc libc6-dev musl-tools; } >&2
  elif may_install apk; then
    say "apk add gcc musl-dev"
    apk add --no-cache gcc musl-dev >&2
  fi
  cc=$(musl_cc)
  [ -n "$cc" ] || die "no C compiler for musl: run \`sudo apt-get install gcc musl-tools\` (Debian, Ubuntu), \`sudo dnf install gcc musl-gcc\` (Fedora) or \`sudo apk add gcc musl-dev\` (Alpine)"
}

need_rust
need_cc

. docker/stamp.sh
export INFLUXDB_META_COMMIT="$revision" INFLUXDB_META_BRANCH="$branch" INFLUXDB_META_BUILT="$created"

# Removes build paths from the program, so that two builds of one commit are equal.
lower=$(echo "$target" | tr - _)
upper=$(echo "$lower" | tr '[:lower:]' '[:upper:]')
export "CC_$lower=$cc"
export "CARGO_TARGET_${upper}_RUSTFLAGS=--remap-path-prefix=$PWD=/src --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
if [ "$this" != "$arch" ]; then
  export "CARGO_TARGET_${upper}_LINKER=$cc"
fi

program=${CARGO_TARGET_DIR:-$PWD/target}/$target/release/influxd-meta

# Whether cargo will have nothing to do: no source is newer than the program, and the program has this commit in it.
is_up_to_date() {
  [ -x "$program" ] && [ "$this" = "$arch" ] &&
    [ -z "$(find src Cargo.toml Cargo.lock -newer "$program" -print | head -n 1)" ] &&
    "$program" version | grep -q "$revision"
}

if ! is_up_to_date; then
  say "cargo build --release for $target (the whole program is optimised at once: this takes minutes)"
fi
cargo build --release --locked --target "$target" --bin influxd-meta >&2
echo "$program"
