# Compiles with the clang of PyPI's ziglang: for Linux with glibc 2.28 and newer, which
# manylinux_2_28 asks for, or with CMAKE_SYSTEM_NAME=Darwin for macOS 11 and newer on 64-bit Arm. Its
# C++ library is linked in. CMAKE_SYSTEM_PROCESSOR of a Linux and SIGNBIT_ZIG, the path of zig, come
# with the command.
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES
  CMAKE_SYSTEM_NAME CMAKE_SYSTEM_PROCESSOR SIGNBIT_ZIG)
if(CMAKE_SYSTEM_NAME STREQUAL "Darwin")
  set(CMAKE_SYSTEM_PROCESSOR arm64)
  set(TARGET aarch64-macos.11.0)
  set(CMAKE_INSTALL_NAME_TOOL ${CMAKE_COMMAND} -E true)  # a library keeps the name that it has
else()
  set(CMAKE_SYSTEM_NAME Linux)
  set(TARGET ${CMAKE_SYSTEM_PROCESSOR}-linux-gnu.2.28)
  set(CMAKE_MODULE_LINKER_FLAGS_INIT -s)  # the machine's own strip knows no other machine
endif()
set(CMAKE_C_COMPILER ${SIGNBIT_ZIG} cc -target ${TARGET} -g0)
set(CMAKE_CXX_COMPILER ${SIGNBIT_ZIG} c++ -target ${TARGET} -g0)
foreach(language C CXX)
  set(CMAKE_${language}_ARCHIVE_CREATE "${SIGNBIT_ZIG} ar qc <TARGET> <LINK_FLAGS> <OBJECTS>")
  set(CMAKE_${language}_ARCHIVE_FINISH "${SIGNBIT_ZIG} ranlib <TARGET>")
endforeach()
