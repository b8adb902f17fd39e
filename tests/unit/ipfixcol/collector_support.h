/* SPDX-License-Identifier: BSD-3-Clause */
/** What the suites of the collector share: a folder of their own, files, lines on stdout. */
#ifndef COLLECTOR_SUPPORT_H
#define COLLECTOR_SUPPORT_H

#include <check.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char support_folder[64];

__attribute__((unused)) static void support_make_folder(void)
{
    (void)snprintf(support_folder, sizeof(support_folder), "/tmp/sc-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(support_folder));
}

__attribute__((unused)) static void support_remove_folder(void)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", support_folder);
    ck_assert_int_eq(system(command), 0);
}

/* Path of a file in the folder; valid until called four times. */
__attribute__((unused)) static const char *support_path(const char *name)
{
    static char paths[4][PATH_MAX];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, PATH_MAX, "%s/%s", support_folder, name);
    return path;
}

__attribute__((unused)) static const char *support_write(const char *name, const char *text)
{
    const char *path = support_path(name);
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

/* Whole content, empty when there is no such file; to be freed. */
__attribute__((unused)) static char *support_read(const char *path)
{
    char *text = calloc(1, 1 << 20);
    ck_assert_ptr_nonnull(text);
    FILE *file = fopen(path, "r");
    if (file != NULL) {
        size_t n = fread(text, 1, (1 << 20) - 1, file);
        text[n] = '\0';
        (void)fclose(file);
    }
    return text;
}

static int support_stdout = -1;

/* From here on stdout goes to a file of the folder. */
__attribute__((unused)) static void support_capture(void)
{
    (void)fflush(stdout);
    support_stdout = dup(STDOUT_FILENO);
    int fd = open(support_path("stdout"), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    ck_assert_int_ge(fd, 0);
    (void)dup2(fd, STDOUT_FILENO);
    (void)close(fd);
}

/* What came since support_capture(); to be freed. Stdout is as before again. */
__attribute__((unused)) static char *support_captured(void)
{
    (void)fflush(stdout);
    (void)dup2(support_stdout, STDOUT_FILENO);
    (void)close(support_stdout);
    return support_read(support_path("stdout"));
}

#define ck_assert_contains(text, part)                                                             \
    ck_assert_msg(strstr((text), (part)) != NULL, "'%s' is not in:\n%s", (part), (text))
#define ck_assert_lacks(text, part)                                                                \
    ck_assert_msg(strstr((text), (part)) == NULL, "'%s' is in:\n%s", (part), (text))

/* Runs one suite of one case. */
__attribute__((unused)) static int support_run(TCase *tcase, const char *name)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
