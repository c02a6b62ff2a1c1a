# Packages: `cpack -G DEB` makes lockstep (the program), liblockstep0.1 (the shared library) and liblockstep-dev; `cpack -G
# TGZ` one archive of everything. The preset `package` configures for them. They are for repositories of one's own:
# packages of Debian itself are built in another way.
set(maintainer "Lockstep packages <root@localhost>") # as for Debian's own tools: DEBFULLNAME and DEBEMAIL
if(NOT "$ENV{DEBEMAIL}" STREQUAL "")
  set(maintainer "$ENV{DEBFULLNAME} <$ENV{DEBEMAIL}>")
endif()
set(LOCKSTEP_MAINTAINER ${maintainer} CACHE STRING "Who answers for the packages: Name <address>")
set(CPACK_PACKAGE_CONTACT ${LOCKSTEP_MAINTAINER})
set(CPACK_PACKAGE_VENDOR "The Lockstep authors")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_THREADS 0)
set(CPACK_VERBATIM_VARIABLES ON)
set(CPACK_COMPONENTS_ALL program development)
if(BUILD_SHARED_LIBS)
  list(APPEND CPACK_COMPONENTS_ALL library)
endif()
set(CPACK_ARCHIVE_COMPONENT_INSTALL OFF)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/scripts/cmake/package_debian.cmake)
set(words "Lockstep trains recurrent neural networks that classify sequences, tag the
words of sentences, model language or translate, on one host or on a cluster,
and answers with the trained models. The weights depend on configuration, seed
and corpus, but neither on the number of processes nor on interruptions.
")

# lockstep_package(COMPONENT name section words)
function(lockstep_package component name section words)
  set(prefix CPACK_DEBIAN_${component}_)
  set(${prefix}PACKAGE_NAME ${name} PARENT_SCOPE)
  set(${prefix}PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(${prefix}DESCRIPTION "${words}" PARENT_SCOPE)
endfunction()

set(library liblockstep${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
lockstep_package(PROGRAM lockstep science "${words}
This package has the program, its manual and commented configurations.")
lockstep_package(LIBRARY ${library} libs "${words}
This package has the library that other programs train and predict with.")
lockstep_package(DEVELOPMENT liblockstep-dev libdevel "${words}
This package has what is needed to build programs with the library.")
# What dpkg-shlibdeps and ldconfig need to know of the library; cpack's own way has scripts call ldconfig.
set(soversion ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
file(WRITE ${PROJECT_BINARY_DIR}/debian/shlibs "liblockstep ${soversion} ${library} (>= ${PROJECT_VERSION})\n")
file(WRITE ${PROJECT_BINARY_DIR}/debian/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${PROJECT_BINARY_DIR}/debian/shlibs
  ${PROJECT_BINARY_DIR}/debian/triggers)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS
  "${library} (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
# `mpirun`, without which there is one process
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "openmpi-bin")
if(lockstep_mpi STREQUAL "mpich")
  set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "mpich")
endif()
set(CPACK_DEBIAN_PROGRAM_PACKAGE_SUGGESTS "hdf5-tools")
include(CPack)
