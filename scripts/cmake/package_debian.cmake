# Run by `cpack -G DEB` on what was installed for the packages, to make it what Debian's policy asks for: compressed manual
# pages, copyright and changelog of each package, zsh's completion in the folder of packages.
cmake_minimum_required(VERSION 3.22)
if(NOT CPACK_GENERATOR STREQUAL "DEB")
  return()
endif()
if(NOT "library" IN_LIST CPACK_COMPONENTS_ALL)
  message(FATAL_ERROR "cpack -G DEB packages a shared library: configure with the preset package, or BUILD_SHARED_LIBS=ON")
endif()

string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC) # that of SOURCE_DATE_EPOCH where it is set
set(version ${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})
file(READ ${CPACK_RESOURCE_FILE_LICENSE} license)
string(REGEX REPLACE "^[^\n]*\n\nCopyright \\(c\\) ([^\n]*)\n\n" "" license "${license}")
set(owner ${CMAKE_MATCH_1})
string(REGEX REPLACE "\n\n" "\n.\n" license "${license}")
string(REGEX REPLACE "\n(.)" "\n \\1" license "${license}")

foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} name)
  set(package ${CPACK_DEBIAN_${name}_PACKAGE_NAME})
  set(share ${CPACK_TEMPORARY_DIRECTORY}/${component}${CPACK_PACKAGING_INSTALL_PREFIX}/share)
  set(doc ${share}/doc/${package})
  file(WRITE ${doc}/copyright "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Lockstep\n\nFiles: *\nCopyright: ${owner}\nLicense: Expat\n ${license}")
  file(WRITE ${doc}/changelog.Debian "lockstep (${version}) unstable; urgency=medium

  * Made by cpack, for a repository of one's own.\n\n -- ${CPACK_PACKAGE_CONTACT}  ${date}\n")
  if(component STREQUAL "program")
    file(REMOVE ${doc}/LICENSE)
    file(RENAME ${doc}/CHANGELOG.md ${doc}/changelog)
    file(CREATE_LINK ../../lockstep/configs ${doc}/examples SYMBOLIC)
    file(RENAME ${share}/zsh/site-functions ${share}/zsh/vendor-completions)
  endif()
  file(GLOB plain ${share}/man/man1/*.1 ${doc}/changelog*)
  execute_process(COMMAND gzip -9nf ${plain} COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND chmod -R u=rwX,go=rX ${share} COMMAND_ERROR_IS_FATAL ANY)
endforeach()
