# How every target of the project is compiled, and the functions the folders' CMakeLists use.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

find_program(MOLD_PROGRAM mold)
if(MOLD_PROGRAM AND NOT PENSTOCK_FUZZ)
  add_link_options(-fuse-ld=mold)
endif()

add_library(penstock_options INTERFACE)
target_include_directories(penstock_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(penstock_options INTERFACE
  -Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough
  -Wno-missing-field-initializers -fno-omit-frame-pointer
  $<$<CXX_COMPILER_ID:GNU>:-fcoroutines>)
# ccache sees through a precompiled header only if its time stamps do not matter; included by a path relative to the tree, it is the same in every
# clone of it.
target_compile_options(penstock_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
if(PENSTOCK_WERROR)
  # GCC 12 sees writes past the end inside std::string that are not there (GCC bugs 105329, 105651), and frames of coroutines freed that it thinks are
  # not on the heap; shown, but no error.
  target_compile_options(penstock_options INTERFACE -Werror
    $<$<CXX_COMPILER_ID:GNU>:-Wno-error=array-bounds;-Wno-error=restrict;-Wno-error=stringop-overflow;-Wno-error=stringop-overread;-Wno-error=free-nonheap-object>)
endif()
if(PENSTOCK_SANITIZE)
  add_compile_options(-fsanitize=${PENSTOCK_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PENSTOCK_SANITIZE})
  if(PENSTOCK_SANITIZE MATCHES "undefined")
    # Clang 14 cannot assemble coroutines with it ("cannot represent a difference across sections").
    add_compile_options($<$<CXX_COMPILER_ID:Clang>:-fno-sanitize=function>)
  endif()
  if(PENSTOCK_SANITIZE MATCHES "thread")
    # GCC warns that TSan does not model fences; ours are in libraries only.
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    # RocksDB would take our instrumented std::string for its own, and what it does with it under locks that TSan does not see would
    # look like races.
    add_link_options(-Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/tsan_exports.map)
  endif()
endif()
target_link_libraries(penstock_options INTERFACE Threads::Threads)

# penstock_library(<layer> LINK <targets...>): one static library from every .cc below the calling folder,
# files named main.cc and folders named in EXCLUDE aside.
function(penstock_library layer)
  cmake_parse_arguments(ARG "" "" "LINK;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  list(FILTER sources EXCLUDE REGEX "/main\\.cc$")
  foreach(pattern ${ARG_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX "${pattern}")
  endforeach()
  add_library(penstock_${layer} STATIC ${sources})
  target_link_libraries(penstock_${layer} PUBLIC penstock_options)
  foreach(library ${ARG_LINK})
    if(TARGET ${library})
      target_link_libraries(penstock_${layer} PUBLIC ${library})
    else()
      message(STATUS "penstock_${layer}: no ${library} yet")
    endif()
  endforeach()
  if(NOT PENSTOCK_FUZZ)
    target_precompile_headers(penstock_${layer} PRIVATE <cmake/pch.h>)
  endif()
endfunction()

# penstock_test(<name> SOURCES <globs relative to the caller> LINK <targets> LABELS <labels>)
# One GoogleTest program; it is one ctest entry, so that ctest's own start-up cost is paid once per folder.
function(penstock_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${ARG_SOURCES})
  if(NOT sources)
    message(FATAL_ERROR "penstock_test(${name}): no sources match ${ARG_SOURCES}")
  endif()
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} GTest::gmock GTest::gtest GTest::gtest_main)
  target_precompile_headers(${name} PRIVATE <cmake/test_pch.h>)
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
  # A disk that others keep busy makes the syncs of unit_store take minutes.
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 900)
  endif()
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT})
endfunction()

# penstock_fuzz(<name> <source> <corpus folder> LINK <targets>)
# With PENSTOCK_FUZZ a libFuzzer binary; otherwise a test that runs each file of the corpus once.
function(penstock_fuzz name source corpus)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  if(PENSTOCK_FUZZ)
    add_executable(${name} ${source})
    target_compile_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    target_link_libraries(${name} PRIVATE ${ARG_LINK})
    # scripts/fuzz reads which corpus is whose.
    file(APPEND ${CMAKE_BINARY_DIR}/corpora.txt "${name} ${corpus}\n")
  else()
    add_executable(${name} ${source} ${CMAKE_SOURCE_DIR}/tests/fuzz/run_corpus.cc)
    target_link_libraries(${name} PRIVATE ${ARG_LINK})
    add_test(NAME ${name} COMMAND ${name} ${corpus} WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(${name} PROPERTIES LABELS "unit;fuzz-corpus" TIMEOUT 120)
  endif()
endfunction()
