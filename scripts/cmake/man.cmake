# The manual page lockstep(1). Its options and settings come from the program's help texts, so the program must run here.
if(CMAKE_CROSSCOMPILING OR NOT TARGET lockstep_program)
  return()
endif()
set(man_folder ${PROJECT_SOURCE_DIR}/scripts/man)
add_custom_command(OUTPUT lockstep.1
  COMMAND ${man_folder}/generate $<TARGET_FILE:lockstep_program> ${man_folder}/lockstep.1.in lockstep.1
  DEPENDS lockstep_program ${man_folder}/generate ${man_folder}/lockstep.1.in VERBATIM)
add_custom_target(lockstep_manual ALL DEPENDS lockstep.1)
install(FILES ${PROJECT_BINARY_DIR}/lockstep.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
