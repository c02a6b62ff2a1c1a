# What `cmake --install` puts where: the program, the library with its headers, lockstep.pc, the CMake package, configs.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)

install(TARGETS lockstep EXPORT lockstepTargets)
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep OPTIONAL)

set(lockstep_with_sentencepiece OFF)
if(TARGET lockstep_sentencepiece)
  set(lockstep_with_sentencepiece ON)
endif()
install(EXPORT lockstepTargets NAMESPACE lockstep:: DESTINATION ${package_dir})
configure_package_config_file(scripts/cmake/lockstepConfig.cmake.in lockstepConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(lockstepConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lockstepConfig.cmake ${PROJECT_BINARY_DIR}/lockstepConfigVersion.cmake
  scripts/cmake/dependencies.cmake DESTINATION ${package_dir})

# A static library needs its dependencies named on every link; a shared one carries them.
list(JOIN lockstep_pc_requires " " pc_requires)
list(JOIN lockstep_pc_libs " " pc_libs)
if(BUILD_SHARED_LIBS)
  set(pc_lines "Libs: -L\${libdir} -llockstep\nRequires.private: ${pc_requires}\nLibs.private: ${pc_libs} -lpthread -lm")
else()
  set(pc_lines "Libs: -L\${libdir} -llockstep ${pc_libs} -lpthread -lm\nRequires: ${pc_requires}")
endif()
configure_file(scripts/cmake/lockstep.pc.in lockstep.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lockstep.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
