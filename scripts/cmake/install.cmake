# What `cmake --install` puts where: the program and the scripts that restart it, the public library with its headers,
# lockstep.pc, the CMake package, configurations, documents. Each belongs to a component, which becomes a package of its
# own (package.cmake): program, where nothing else is said, library or development.
include(CMakePackageConfigHelpers)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME program)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lockstep)

install(TARGETS lockstep_program)
install(PROGRAMS scripts/lockstep-supervise TYPE BIN)
install(PROGRAMS scripts/lockstep.sbatch DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep)
install(FILES README.md CHANGELOG.md LICENSE TYPE DOC)
set(completion ${PROJECT_SOURCE_DIR}/scripts/completion)
install(FILES ${completion}/lockstep.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME lockstep)
install(FILES ${completion}/_lockstep DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${completion}/lockstep.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/lockstep OPTIONAL)
include(scripts/cmake/man.cmake)

install(TARGETS lockstep EXPORT lockstepTargets LIBRARY COMPONENT library NAMELINK_COMPONENT development
  ARCHIVE COMPONENT development)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
install(DIRECTORY include/lockstep DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})

# A shared library carries its dependencies, a static one needs them named on every link.
set(lockstep_with_sentencepiece OFF)
if(TARGET lockstep_sentencepiece)
  set(lockstep_with_sentencepiece ON)
endif()
set(lockstep_is_static ON)
if(BUILD_SHARED_LIBS)
  set(lockstep_is_static OFF)
endif()
install(EXPORT lockstepTargets NAMESPACE lockstep:: DESTINATION ${package_dir})
configure_package_config_file(scripts/cmake/lockstepConfig.cmake.in lockstepConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(lockstepConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lockstepConfig.cmake ${PROJECT_BINARY_DIR}/lockstepConfigVersion.cmake
  DESTINATION ${package_dir})
if(lockstep_is_static)
  install(FILES scripts/cmake/dependencies.cmake DESTINATION ${package_dir})
endif()

list(JOIN lockstep_pc_requires " " pc_requires)
list(JOIN lockstep_pc_libs " " pc_libs)
if(lockstep_is_static)
  set(pc_lines "Libs: -L\${libdir} -llockstep ${pc_libs} -lpthread -lm\nRequires: ${pc_requires}")
else()
  set(pc_lines "Libs: -L\${libdir} -llockstep")
endif()
# Relative to where the file lies, so that an installed tree can be moved.
set(pc_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(PREPEND pc_prefix "\${pcfiledir}/")
endif()
configure_file(scripts/cmake/lockstep.pc.in lockstep.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lockstep.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
