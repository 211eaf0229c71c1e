# Compiles for browsers with Emscripten; tests run in node.
set(EMSCRIPTEN_ROOT_PATH /usr/share/emscripten CACHE PATH "The folder of emcc.py")
set(EMSCRIPTEN_SYSTEM_PROCESSOR wasm32)
include(${EMSCRIPTEN_ROOT_PATH}/cmake/Modules/Platform/Emscripten.cmake)
