#!/bin/sh
# Installs what `make fuzz` needs: Debian's clang with libFuzzer and its sanitizers. Run it as root.
# CLANG_VERSION chooses another release; bookworm has 14.
set -eu
version=${CLANG_VERSION:-14}
apt-get update
apt-get install --yes --no-install-recommends \
  "clang-$version" "libclang-rt-$version-dev" "libfuzzer-$version-dev"
"clang++-$version" --version
