#!/bin/sh
# Unpacks Debian's Python 3.11 for 64-bit Arm into a folder, for `qemu-aarch64 -L FOLDER`:
#
#   tools/arm64_python.sh FOLDER
#
# Nothing is installed: apt downloads into FOLDER/apt, with lists of its own, and dpkg unpacks.
set -eu
[ $# = 1 ] || { echo "usage: tools/arm64_python.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
folder=$(cd "$1" && pwd)
apt=$folder/apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial"
touch "$apt/status"
arm64() {
  apt-get --quiet=2 -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
    -o Dir::State="$apt" -o Dir::State::status="$apt/status" -o Dir::Cache="$apt" \
    -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@" >/dev/null
}
arm64 update
arm64 install --yes --no-install-recommends --download-only python3.11 libstdc++6
for package in "$apt"/archives/*.deb; do
  dpkg --extract "$package" "$folder"
done
rm -r "$apt"
qemu-aarch64 -L "$folder" "$folder/usr/bin/python3.11" --version
