# Default flags of release builds, for CMakeLists.txt before project(). Asserts stay, so no -DNDEBUG; -g1 gives a backtrace
# its function names and lines. What the user gives wins: -DCMAKE_C_FLAGS_RELEASE=... as a whole; of CFLAGS or
# -DCMAKE_C_FLAGS an optimization level and -g, which would otherwise be overridden by the defaults that follow them.

# lockstep_release_flags(LANGUAGE VARIABLE): the default of CMAKE_<LANGUAGE>_FLAGS_RELEASE beside the flags in the
# environment variable.
function(lockstep_release_flags language variable)
  set(name CMAKE_${language}_FLAGS_RELEASE)
  set(given " $ENV{${variable}} ${CMAKE_${language}_FLAGS} ")
  set(flags)
  if(NOT given MATCHES " -O")
    list(APPEND flags -O3)
  endif()
  if(NOT given MATCHES " -g(gdb)?[0-3]? ")
    list(APPEND flags -g1)
  endif()
  list(JOIN flags " " flags)
  # An older build folder has CMake's own default in its cache, known by its help text.
  get_property(help CACHE ${name} PROPERTY HELPSTRING)
  set(force)
  if(help MATCHES "^Flags used by the ")
    set(force FORCE)
  endif()
  set(${name} "${flags}" CACHE STRING "Flags of release builds" ${force})
endfunction()

lockstep_release_flags(C CFLAGS)
lockstep_release_flags(CXX CXXFLAGS)
