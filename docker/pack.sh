#!/bin/sh
# Packs a compiled program into the image, without a base image and without BuildKit: pack.sh PROGRAM.
#   IMAGE   name of the image; default: influxdb-meta
# User, ports, health check and labels are in docker/Dockerfile, below its last FROM. This script uses that part,
# with a tar file in place of the build stage.
set -eu
cd "$(dirname "$0")/.."
program=$1
image=${IMAGE:-influxdb-meta}
work=$PWD/target/image
die() { echo "image: $*" >&2; exit 1; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
. docker/stamp.sh

rm -rf "$work"
mkdir -p "$work"
sh docker/rootfs.sh "$program" "$work/rootfs"
# Owner 0:0 for everything except the folder of the volume, 1000:0, whatever uid builds.
in_tar() { tar --sort=name --mtime="@$epoch" --format=ustar --numeric-owner -C "$work/rootfs" "$@"; }
in_tar --owner=0 --group=0 --exclude=./var/lib/influxdb -cf "$work/rootfs.tar" .
in_tar --owner=1000 --group=0 -rf "$work/rootfs.tar" ./var/lib/influxdb
rm -rf "$work/rootfs"

sed -n '/^FROM scratch/,$p' docker/Dockerfile | sed 's|^COPY --from=rootfs .*|ADD rootfs.tar /|' >"$work/Dockerfile"
grep -q '^ADD rootfs.tar /$' "$work/Dockerfile" || die "docker/Dockerfile has no line 'COPY --from=rootfs …' below FROM scratch"
docker version >/dev/null 2>&1 ||
  die "no Docker engine answers; the root file system is packed in $work/rootfs.tar, start Docker and run this again"
docker build -q -t "$image" \
  --build-arg VERSION="$version" --build-arg REVISION="$revision" --build-arg CREATED="$created" --build-arg SOURCE="$source" \
  "$work" >"$work/id" 2>"$work/log" || { cat "$work/log" >&2; die "docker build failed"; }
echo "image: $image $(cat "$work/id"), $(gzip -nc "$work/rootfs.tar" | wc -c) bytes packed, $(wc -c <"$work/rootfs.tar") unpacked"
