/* SPDX-License-Identifier: BSD-3-Clause */
/** Progress lines of every type to every destination. */
#include "progress.h"
#include "suite_main.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char folder[] = "/tmp/progress-XXXXXX", path[64], warnings[64];
static struct report report;

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/progress", folder);
    snprintf(warnings, sizeof(warnings), "%s/warnings", folder);
    report_init(&report, open(warnings, O_RDWR | O_CREAT | O_APPEND, 0600), REPORT_WARNING, 0, 1);
}

static void teardown(void)
{
    close(report.fd);
    unlink(path);
    unlink(warnings);
    rmdir(folder);
}

/** What a file holds. */
static const char *content(const char *name)
{
    static char text[4096];
    FILE *file = fopen(name, "rb");

    ck_assert_ptr_nonnull(file);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    text[size] = '\0';
    fclose(file);
    return text;
}

static progress_t *create(enum progress_type type, const char *destination, unsigned slaves)
{
    progress_t *progress = progress_create(type, destination, slaves, &report);

    ck_assert_ptr_nonnull(progress);
    return progress;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static const struct {
    enum progress_type type;
    const char *first, *middle, *last;
} lines[] = {
    {PROGRESS_TOTAL, "reading files: 0/7 (0 %)\n", "reading files: 3/7 (42 %)\n",
     "reading files: 7/7 (100 %)\n"},
    {PROGRESS_SLAVES,
     "reading files: total: 0/7 (0 %) | 1: 0/4 (0 %) | 2: 0/0 (100 %) | "
     "3: 0/3 (0 %)\n",
     "reading files: total: 3/7 (42 %) | 1: 1/4 (25 %) | 2: 0/0 (100 %) | 3: 2/3 (66 %)\n",
     "reading files: total: 7/7 (100 %) | 1: 4/4 (100 %) | 2: 0/0 (100 %) | 3: 3/3 (100 %)\n"},
    {PROGRESS_JSON, "{\"total\":0,\"slave1\":0,\"slave2\":100,\"slave3\":0}\n",
     "{\"total\":42,\"slave1\":25,\"slave2\":100,\"slave3\":66}\n",
     "{\"total\":100,\"slave1\":100,\"slave2\":100,\"slave3\":100}\n"},
};

/** In a file the newest line is the only one. */
START_TEST(test_file)
{
    progress_t *progress = create(lines[_i].type, path, 3);

    progress_goal(progress, 0, 4);
    progress_goal(progress, 1, 0);
    progress_goal(progress, 2, 3);
    progress_show(progress);
    ck_assert_str_eq(content(path), lines[_i].first);
    progress_done(progress, 0, 1);
    progress_done(progress, 2, 2);
    progress_show(progress);
    ck_assert_str_eq(content(path), lines[_i].middle);
    progress_done(progress, 0, 4);
    progress_done(progress, 2, 3);
    progress_finish(progress);
    ck_assert_str_eq(content(path), lines[_i].last);
    progress_destroy(progress);
    ck_assert_str_eq(content(path), lines[_i].last);
    ck_assert_str_eq(content(warnings), "");
}
END_TEST

/** A longer line of an earlier run, or of this one, leaves nothing behind. */
START_TEST(test_shrinks)
{
    FILE *file = fopen(path, "w");
    fprintf(file, "%0200d\n", 0);
    fclose(file);

    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    ck_assert_str_eq(content(path), "reading files: 0/0 (0 %)\n");
    progress_goal(progress, 0, 1000000);
    progress_show(progress);
    ck_assert_str_eq(content(path), "reading files: 0/1000000 (0 %)\n");
    progress_goal(progress, 0, 1);
    progress_show(progress);
    ck_assert_str_eq(content(path), "reading files: 0/1 (0 %)\n");
    progress_destroy(progress);
}
END_TEST

/** Runs with standard output or error going to the file `path`. */
static void run_standard(enum progress_type type, const char *destination, int fd)
{
    int saved = dup(fd), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    fflush(NULL);
    dup2(file, fd);
    progress_t *progress = create(type, destination, 1);
    progress_goal(progress, 0, 2);
    progress_show(progress);
    progress_done(progress, 0, 1);
    progress_show(progress);
    progress_done(progress, 0, 2);
    progress_finish(progress);
    progress_hide(progress); /* no terminal: nothing to take off */
    progress_destroy(progress);
    dup2(saved, fd);
    close(saved);
    close(file);
}

#define TOTAL                                                                                      \
    "reading files: 0/2 (0 %) ...\rreading files: 1/2 (50 %) ...\r"                                \
    "reading files: 2/2 (100 %) DONE\n"
#define JSON                                                                                       \
    "{\"total\":0,\"slave1\":0} ...\r{\"total\":50,\"slave1\":50} ...\r"                           \
    "{\"total\":100,\"slave1\":100} DONE\n"

START_TEST(test_standard)
{
    run_standard(PROGRESS_TOTAL, NULL, STDERR_FILENO);
    ck_assert_str_eq(content(path), TOTAL);
    run_standard(PROGRESS_TOTAL, "stderr", STDERR_FILENO);
    ck_assert_str_eq(content(path), TOTAL);
    run_standard(PROGRESS_JSON, "stdout", STDOUT_FILENO);
    ck_assert_str_eq(content(path), JSON);
    run_standard(PROGRESS_NONE, "stdout", STDOUT_FILENO);
    ck_assert_str_eq(content(path), "");
    ck_assert_int_ge(write(STDOUT_FILENO, "", 0), 0); /* still open */
}
END_TEST

/* ---- files that others read ------------------------------------------------------------------ */

/** From the start the file has a line of this job, and none of the last one says that all is done.
 */
START_TEST(test_first_line)
{
    progress_t *progress = create(PROGRESS_JSON, path, 2);

    ck_assert_str_eq(content(path), "{\"total\":0,\"slave1\":0,\"slave2\":0}\n");
    progress_show(progress); /* nobody has anything to read */
    ck_assert_str_eq(content(path), "{\"total\":100,\"slave1\":100,\"slave2\":100}\n");
    progress_destroy(progress);
}
END_TEST

/** Whoever opened the file keeps the line that was in it, whole. */
START_TEST(test_replaced)
{
    progress_t *progress = create(PROGRESS_JSON, path, 1);
    char line[64] = "";

    progress_goal(progress, 0, 100);
    progress_show(progress);
    int before = open(path, O_RDONLY);
    progress_done(progress, 0, 99);
    progress_show(progress);
    ck_assert_int_gt(read(before, line, sizeof(line) - 1), 0);
    ck_assert_str_eq(line, "{\"total\":0,\"slave1\":0}\n");
    ck_assert_str_eq(content(path), "{\"total\":99,\"slave1\":99}\n");
    close(before);
    progress_destroy(progress);
}
END_TEST

/** Only the file and the warnings: nothing is left beside them. */
static unsigned count_entries(void)
{
    unsigned count = 0;
    DIR *entries = opendir(folder);

    for (struct dirent *entry = readdir(entries); entry != NULL; entry = readdir(entries)) {
        count += entry->d_name[0] != '.';
    }
    closedir(entries);
    return count;
}

START_TEST(test_access_is_kept)
{
    struct stat status;
    FILE *file = fopen(path, "w");
    fclose(file);
    ck_assert_int_eq(chmod(path, 0604), 0);
    bool other = geteuid() == 0 && chown(path, 12345, 23456) == 0;

    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    progress_finish(progress);
    progress_destroy(progress);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0604);
    if (other) {
        ck_assert_uint_eq(status.st_uid, 12345);
        ck_assert_uint_eq(status.st_gid, 23456);
    }
    ck_assert_uint_eq(count_entries(), 2);
}
END_TEST

/** The file standard error goes to, under its own name or another, is not taken away from it. */
START_TEST(test_shared)
{
    int saved = dup(STDERR_FILENO), file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    dup2(file, STDERR_FILENO);
    ck_assert_int_eq(write(STDERR_FILENO, "one\n", 4), 4);
    progress_t *progress = create(PROGRESS_TOTAL, _i == 0 ? path : "/dev/stderr", 1);
    progress_show(progress);
    progress_destroy(progress);
    ck_assert_int_eq(write(STDERR_FILENO, "two\n", 4), 4);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(file);
    ck_assert_str_eq(content(path), "one\nreading files: 0/0 (100 %)\ntwo\n");
}
END_TEST

/** New files are as the user's mask wants them. */
START_TEST(test_mask)
{
    struct stat status;
    mode_t mask = umask(027);

    progress_destroy(create(PROGRESS_TOTAL, path, 1));
    umask(mask);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 07777, 0640);
}
END_TEST

/** A file that happens to be called like this job is somebody's, and stays. */
START_TEST(test_other_files)
{
    char other[96];

    snprintf(other, sizeof(other), "%s.%ld", path, (long)getpid());
    FILE *file = fopen(other, "w");
    fputs("precious\n", file);
    fclose(file);
    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    progress_show(progress);
    progress_destroy(progress);
    ck_assert_uint_eq(count_entries(), 3);
    ck_assert_str_eq(content(path), "reading files: 0/0 (100 %)\n");
    ck_assert_str_eq(content(other), "precious\n");
    unlink(other);
}
END_TEST

/** The link stays, its target is replaced. */
START_TEST(test_symbolic_link)
{
    char target[64];
    struct stat status;

    snprintf(target, sizeof(target), "%s/target", folder);
    close(open(target, O_WRONLY | O_CREAT, 0600));
    ck_assert_int_eq(symlink(target, path), 0);
    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    progress_destroy(progress);
    ck_assert_int_eq(lstat(path, &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    ck_assert_str_eq(content(target), "reading files: 0/0 (0 %)\n");
    unlink(target);
}
END_TEST

/** The target is made, with the permissions of a new file, and the link stays. */
START_TEST(test_dangling_link)
{
    char target[64];
    struct stat status;

    snprintf(target, sizeof(target), "%s/target", folder);
    ck_assert_int_eq(symlink("target", path), 0);
    mode_t mask = umask(027);
    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    umask(mask);
    ck_assert_str_eq(content(target), "reading files: 0/0 (0 %)\n");
    progress_show(progress);
    progress_destroy(progress);
    ck_assert_int_eq(lstat(path, &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    ck_assert_str_eq(content(target), "reading files: 0/0 (100 %)\n");
    ck_assert_int_eq(lstat(target, &status), 0);
    ck_assert(S_ISREG(status.st_mode));
    ck_assert_uint_eq(status.st_mode & 07777, 0640);
    unlink(target);
    ck_assert_str_eq(content(warnings), "");
}
END_TEST

int __real_stat(const char *name, struct stat *status);
LNF_API int __wrap_stat(const char *name, struct stat *status); /* sanitizers refer to it */
static int stat_errno;                                          /* 0: as it is */

int __wrap_stat(const char *name, struct stat *status)
{
    if (stat_errno != 0) {
        errno = stat_errno;
        return -1;
    }
    return __real_stat(name, status);
}

/** A link the system does not follow for us (fs.protected_symlinks), or a file nothing is known of:
 * neither is touched. */
START_TEST(test_refused)
{
    char target[64];
    struct stat status;

    snprintf(target, sizeof(target), "%s/target", folder);
    FILE *file = fopen(target, "w");
    fputs("precious\n", file);
    fclose(file);
    ck_assert_int_eq(symlink(target, path), 0);
    stat_errno = EACCES;
    progress_t *progress = create(PROGRESS_TOTAL, _i == 0 ? path : target, 1);
    stat_errno = 0;
    progress_show(progress);
    progress_destroy(progress);
    ck_assert_str_eq(content(target), "precious\n");
    ck_assert_ptr_nonnull(strstr(content(warnings), "no progress: Permission denied"));
    ck_assert_int_eq(lstat(path, &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    ck_assert_uint_eq(count_entries(), 3);
    unlink(target);
}
END_TEST

/** The same for a link that leads nowhere: it is not replaced by a file. */
START_TEST(test_link_circle)
{
    struct stat status;

    ck_assert_int_eq(symlink("progress", path), 0);
    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    progress_show(progress);
    progress_destroy(progress);
    ck_assert_int_eq(lstat(path, &status), 0);
    ck_assert(S_ISLNK(status.st_mode));
    ck_assert_uint_eq(count_entries(), 2);
    ck_assert_ptr_nonnull(strstr(content(warnings), "no progress: Too many levels"));
}
END_TEST

/** Where no other file can be made, here because its name would be too long, the file is rewritten.
 */
START_TEST(test_rewritten)
{
    char name[512];
    int length = snprintf(name, sizeof(name), "%s/", folder);

    memset(name + length, 'n', 255);
    name[length + 255] = '\0';
    progress_t *progress = create(PROGRESS_JSON, name, 1);
    ck_assert_str_eq(content(name), "{\"total\":0,\"slave1\":0}\n");
    progress_show(progress);
    ck_assert_str_eq(content(name), "{\"total\":100,\"slave1\":100}\n");
    progress_goal(progress, 0, 2);
    progress_show(progress);
    ck_assert_str_eq(content(name), "{\"total\":0,\"slave1\":0}\n");
    progress_destroy(progress);
    unlink(name);
    ck_assert_str_eq(content(warnings), "");
}
END_TEST

/* ---- time left ------------------------------------------------------------------------------ */

/** The seconds of `hh:mm:ss left` in the file; -1 = it says nothing. */
static int time_left(void)
{
    const char *left = strstr(content(path), "%), ");
    int hours, minutes, seconds;
    char word[8] = "";

    if (left == NULL) {
        return -1;
    }
    ck_assert_int_eq(sscanf(left, "%%), %2d:%2d:%2d %4s", &hours, &minutes, &seconds, word), 4);
    ck_assert_str_eq(word, "left");
    return hours * 3600 + minutes * 60 + seconds;
}

static void wait_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/** 100 of 400 files a second: 3 seconds are left; but the slower slave needs 9. */
START_TEST(test_time_left)
{
    progress_t *progress = create(_i == 0 ? PROGRESS_TOTAL : PROGRESS_SLAVES, path, 2);

    progress_goal(progress, 0, 200);
    progress_goal(progress, 1, 200);
    progress_show(progress);
    ck_assert_int_eq(time_left(), -1);
    progress_done(progress, 0, 50);
    progress_show(progress);
    ck_assert_int_eq(time_left(), -1); /* too early to say */
    wait_ms(1050);
    progress_done(progress, 0, 0);
    progress_show(progress);
    ck_assert_int_eq(time_left(), -1); /* nothing to measure by */
    progress_done(progress, 0, 50);
    progress_done(progress, 1, 50);
    progress_show(progress);
    ck_assert(time_left() >= 4 && time_left() < 40); /* a busy machine sleeps longer */
    int even = time_left();
    progress_done(progress, 0, 80);
    progress_done(progress, 1, 20);
    progress_show(progress);
    ck_assert(time_left() >= 10 && time_left() > even);
    progress_done(progress, 0, 200);
    progress_done(progress, 1, 200);
    progress_finish(progress);
    ck_assert_int_eq(time_left(), -1);
    progress_destroy(progress);
}
END_TEST

/** JSON has per cents and nothing else: readers may take every member for a slave. */
START_TEST(test_time_left_json)
{
    progress_t *progress = create(PROGRESS_JSON, path, 1);

    progress_goal(progress, 0, 4);
    progress_show(progress);
    progress_done(progress, 0, 1);
    wait_ms(1050);
    progress_show(progress);
    ck_assert_str_eq(content(path), "{\"total\":25,\"slave1\":25}\n");
    progress_destroy(progress);
}
END_TEST

/* ---- terminals ------------------------------------------------------------------------------ */

/** Everything a terminal of so many columns gets; its driver writes "\r\n" for "\n". */
static const char *on_terminal(enum progress_type type, unsigned short columns, unsigned slaves,
                               bool hide)
{
    static char text[4096];
    struct winsize window = {.ws_row = 24, .ws_col = columns};
    int saved = dup(STDERR_FILENO), ends[2];

    ck_assert_int_eq(openpty(&ends[0], &ends[1], NULL, NULL, &window), 0);
    dup2(ends[1], STDERR_FILENO);
    progress_t *progress = create(type, NULL, slaves);
    for (unsigned i = 0; i < slaves; i++) {
        progress_goal(progress, i, 10);
    }
    progress_show(progress);
    if (hide) {
        progress_hide(progress);
        progress_hide(progress); /* already gone */
    }
    for (unsigned i = 0; i < slaves; i++) {
        progress_done(progress, i, 10);
    }
    progress_finish(progress);
    progress_hide(progress); /* the last line stays */
    progress_destroy(progress);
    dup2(saved, STDERR_FILENO);
    close(saved);
    text[0] = '\0';
    for (size_t used = 0; strstr(text, "DONE\r\n") == NULL;) { /* it may come in pieces */
        ssize_t size = read(ends[0], text + used, sizeof(text) - 1 - used);
        ck_assert_int_gt(size, 0);
        used += (size_t)size;
        text[used] = '\0';
    }
    close(ends[0]);
    close(ends[1]);
    return text;
}

/** A line that will be drawn over stays within one row, the last one is whole. */
START_TEST(test_narrow_terminal)
{
    ck_assert_str_eq(on_terminal(PROGRESS_SLAVES, 40, 2, false),
                     "reading files: total: 0/20 (0 %) |  ...\r"
                     "reading files: total: 20/20 (100 %) | 1: 10/10 (100 %) | "
                     "2: 10/10 (100 %) DONE\r\n");
    ck_assert_str_eq(on_terminal(PROGRESS_TOTAL, 3, 1, false),
                     "reading files: 0/10 (0 %) ...\rreading files: 10/10 (100 %) DONE\r\n");
    ck_assert_str_eq(on_terminal(PROGRESS_JSON, 10, 1, false),
                     "{\"total\":0,\"slave1\":0} ...\r{\"total\":100,\"slave1\":100} DONE\r\n");
}
END_TEST

/** Before something else is written the line is blanked, and drawn again afterwards. */
START_TEST(test_hidden)
{
    ck_assert_str_eq(on_terminal(PROGRESS_TOTAL, 80, 1, true),
                     "reading files: 0/10 (0 %) ...\r                             \r"
                     "reading files: 10/10 (100 %) DONE\r\n");
}
END_TEST

/** What a longer line left is blanked. */
START_TEST(test_drawn_over)
{
    int saved = dup(STDERR_FILENO), file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    dup2(file, STDERR_FILENO);
    progress_t *progress = create(PROGRESS_TOTAL, NULL, 1);
    progress_goal(progress, 0, 10000);
    progress_show(progress);
    progress_goal(progress, 0, 1);
    progress_show(progress);
    progress_goal(progress, 0, 0);
    progress_finish(progress);
    progress_destroy(progress);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(file);
    ck_assert_str_eq(content(path), "reading files: 0/10000 (0 %) ...\r"
                                    "reading files: 0/1 (0 %) ...    \r"
                                    "reading files: 0/0 (100 %) DONE\n");
}
END_TEST

/* ---- percentages ---------------------------------------------------------------------------- */

static void expect_percent(uint64_t done, uint64_t goal, unsigned percent)
{
    char line[64];
    progress_t *progress = create(PROGRESS_JSON, path, 1);

    progress_goal(progress, 0, goal);
    progress_done(progress, 0, done);
    progress_show(progress);
    snprintf(line, sizeof(line), "{\"total\":%u,\"slave1\":%u}\n", percent, percent);
    ck_assert_str_eq(content(path), line);
    progress_destroy(progress);
}

/** The floor, of exact arithmetic: in floating point 29 of 100 are 28.999... per cent. */
START_TEST(test_percent)
{
    for (unsigned goal = 1; goal <= 120; goal++) {
        for (unsigned done = 0; done <= goal; done++) {
            expect_percent(done, goal, done * 100 / goal);
        }
    }
    expect_percent(0, 0, 100);
    expect_percent(5, 3, 100); /* what a peer says is not trusted */
    expect_percent(1, 1000000, 0);
    expect_percent(999999, 1000000, 99);
    expect_percent(UINT64_MAX - 1, UINT64_MAX, 99);
    expect_percent(UINT64_MAX / 2, UINT64_MAX, 49);
}
END_TEST

/** Numbers of any size, of many slaves, fit into the line. */
START_TEST(test_large)
{
    progress_t *progress = create(PROGRESS_SLAVES, path, 300);

    for (unsigned i = 0; i < 300; i++) {
        progress_goal(progress, i, UINT64_MAX / 300);
        progress_done(progress, i, UINT64_MAX / 300 - 1);
    }
    progress_show(progress);
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ck_assert_int_gt(getline(&line, &room, file), 300 * 40);
    ck_assert_ptr_nonnull(strstr(line, " | 300: 61489146912365171/61489146912365172 (99 %)\n"));
    fclose(file);
    free(line);
    progress_destroy(progress);
}
END_TEST

/* ---- destinations --------------------------------------------------------------------------- */

START_TEST(test_unusable)
{
    progress_t *progress = create(PROGRESS_TOTAL, "/nonexistent/progress", 1);

    progress_goal(progress, 0, 1);
    progress_show(progress);
    progress_finish(progress);
    progress_destroy(progress);
    ck_assert_ptr_nonnull(strstr(content(warnings), "Warning: path: no progress: No such file or "
                                                    "directory `/nonexistent/progress'"));
}
END_TEST

/** Without progress the destination is not touched. */
START_TEST(test_none)
{
    progress_t *progress = create(PROGRESS_NONE, path, 1);

    progress_show(progress);
    progress_finish(progress);
    progress_destroy(progress);
    ck_assert_int_ne(access(path, F_OK), 0);
    progress_destroy(NULL);
}
END_TEST

/** A FIFO nobody reads: a warning instead of a query that waits. */
START_TEST(test_fifo)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    progress_show(progress);
    progress_destroy(progress);
    ck_assert_ptr_nonnull(strstr(content(warnings), "no progress: "));
}
END_TEST

/** A FIFO somebody reads, who does not keep up: lines are lost, nothing waits. */
START_TEST(test_slow_reader)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    int reader = open(path, O_RDONLY | O_NONBLOCK);
    progress_t *progress = create(PROGRESS_TOTAL, path, 1);
    for (unsigned i = 0; i < 20000; i++) {
        progress_show(progress);
    }
    char line[64];
    ssize_t size = read(reader, line, strlen("reading files: 0/0 (100 %)\n"));
    ck_assert_int_eq(size, (ssize_t)strlen("reading files: 0/0 (100 %)\n"));
    ck_assert_int_eq(memcmp(line, "reading files: 0/0 (100 %)\n", (size_t)size), 0);
    close(reader);
    progress_destroy(progress);
}
END_TEST

/** A full disk ends the progress, not the query. */
START_TEST(test_full_disk)
{
    if (access("/dev/full", W_OK) != 0) {
        return;
    }
    progress_t *progress = create(PROGRESS_TOTAL, "/dev/full", 1);
    progress_show(progress);
    progress_finish(progress);
    progress_destroy(progress);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("fdistdump/progress");
    TCase *tc = tcase_create("progress");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, test_file, 0, sizeof(lines) / sizeof(lines[0]));
    tcase_add_test(tc, test_shrinks);
    tcase_add_test(tc, test_standard);
    tcase_add_test(tc, test_first_line);
    tcase_add_test(tc, test_replaced);
    tcase_add_test(tc, test_access_is_kept);
    tcase_add_loop_test(tc, test_shared, 0, access("/dev/stderr", F_OK) == 0 ? 2 : 1);
    tcase_add_test(tc, test_mask);
    tcase_add_test(tc, test_other_files);
    tcase_add_test(tc, test_symbolic_link);
    tcase_add_test(tc, test_dangling_link);
    tcase_add_loop_test(tc, test_refused, 0, 2);
    tcase_add_test(tc, test_link_circle);
    tcase_add_test(tc, test_rewritten);
    tcase_add_loop_test(tc, test_time_left, 0, 2);
    tcase_add_test(tc, test_time_left_json);
    tcase_add_test(tc, test_narrow_terminal);
    tcase_add_test(tc, test_hidden);
    tcase_add_test(tc, test_drawn_over);
    tcase_add_test(tc, test_percent);
    tcase_add_test(tc, test_large);
    tcase_add_test(tc, test_unusable);
    tcase_add_test(tc, test_none);
    tcase_add_test(tc, test_fifo);
    tcase_add_test(tc, test_slow_reader);
    tcase_add_test(tc, test_full_disk);
    suite_add_tcase(suite, tc);
    return suite_run(suite);
}
