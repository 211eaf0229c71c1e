#!/bin/sh
# Installs what builds and tests signbit for devices that are not x86-64: Debian's cross compilers,
# QEMU for their programs and for boards with a microcontroller, llvm-mca, which models cycles,
# Emscripten, node and Chromium for browsers, MinGW and Wine for Windows, and clang, a second
# compiler for generated C. Run it as root.
# LLVM_VERSION chooses another release; 19 is the first of bookworm's that models Arm's own cores.
set -eu
version=${LLVM_VERSION:-19}
apt-get update
apt-get install --yes --no-install-recommends \
  g++-aarch64-linux-gnu g++-riscv64-linux-gnu qemu-user "llvm-$version" \
  gcc-arm-none-eabi libnewlib-arm-none-eabi gcc-riscv64-unknown-elf qemu-system-arm qemu-system-misc \
  emscripten nodejs npm chromium clang \
  g++-mingw-w64-x86-64-posix wine64
aarch64-linux-gnu-g++ --version | head -n 1
riscv64-linux-gnu-g++ --version | head -n 1
qemu-aarch64 --version | head -n 1
arm-none-eabi-gcc --version | head -n 1
riscv64-unknown-elf-gcc --version | head -n 1
qemu-system-arm --version | head -n 1
em++ --version | head -n 1
node --version
chromium --version
clang --version | head -n 1
x86_64-w64-mingw32-g++-posix --version | head -n 1
/usr/lib/wine/wine64 --version
