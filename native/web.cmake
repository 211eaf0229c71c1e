# The engine for browsers, as two files without JavaScript of Emscripten's: with SIMD128, and
# without for browsers that lack it. `cmake --install FOLDER --component web`.
file(GLOB WEB CONFIGURE_DEPENDS native/hosts/web/*.cpp)
add_executable(signbit_web_scalar ${WEB})
# Its own dispatch takes the place of the library's.
add_executable(signbit_web ${WEB} ${KERNELS}/wasm/kernels.cpp native/src/cpu/dispatch.cpp)
target_compile_definitions(signbit_web PRIVATE SIGNBIT_WASM_KERNELS)
# All else is -Os, with which Emscripten forbids inlining.
set_source_files_properties(${KERNELS}/wasm/kernels.cpp PROPERTIES
  COMPILE_OPTIONS "-O2;-finline-functions;-msimd128")
set_target_properties(signbit_web PROPERTIES OUTPUT_NAME signbit)
set_target_properties(signbit_web_scalar PROPERTIES OUTPUT_NAME signbit-scalar)

foreach(target signbit_web signbit_web_scalar)
  set_target_properties(${target} PROPERTIES SUFFIX .wasm)
  target_include_directories(${target} PRIVATE native/src)
  target_compile_options(${target} PRIVATE -ffp-contract=off -fvisibility=hidden -Wall -Wextra)
  target_link_libraries(${target} PRIVATE signbit_core)
  # The stack comes first, so that one that overflows traps instead of overwriting data.
  target_link_options(${target} PRIVATE -Os --no-entry -sSTANDALONE_WASM -sMALLOC=emmalloc
    -sALLOW_MEMORY_GROWTH -sINITIAL_MEMORY=2097152 -sMAXIMUM_MEMORY=2147483648
    -sTOTAL_STACK=524288 -sERROR_ON_UNDEFINED_SYMBOLS=0 -sWARN_ON_UNDEFINED_SYMBOLS=0
    -Wl,--stack-first)
  install(FILES $<TARGET_FILE:${target}> DESTINATION . COMPONENT web)
endforeach()
