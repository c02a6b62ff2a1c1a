# lockstep_add_library(): a static library of folders of src/, with the kernels compiled once for each instruction set.
# The program and the tests link it. lockstep_add_public_library(): the one that is installed, from the same objects.

# Flags of all source files. No -ffast-math, no -march=native: bits depend on the source alone.
add_library(lockstep_flags INTERFACE)
target_compile_options(lockstep_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${LOCKSTEP_WERROR}>:-Werror>
  -fno-math-errno -fno-trapping-math -ffp-contract=off)
target_compile_definitions(lockstep_flags INTERFACE
  _GNU_SOURCE LK_VERSION="${PROJECT_VERSION}")

# The commit of this source, where git or the archive knows it; a new commit configures again. Only version.c is compiled
# with it.
execute_process(COMMAND git rev-parse --short=12 HEAD WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
execute_process(COMMAND git rev-parse --path-format=absolute --git-path logs/HEAD WORKING_DIRECTORY
  ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE commits OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(EXISTS "${commits}")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${commits}")
else()
  # `git archive`, which makes the archives of a release, writes the commit into this file (.gitattributes).
  file(STRINGS ${PROJECT_SOURCE_DIR}/scripts/cmake/commit.txt commit LIMIT_COUNT 1 LIMIT_INPUT 12)
endif()
if(commit MATCHES "^[0-9a-f]+$")
  set_property(SOURCE ${PROJECT_SOURCE_DIR}/src/base/version.c APPEND PROPERTY COMPILE_DEFINITIONS
    LK_COMMIT="${commit}")
endif()
if(LOCKSTEP_SANITIZE)
  set(sanitize -fsanitize=${LOCKSTEP_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_compile_options(lockstep_flags INTERFACE ${sanitize})
  target_compile_definitions(lockstep_flags INTERFACE LK_SANITIZED=1)
  target_link_options(lockstep_flags INTERFACE ${sanitize})
endif()

set(LOCKSTEP_ISAS portable blas)
set(LOCKSTEP_FLAGS_portable)
set(LOCKSTEP_FLAGS_avx2 -mavx2 -mfma)
set(LOCKSTEP_FLAGS_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
set(LOCKSTEP_FLAGS_avx512bf16 ${LOCKSTEP_FLAGS_avx512} -mavx512bf16 -mamx-tile -mamx-bf16)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  list(APPEND LOCKSTEP_ISAS avx2 avx512 avx512bf16)
else()
  target_compile_definitions(lockstep_flags INTERFACE LK_ONLY_PORTABLE=1)
endif()

# Dependencies between folders: a folder of src/ is compiled with its own include directory and those of the folders
# listed here, so the compiler finds no other header. tests/arrows.sh compares this table with ARCHITECTURE.md.
set(LOCKSTEP_SEES_base)
set(LOCKSTEP_SEES_math base)
set(LOCKSTEP_SEES_comm base)
set(LOCKSTEP_SEES_store base)
set(LOCKSTEP_SEES_data base store)
set(LOCKSTEP_SEES_nn base math)
set(LOCKSTEP_SEES_metrics base store data)
set(LOCKSTEP_SEES_task base math store data nn metrics)
set(LOCKSTEP_SEES_infer base math comm store data nn metrics task)
set(LOCKSTEP_SEES_train base math comm store data nn metrics task infer)
set(LOCKSTEP_SEES_exchange base math comm store data nn metrics task infer)
set(LOCKSTEP_SEES_doctor base math comm store)
set(LOCKSTEP_SEES_report base math comm store data nn metrics task infer)
set(LOCKSTEP_SEES_api include base math comm store data nn metrics task infer train exchange)
set(LOCKSTEP_SEES_cli base math comm store data nn metrics task infer train exchange doctor report)

# lockstep_include_folders(target folders...): the include directories of these folders of src/; of `include`, that one.
function(lockstep_include_folders target)
  list(TRANSFORM ARGN PREPEND ${PROJECT_SOURCE_DIR}/src/ OUTPUT_VARIABLE directories)
  list(TRANSFORM directories REPLACE /src/include$ /include)
  target_include_directories(${target} PRIVATE ${directories})
endfunction()

# Libraries that a folder is compiled with. tests/arrows.sh says which files may include their headers.
set(LOCKSTEP_USES_base PkgConfig::LOCKSTEP_FYAML lockstep_unistring)
set(LOCKSTEP_USES_math PkgConfig::LOCKSTEP_OPENBLAS)
set(LOCKSTEP_USES_comm MPI::MPI_C)
set(LOCKSTEP_USES_store lockstep_hdf5 PkgConfig::LOCKSTEP_XXHASH PkgConfig::LOCKSTEP_NETTLE
    PkgConfig::LOCKSTEP_ZLIB)
set(LOCKSTEP_USES_data PkgConfig::LOCKSTEP_ARCHIVE PkgConfig::LOCKSTEP_ZLIB)
set(LOCKSTEP_USES_train PkgConfig::LOCKSTEP_JANSSON)
set(LOCKSTEP_USES_exchange PkgConfig::LOCKSTEP_JANSSON)
set(LOCKSTEP_USES_report PkgConfig::LOCKSTEP_JANSSON)
if(TARGET lockstep_sentencepiece) # the only C++ file: it wraps SentencePiece
  enable_language(CXX)
  set(CMAKE_CXX_STANDARD 17)
  list(APPEND LOCKSTEP_USES_data lockstep_sentencepiece)
  set(LOCKSTEP_MORE_data src/data/sentencepiece.cc)
endif()

# An object library `target` of `sources` of a folder. Every symbol is hidden but those marked LOCKSTEP_API (src/api).
function(lockstep_add_objects target folder sources defines uses)
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${sources})
  lockstep_include_folders(${target} ${folder} ${LOCKSTEP_SEES_${folder}})
  target_compile_definitions(${target} PRIVATE ${defines})
  target_link_libraries(${target} PRIVATE lockstep_flags ${uses})
  set_target_properties(${target} PROPERTIES C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
endfunction()

# lockstep_add_library(NAME FOLDERS f... [EXCLUDE_FROM_ALL] [DEFINE X=1] [CELLS folder of more cells])
function(lockstep_add_library name)
  cmake_parse_arguments(arg "EXCLUDE_FROM_ALL" "DEFINE;CELLS" "FOLDERS" ${ARGN})
  set(objects)
  set(link)
  foreach(folder IN LISTS arg_FOLDERS)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.c)
    file(GLOB isa_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/isa/*.c
         ${PROJECT_SOURCE_DIR}/src/${folder}/cell_*.c)
    if(folder STREQUAL "nn" AND arg_CELLS)
      file(GLOB more_cells CONFIGURE_DEPENDS ${arg_CELLS}/cell_*.c)
      list(APPEND isa_sources ${more_cells})
    endif()
    if(isa_sources)
      list(REMOVE_ITEM sources ${isa_sources})
      foreach(isa IN LISTS LOCKSTEP_ISAS)
        set(target ${name}_${folder}_${isa})
        lockstep_add_objects(${target} ${folder} "${isa_sources}" "${arg_DEFINE};LK_ISA=${isa}" "")
        target_compile_options(${target} PRIVATE ${LOCKSTEP_FLAGS_${isa}})
        list(APPEND objects $<TARGET_OBJECTS:${target}>)
      endforeach()
    endif()
    lockstep_add_objects(${name}_${folder} ${folder} "${sources};${LOCKSTEP_MORE_${folder}}" "${arg_DEFINE}"
      "${LOCKSTEP_USES_${folder}}")
    list(APPEND objects $<TARGET_OBJECTS:${name}_${folder}>)
    file(GLOB messages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.proto)
    if(messages)
      lockstep_add_messages(${name}_${folder} ${folder} "${messages}")
      list(APPEND objects $<TARGET_OBJECTS:lockstep_messages_${folder}>)
      list(APPEND link PkgConfig::LOCKSTEP_PROTOBUF_C)
    endif()
    list(APPEND link ${LOCKSTEP_USES_${folder}})
  endforeach()

  add_library(${name} STATIC ${objects})
  if(arg_EXCLUDE_FROM_ALL)
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  target_compile_definitions(${name} PUBLIC ${arg_DEFINE})
  target_link_libraries(${name} PRIVATE ${link} Threads::Threads m)
  if(LOCKSTEP_SANITIZE)
    target_link_options(${name} PUBLIC $<BUILD_INTERFACE:-fsanitize=${LOCKSTEP_SANITIZE}>)
  endif()
endfunction()

# lockstep_add_public_library(NAME INTERNAL): the library of include/lockstep, static or shared (BUILD_SHARED_LIBS), from
# src/api and the static library INTERNAL. Both kinds define the symbols lockstep_* and no other: a shared one by its
# version script; a static one is a single object, linked beforehand, in which all other symbols are local. Groups of C++
# (inline functions) become ordinary sections there, or a linker would drop those that a program defines too.
function(lockstep_add_public_library name internal)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/api/*.c)
  lockstep_add_objects(${name}_api api "${sources}" "" "${LOCKSTEP_USES_api}")
  set(script ${PROJECT_SOURCE_DIR}/scripts/cmake/lockstep.map)
  if(BUILD_SHARED_LIBS)
    add_library(${name} SHARED $<TARGET_OBJECTS:${name}_api>)
    target_link_libraries(${name} PRIVATE ${internal})
    target_link_options(${name} PRIVATE -Wl,--version-script=${script})
    set_target_properties(${name} PROPERTIES LINK_DEPENDS ${script})
  else()
    set(object ${PROJECT_BINARY_DIR}/${name}.o)
    separate_arguments(flags UNIX_COMMAND "${CMAKE_C_FLAGS}")
    if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
      list(APPEND flags -flinker-output=nolto-rel)
    endif()
    add_custom_command(OUTPUT ${object} DEPENDS ${name}_api $<TARGET_OBJECTS:${name}_api> ${internal}
      COMMAND ${CMAKE_C_COMPILER} ${flags} -r -nostdlib -Wl,--force-group-allocation $<TARGET_OBJECTS:${name}_api>
        -Wl,--whole-archive $<TARGET_FILE:${internal}> -Wl,--no-whole-archive -o ${object}
      COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=lockstep_* ${object}
      COMMAND_EXPAND_LISTS VERBATIM)
    add_library(${name} STATIC ${object})
    get_target_property(link ${internal} LINK_LIBRARIES)
    target_link_libraries(${name} PRIVATE ${link})
  endif()
  target_include_directories(${name} INTERFACE $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    BUILD_WITH_INSTALL_RPATH ON INSTALL_RPATH_USE_LINK_PATH ON)
endfunction()
