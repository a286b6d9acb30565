#!/bin/sh
# Writes the whole root file system of the image into a new folder: rootfs.sh PROGRAM FOLDER.
# Used on a host (`make image`) and inside docker/Dockerfile. The caller sets the owners.
set -eu
here=$(dirname "$0")
program=$1
root=$2
umask 022

# The certificate authorities of this machine: data nodes with TLS are verified by them (operations.md).
ca_bundle() {
  # Paths of Debian and Alpine, Fedora, openSUSE.
  for file in "${SSL_CERT_FILE:-}" /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem; do
    if [ -s "$file" ]; then
      echo "$file"
      return
    fi
  done
  echo "rootfs: no CA bundle: install the package ca-certificates, or name a bundle in SSL_CERT_FILE" >&2
  exit 1
}

bundle=$(ca_bundle)
mkdir "$root"
mkdir -p "$root/usr/bin" "$root/etc/influxdb" "$root/etc/ssl/certs" "$root/var/lib/influxdb"
cp "$program" "$root/usr/bin/influxd-meta"
ln -s influxd-meta "$root/usr/bin/influxd-ctl"
cp "$here/rootfs/etc/passwd" "$here/rootfs/etc/group" "$root/etc/"
cp "$here/rootfs/etc/influxdb/influxdb-meta.conf" "$root/etc/influxdb/"
cp "$bundle" "$root/etc/ssl/certs/ca-certificates.crt"

find "$root" -type d -exec chmod 0755 {} +
find "$root" -type f -exec chmod 0644 {} +
chmod 0755 "$root/usr/bin/influxd-meta"
# The volume belongs to group 0, which a container of any uid has unless it is given another (OpenShift, --user 65534).
chmod 0775 "$root/var/lib/influxdb"
