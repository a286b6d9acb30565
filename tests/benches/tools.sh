#!/bin/sh
# Checks the tools of `make figures`: etcd to compare with, and protoc with its own .proto files to
# compile etcd's client. As root on Debian it installs what is missing, else it names the packages.
set -eu

missing=
command -v protoc >/dev/null 2>&1 || missing="$missing protobuf-compiler"
# protoc finds these beside itself: <prefix>/bin/protoc, <prefix>/include.
includes=$(dirname "$(dirname "$(command -v protoc || echo /usr/bin/protoc)")")/include
[ -e "$includes/google/protobuf/descriptor.proto" ] || missing="$missing libprotobuf-dev"
command -v etcd >/dev/null 2>&1 || missing="$missing etcd-server"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "figures: apt-get install$missing"
  apt-get update -q && apt-get install -y -q --no-install-recommends $missing
else
  echo "figures: missing:$missing (names of Debian's packages). Install them: sudo apt-get install$missing" >&2
  exit 1
fi
