# SPDX-License-Identifier: Apache-2.0
# find_package(lvt) gives lvt::lvt, the shared library, and lvt::static.
get_filename_component(_lvt_prefix "${CMAKE_CURRENT_LIST_DIR}/@UP@" ABSOLUTE)
if(NOT TARGET lvt::lvt)
  add_library(lvt::lvt SHARED IMPORTED)
  set_target_properties(lvt::lvt PROPERTIES
    IMPORTED_LOCATION "${_lvt_prefix}/@LIBDIR@/liblvt.so.@VERSION@"
    IMPORTED_SONAME "liblvt.so.@MAJOR@"
    INTERFACE_INCLUDE_DIRECTORIES "${_lvt_prefix}/include")
  add_library(lvt::static STATIC IMPORTED)
  set_target_properties(lvt::static PROPERTIES
    IMPORTED_LOCATION "${_lvt_prefix}/@LIBDIR@/liblvt.a"
    INTERFACE_LINK_LIBRARIES m
    INTERFACE_INCLUDE_DIRECTORIES "${_lvt_prefix}/include")
endif()
unset(_lvt_prefix)
