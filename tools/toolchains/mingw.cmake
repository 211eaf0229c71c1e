# Cross-compiles for Windows on x86-64 with Debian's MinGW; programs run under Wine.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(TARGET x86_64-w64-mingw32)
# Its other variant has no std::thread.
set(CMAKE_C_COMPILER ${TARGET}-gcc-posix)
set(CMAKE_CXX_COMPILER ${TARGET}-g++-posix)
set(CMAKE_RC_COMPILER ${TARGET}-windres)
set(CMAKE_CROSSCOMPILING_EMULATOR /usr/lib/wine/wine64)
# A program brings along what it needs of the compiler's libraries.
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)
set(CMAKE_SHARED_LINKER_FLAGS_INIT -static)
set(CMAKE_FIND_ROOT_PATH /usr/${TARGET})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
