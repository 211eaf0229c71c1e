#!/bin/sh
# Installs what builds and tests signbit for devices that are not x86-64: Debian's cross compilers,
# QEMU for their programs, and llvm-mca, which models cycles. Run it as root.
# LLVM_VERSION chooses another release; 19 is the first of bookworm's that models Arm's own cores.
set -eu
version=${LLVM_VERSION:-19}
apt-get update
apt-get install --yes --no-install-recommends \
  g++-aarch64-linux-gnu g++-riscv64-linux-gnu qemu-user "llvm-$version"
aarch64-linux-gnu-g++ --version | head -n 1
riscv64-linux-gnu-g++ --version | head -n 1
qemu-aarch64 --version | head -n 1
