# libsignbit for C and C++ programs, static and shared, with a CMake package and pkg-config:
# `cmake --install FOLDER --component library`. Beside the Python module, which does without, the
# shared library is built only when it is asked for.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# Everything is compiled once: the shared library is made of the static one.
file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/empty.cpp "")
add_library(signbit_shared SHARED ${CMAKE_CURRENT_BINARY_DIR}/empty.cpp)
add_dependencies(signbit_shared signbit_core)
set(MAP ${CMAKE_CURRENT_SOURCE_DIR}/native/signbit.map)
if(APPLE)
  # What it shows is what is not hidden.
  target_link_libraries(signbit_shared PRIVATE
    -Wl,-force_load,$<TARGET_FILE:signbit_core> Threads::Threads)
  target_link_options(signbit_shared PRIVATE -Wl,-dead_strip)
else()
  target_link_libraries(signbit_shared PRIVATE
    -Wl,--whole-archive $<TARGET_FILE:signbit_core> -Wl,--no-whole-archive Threads::Threads)
  target_link_options(signbit_shared PRIVATE -Wl,--gc-sections -Wl,--version-script=${MAP})
endif()
set_target_properties(signbit_shared PROPERTIES
  OUTPUT_NAME signbit EXPORT_NAME shared VERSION ${PROJECT_VERSION} SOVERSION 1
  LINK_DEPENDS "${MAP};$<TARGET_FILE:signbit_core>")

if(WIN32)
  set_target_properties(signbit_shared PROPERTIES PREFIX "")  # signbit.dll
endif()
if(SIGNBIT_PYTHON)
  set_target_properties(signbit_shared PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
set_target_properties(signbit_core PROPERTIES OUTPUT_NAME signbit EXPORT_NAME static)
foreach(target signbit_core signbit_shared)
  target_include_directories(${target}
    INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
endforeach()

set(PACKAGE ${CMAKE_INSTALL_LIBDIR}/cmake/signbit)
set(CONFIG ${CMAKE_CURRENT_BINARY_DIR}/signbit-config.cmake)
set(CONFIG_VERSION ${CMAKE_CURRENT_BINARY_DIR}/signbit-config-version.cmake)
file(WRITE ${CONFIG} "include(CMakeFindDependencyMacro)
find_dependency(Threads)
include(\${CMAKE_CURRENT_LIST_DIR}/signbit-targets.cmake)
")
write_basic_package_version_file(${CONFIG_VERSION} COMPATIBILITY SameMinorVersion)
# The folder that it is installed into is only known afterwards, so the file finds it from its own.
file(RELATIVE_PATH PREFIX_FROM_PC /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(native/signbit.pc.in signbit.pc @ONLY)
install(TARGETS signbit_core signbit_shared EXPORT signbit COMPONENT library
  LIBRARY NAMELINK_COMPONENT library)
install(EXPORT signbit NAMESPACE signbit:: FILE signbit-targets.cmake DESTINATION ${PACKAGE}
  COMPONENT library)
install(FILES ${CONFIG} ${CONFIG_VERSION} DESTINATION ${PACKAGE} COMPONENT library)
install(FILES native/include/signbit.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT library)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/signbit.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT library)
