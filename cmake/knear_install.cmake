# cmake --install: headers, the library, and what find_package(knear CONFIG) reads. Included by src/CMakeLists.txt.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set_target_properties(knear PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
if(BUILD_SHARED_LIBS)
  set_target_properties(knear PROPERTIES CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF)
endif()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/knear)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/knearConfig.cmake.in ${PROJECT_BINARY_DIR}/knearConfig.cmake
  INSTALL_DESTINATION ${package_dir})
# Until 1.0 a new minor version may change what callers see.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/knearConfigVersion.cmake COMPATIBILITY SameMinorVersion)

install(TARGETS knear EXPORT knearTargets COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/knear TYPE INCLUDE COMPONENT development)
install(EXPORT knearTargets NAMESPACE knear:: DESTINATION ${package_dir} COMPONENT development)
install(FILES ${PROJECT_BINARY_DIR}/knearConfig.cmake ${PROJECT_BINARY_DIR}/knearConfigVersion.cmake
  DESTINATION ${package_dir} COMPONENT development)
