# lockstep_add_library(): one library from folders of src/, with the kernels compiled once for each instruction set.

# What every file of ours is compiled with. No -ffast-math, no -march=native: bits depend on the source alone.
add_library(lockstep_flags INTERFACE)
target_compile_options(lockstep_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow $<$<BOOL:${LOCKSTEP_WERROR}>:-Werror>
  -fno-math-errno -fno-trapping-math -ffp-contract=off)
target_compile_definitions(lockstep_flags INTERFACE
  _GNU_SOURCE LK_VERSION="${PROJECT_VERSION}" $<$<BOOL:${LOCKSTEP_FLIP_GATE}>:LK_FLIP_GATE=1>)
if(LOCKSTEP_SANITIZE)
  set(sanitize -fsanitize=${LOCKSTEP_SANITIZE} -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_compile_options(lockstep_flags INTERFACE ${sanitize})
  target_link_options(lockstep_flags INTERFACE ${sanitize})
endif()

set(LOCKSTEP_ISAS portable)
set(LOCKSTEP_FLAGS_portable)
set(LOCKSTEP_FLAGS_avx2 -mavx2 -mfma)
set(LOCKSTEP_FLAGS_avx512 -mavx512f -mavx512dq -mavx512bw -mavx512vl -mfma -mprefer-vector-width=512)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  list(APPEND LOCKSTEP_ISAS avx2 avx512)
else()
  target_compile_definitions(lockstep_flags INTERFACE LK_ONLY_PORTABLE=1)
endif()

# A folder that includes a foreign header sees that library, no other folder does.
set(LOCKSTEP_USES_base PkgConfig::LOCKSTEP_FYAML lockstep_unistring)
set(LOCKSTEP_USES_math PkgConfig::LOCKSTEP_OPENBLAS)
set(LOCKSTEP_USES_comm MPI::MPI_C)
set(LOCKSTEP_USES_store PkgConfig::LOCKSTEP_HDF5 PkgConfig::LOCKSTEP_XXHASH PkgConfig::LOCKSTEP_NETTLE
    PkgConfig::LOCKSTEP_ZLIB)
set(LOCKSTEP_USES_train PkgConfig::LOCKSTEP_JANSSON)

# An object library `target` of `sources`; its objects are appended to the caller's list `objects`.
macro(lockstep_add_objects target sources defines uses)
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${sources})
  target_include_directories(${target} PRIVATE include src)
  target_compile_definitions(${target} PRIVATE ${defines})
  target_link_libraries(${target} PRIVATE lockstep_flags ${uses})
  list(APPEND objects $<TARGET_OBJECTS:${target}>)
endmacro()

# lockstep_add_library(NAME FOLDERS f... [STATIC] [EXCLUDE_FROM_ALL] [DEFINE X=1])
# An empty folder adds nothing, so the tree configures while it grows.
function(lockstep_add_library name)
  cmake_parse_arguments(arg "STATIC;EXCLUDE_FROM_ALL" "DEFINE" "FOLDERS" ${ARGN})
  set(objects)
  set(link)
  foreach(folder IN LISTS arg_FOLDERS)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/*.c)
    file(GLOB isa_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${folder}/isa/*.c
         ${PROJECT_SOURCE_DIR}/src/${folder}/cell_*.c)
    if(isa_sources)
      list(REMOVE_ITEM sources ${isa_sources})
      foreach(isa IN LISTS LOCKSTEP_ISAS)
        set(target ${name}_${folder}_${isa})
        lockstep_add_objects(${target} "${isa_sources}" "${arg_DEFINE};LK_ISA=${isa}" "")
        target_compile_options(${target} PRIVATE ${LOCKSTEP_FLAGS_${isa}})
      endforeach()
    endif()
    if(sources)
      lockstep_add_objects(${name}_${folder} "${sources}" "${arg_DEFINE}" "${LOCKSTEP_USES_${folder}}")
    endif()
    list(APPEND link ${LOCKSTEP_USES_${folder}})
  endforeach()
  if(NOT objects)
    file(WRITE ${PROJECT_BINARY_DIR}/empty.c "extern int lk_nothing_yet;\n")
    set(objects ${PROJECT_BINARY_DIR}/empty.c)
  endif()

  set(kind)
  if(arg_STATIC)
    set(kind STATIC)
  endif()
  add_library(${name} ${kind} ${objects})
  if(arg_EXCLUDE_FROM_ALL)
    set_target_properties(${name} PROPERTIES EXCLUDE_FROM_ALL TRUE)
  endif()
  set_target_properties(${name} PROPERTIES LINKER_LANGUAGE C)
  target_include_directories(${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_compile_definitions(${name} PUBLIC ${arg_DEFINE})
  target_link_libraries(${name} PRIVATE ${link} Threads::Threads m)
  if(LOCKSTEP_SANITIZE)
    target_link_options(${name} PUBLIC $<BUILD_INTERFACE:-fsanitize=${LOCKSTEP_SANITIZE}>)
  endif()
endfunction()
