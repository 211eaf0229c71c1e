# The passes of training, which the Python module has beside the engine.
set(TRAINING native/src/training)
file(GLOB PASSES CONFIGURE_DEPENDS
  ${TRAINING}/*.cpp ${TRAINING}/dots/*.cpp ${TRAINING}/gradients/*.cpp ${TRAINING}/scalar/*.cpp)
add_library(signbit_training STATIC ${PASSES})
target_include_directories(signbit_training PRIVATE native/src)
target_link_libraries(signbit_training PUBLIC signbit_core PRIVATE ${CMAKE_DL_LIBS})
target_compile_options(signbit_training PRIVATE
  -ffp-contract=off -fvisibility=hidden -Wall -Wextra)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64|amd64")
  target_sources(signbit_training PRIVATE
    ${TRAINING}/avx2/gradients.cpp
    ${TRAINING}/avx2/pointwise.cpp
    ${TRAINING}/avx512/gradients.cpp
    ${TRAINING}/avx512/pointwise.cpp
    ${TRAINING}/avx512bf16/gradients.cpp)
  set_source_files_properties(${TRAINING}/avx2/gradients.cpp ${TRAINING}/avx2/pointwise.cpp PROPERTIES
    COMPILE_OPTIONS "${AVX2}")
  set_source_files_properties(${TRAINING}/avx512/gradients.cpp ${TRAINING}/avx512/pointwise.cpp
    PROPERTIES COMPILE_OPTIONS "${AVX512}")
  set_source_files_properties(${TRAINING}/avx512bf16/gradients.cpp PROPERTIES
    COMPILE_OPTIONS "${AVX512};-mavx512bf16")
endif()
