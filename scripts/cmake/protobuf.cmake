# Protocol Buffers: src/<folder>/<name>.proto becomes <name>.pb-c.h, which the sources of that folder include in angle
# brackets (tests/arrows.sh says which file), and C that is compiled without the flags and checks of our own sources.
find_program(LOCKSTEP_PROTOC NAMES protoc-c)
mark_as_advanced(LOCKSTEP_PROTOC)
if(NOT LOCKSTEP_PROTOC)
  list(APPEND lockstep_missing "protoc-c of protobuf-c")
endif()

# lockstep_add_messages(target folder files): objects lockstep_messages_<folder> from the .proto files of a folder, made
# once, and their headers for `target`, which is compiled after they are generated.
function(lockstep_add_messages target folder files)
  set(objects lockstep_messages_${folder})
  set(directory ${PROJECT_BINARY_DIR}/messages/${folder})
  if(NOT TARGET ${objects})
    set(sources)
    foreach(file IN LISTS files)
      get_filename_component(name ${file} NAME_WE)
      add_custom_command(OUTPUT ${directory}/${name}.pb-c.c ${directory}/${name}.pb-c.h
        COMMAND ${CMAKE_COMMAND} -E make_directory ${directory}
        COMMAND ${LOCKSTEP_PROTOC} --proto_path=${PROJECT_SOURCE_DIR}/src/${folder} --c_out=${directory} ${file}
        DEPENDS ${file} VERBATIM)
      list(APPEND sources ${directory}/${name}.pb-c.c ${directory}/${name}.pb-c.h)
    endforeach()
    add_library(${objects} OBJECT EXCLUDE_FROM_ALL ${sources})
    target_include_directories(${objects} PRIVATE ${directory})
    target_link_libraries(${objects} PRIVATE PkgConfig::LOCKSTEP_PROTOBUF_C)
    set_target_properties(${objects} PROPERTIES C_VISIBILITY_PRESET hidden)
  endif()
  target_include_directories(${target} SYSTEM PRIVATE ${directory})
  target_link_libraries(${target} PRIVATE PkgConfig::LOCKSTEP_PROTOBUF_C)
  add_dependencies(${target} ${objects})
endfunction()
