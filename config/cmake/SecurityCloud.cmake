# SPDX-License-Identifier: BSD-3-Clause
# Helpers of this project's build: warnings, dependencies with a reason, plugins, tests.

# Sets a build type when the user gave none.
function(sc_default_build_type type)
    if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
        set(CMAKE_BUILD_TYPE ${type} CACHE STRING "Build type" FORCE)
    endif()
endfunction()

# One interface target carries the language level, warnings and sanitizers of every target here.
macro(sc_define_project_options)
    set(CMAKE_C_STANDARD 11)
    set(CMAKE_C_STANDARD_REQUIRED ON)
    set(CMAKE_C_EXTENSIONS OFF)
    set(CMAKE_C_VISIBILITY_PRESET hidden)
    set(CMAKE_POSITION_INDEPENDENT_CODE ON)
    set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

    add_library(project_options INTERFACE)
    target_compile_definitions(project_options INTERFACE _GNU_SOURCE)
    target_compile_options(
        project_options INTERFACE -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                                  -Wpointer-arith -Wformat=2 -Wvla)
    if(WERROR)
        target_compile_options(project_options INTERFACE -Werror)
    endif()
    if(SANITIZE)
        target_compile_options(project_options INTERFACE -fsanitize=${SANITIZE} -fno-omit-frame-pointer
                                                         -fno-sanitize-recover=all)
        target_link_options(project_options INTERFACE -fsanitize=${SANITIZE})
    endif()
    if(BUILD_FUZZERS)
        # Lets libFuzzer see which branches of the libraries an input takes.
        target_compile_options(project_options INTERFACE -fsanitize=fuzzer-no-link)
    endif()
    if(CODE_COVERAGE)
        target_compile_options(project_options INTERFACE --coverage -O0)
        target_link_options(project_options INTERFACE --coverage)
    endif()
endmacro()

# Remembers a line of the summary: sc_report(NAME FOUND "what for" "why it is off").
function(sc_report name found purpose why_off)
    if(found)
        set(line "  on   ${name}: ${purpose}")
    else()
        set(line "  off  ${name}: ${purpose} (${why_off})")
    endif()
    set_property(GLOBAL APPEND PROPERTY SC_SUMMARY "${line}")
endfunction()

# Finds a pkg-config module as target PkgConfig::PREFIX; stops the configuration when it is missing.
macro(sc_require_pkg prefix module purpose)
    pkg_check_modules(${prefix} IMPORTED_TARGET ${module})
    sc_report("${module}" "${${prefix}_FOUND}" "${purpose}" "required")
    if(NOT ${prefix}_FOUND)
        message(FATAL_ERROR "${module} is required (${purpose}); its development package was not found")
    endif()
endmacro()

# The same for a part that may be missing.
macro(sc_optional_pkg prefix module purpose)
    pkg_check_modules(${prefix} QUIET IMPORTED_TARGET ${module})
    sc_report("${module}" "${${prefix}_FOUND}" "${purpose}" "pkg-config does not find ${module}")
endmacro()

function(sc_print_summary)
    get_property(lines GLOBAL PROPERTY SC_SUMMARY)
    message(STATUS "")
    message(STATUS "SecurityCloud flow collector ${PROJECT_VERSION}, ${CMAKE_BUILD_TYPE}, "
                   "${CMAKE_C_COMPILER_ID} ${CMAKE_C_COMPILER_VERSION}")
    message(STATUS "  prefix ${CMAKE_INSTALL_PREFIX}; sanitizers '${SANITIZE}'; fuzzers ${BUILD_FUZZERS}")
    foreach(line IN LISTS lines)
        message(STATUS "${line}")
    endforeach()
    message(STATUS "")
endfunction()

# An installed program finds libnf in the tree it is in, which may have been moved.
function(sc_find_libraries_beside target)
    file(RELATIVE_PATH libraries "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/${libraries}")
endfunction()

# add_ipfixcol_plugin(KIND NAME SOURCES a.c ... [LIBS t ...]): builds ipfixcol-NAME-KIND.so, KIND
# being input, inter or output as in the file names existing internalcfg.xml files use, and the
# static library plugin_NAME_KIND that unit tests link.
function(add_ipfixcol_plugin kind name)
    cmake_parse_arguments(PARSE_ARGV 2 arg "NO_INSTALL" "" "SOURCES;LIBS")
    set(target ipfixcol-${name}-${kind})
    set(objects plugin_${name}_${kind})
    add_library(${objects} STATIC ${arg_SOURCES})
    target_link_libraries(${objects} PRIVATE project_options PUBLIC ipfixcol_headers ${arg_LIBS})
    target_include_directories(${objects} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR})
    add_library(${target} MODULE ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE project_options ipfixcol_headers ${arg_LIBS})
    # An installed tree may be moved: plugins find libnf two folders above their own.
    set_target_properties(
        ${target} PROPERTIES PREFIX "" LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/plugins
                             INSTALL_RPATH "$ORIGIN/../..")
    if(NOT arg_NO_INSTALL)
        install(TARGETS ${target} LIBRARY DESTINATION ${IPFIXCOL_PLUGIN_DIR})
    endif()
endfunction()

# sc_add_unit(NAME SOURCES a.c ... LIBS t ...): one Check suite, label "unit".
function(sc_add_unit name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
    if(NOT CHECK_FOUND)
        return()
    endif()
    add_executable(unit_${name} ${arg_SOURCES})
    target_link_libraries(unit_${name} PRIVATE project_options ${arg_LIBS} PkgConfig::CHECK
                                               Threads::Threads)
    target_include_directories(unit_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
    target_compile_definitions(
        unit_${name} PRIVATE TEST_DATA_DIR="${PROJECT_SOURCE_DIR}/tests/data"
                             TEST_SHARED_DIR="${PROJECT_SOURCE_DIR}/../shared"
                             TEST_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    add_test(NAME unit.${name} COMMAND unit_${name})
    # Check's own limit of 4 s a test is for quiet machines and builds without sanitizers.
    set_tests_properties(unit.${name} PROPERTIES LABELS unit TIMEOUT 900 SKIP_RETURN_CODE 77
                                                 ENVIRONMENT CK_DEFAULT_TIMEOUT=240)
endfunction()

# sc_add_system(NAME script.py [args]): a Python driver over the real programs, label "system".
function(sc_add_system name script)
    if(NOT Python3_FOUND)
        return()
    endif()
    add_test(NAME system.${name} COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/${script}
                                         ${ARGN})
    set_tests_properties(
        system.${name} PROPERTIES LABELS system TIMEOUT 1800 SKIP_RETURN_CODE 77
                                  ENVIRONMENT "SC_BUILD_DIR=${PROJECT_BINARY_DIR};SC_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

# sc_add_fuzz(NAME SOURCES target.c LIBS t ...): with BUILD_FUZZERS a libFuzzer binary; always a
# plain program that runs the target once over every file of tests/fuzz/corpus/NAME, label "fuzz".
function(sc_add_fuzz name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBS")
    add_executable(fuzz_${name}_corpus ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/run_corpus.c)
    target_link_libraries(fuzz_${name}_corpus PRIVATE project_options ${arg_LIBS})
    target_include_directories(fuzz_${name}_corpus PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
    add_test(NAME fuzz.${name} COMMAND fuzz_${name}_corpus ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${name})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 900)
    if(BUILD_FUZZERS)
        add_executable(fuzz_${name} ${arg_SOURCES})
        target_link_libraries(fuzz_${name} PRIVATE project_options ${arg_LIBS})
        target_include_directories(fuzz_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support)
        target_compile_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
    endif()
endfunction()
