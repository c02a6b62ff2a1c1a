# The manual pages: lockstep(1), one for each command, lockstep-supervise(1). Commands, options and settings come from the
# program's help texts, so a program must run here: when cross-compiling LOCKSTEP_NATIVE, else the one that is built.
set(LOCKSTEP_NATIVE "" CACHE FILEPATH "A lockstep of this version for this machine, to make the manual when cross-compiling")
mark_as_advanced(LOCKSTEP_NATIVE)
if(LOCKSTEP_NATIVE)
  set(man_program ${LOCKSTEP_NATIVE})
elseif(CMAKE_CROSSCOMPILING OR NOT TARGET lockstep_program)
  return()
else()
  set(man_program $<TARGET_FILE:lockstep_program>)
endif()
file(GLOB man_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scripts/man/*)
add_custom_command(OUTPUT man/lockstep.1
  COMMAND ${PROJECT_SOURCE_DIR}/scripts/man/generate ${man_program} man
  DEPENDS lockstep_program ${man_sources} VERBATIM)
add_custom_target(lockstep_manual ALL DEPENDS man/lockstep.1)
install(DIRECTORY ${PROJECT_BINARY_DIR}/man/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
