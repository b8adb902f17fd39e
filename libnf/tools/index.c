/* SPDX-License-Identifier: BSD-3-Clause */
/** libnf-index: makes, refreshes and verifies the indexes beside flow files. */
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <libnf.h>
#include <libnf/index.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/** What is to be done, and what was. */
struct work {
    bool check, force, verbose;
    struct lnf_index_options options;
    unsigned long made, kept, skipped, failed;
};

static int usage(FILE *to)
{
    fputs(
        "Usage: libnf-index [-f] [-v] [-p SHARE] FILE|DIRECTORY...\n"
        "       libnf-index --check [-v] FILE|DIRECTORY...\n"
        "\n"
        "Makes the index beside every flow file that has none or an old one, so that queries for\n"
        "addresses and networks read few blocks. Directories are walked.\n"
        "\n"
        "  -c, --check     only verify: every checksum, and that all addresses are found\n"
        "  -f, --force     make anew what is up to date, too\n"
        "  -p, --false-positives SHARE\n"
        "                  of absent addresses not ruled out, 0.000001 to 1 (default 0.01)\n"
        "  -v, --verbose   one line for every file\n"
        "  -V, --version   version of libnf\n"
        "  -h, --help      this text\n"
        "\n"
        "Exit status: 0 fine; 1 an index is missing or wrong (--check), or could not be made;\n"
        "2 wrong arguments.\n",
        to);
    return to == stdout ? 0 : 2;
}

static int print_version(void)
{
    char text[64];

    if (lnf_info(NULL, LNF_INFO_VERSION, text, sizeof(text)) != LNF_OK) {
        return 1;
    }
    printf("libnf-index %s\n", text);
    return 0;
}

static void complain(struct work *work, const char *text)
{
    fprintf(stderr, "libnf-index: %s\n", text);
    work->failed++;
}

static void complain_index(struct work *work, enum lnf_index_state state, const char *text)
{
    char line[sizeof(((struct lnf_error *)NULL)->text) + 64];

    snprintf(line, sizeof(line), "%s (%s)", text, lnf_index_state_text(state));
    complain(work, line);
}

static void say(const struct work *work, const char *path, const char *text)
{
    if (work->verbose) {
        printf("%s: %s\n", path, text);
    }
}

static void check_file(struct work *work, const char *path)
{
    struct lnf_error error = {.text = ""};
    struct lnf_index_info info;

    int status = lnf_index_check(path, true, &info, &error);
    if (status != LNF_OK) {
        complain(work, error.text);
    } else if (info.state == LNF_INDEX_GOOD) {
        say(work, path, "good");
        work->kept++;
    } else if (info.state == LNF_INDEX_UNFINISHED) {
        say(work, path, "not finished, needs no index yet");
        work->skipped++;
    } else {
        complain_index(work, info.state, error.text);
    }
}

static void make_file(struct work *work, const char *path)
{
    struct lnf_error error = {.text = ""};
    struct lnf_index_info info;

    int status = lnf_index_check(path, false, &info, &error);
    if (status != LNF_OK) {
        complain(work, error.text);
        return;
    }
    if (info.state == LNF_INDEX_GOOD && !work->force) {
        say(work, path, "up to date");
        work->kept++;
        return;
    }
    if (info.state == LNF_INDEX_UNFINISHED) {
        say(work, path, "not finished, skipped");
        work->skipped++;
        return;
    }
    if (info.state == LNF_INDEX_FOREIGN && !work->force) {
        complain_index(work, info.state, error.text);
        fprintf(stderr, "libnf-index: use --force to replace it\n");
        return;
    }
    if (lnf_index_make(path, &work->options, &error) != LNF_OK) {
        complain(work, error.text);
        return;
    }
    say(work, path, "made");
    work->made++;
}

static void visit(struct work *work, const char *path, bool named);

static int is_flow_name(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && !lnf_index_is_name(entry->d_name);
}

static void visit_directory(struct work *work, const char *directory)
{
    struct dirent **entries;
    char path[PATH_MAX];

    int count = scandir(directory, &entries, is_flow_name, alphasort);
    if (count < 0) {
        snprintf(path, sizeof(path), "%s: %s", directory, strerror(errno));
        complain(work, path);
        return;
    }
    for (int i = 0; i < count; i++) {
        int length = snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        if (length >= 0 && (size_t)length < sizeof(path)) {
            visit(work, path, false);
        } else {
            complain(work, "a path is too long");
        }
        free(entries[i]);
    }
    free(entries);
}

/** `named`: the operator wrote this path; symbolic links found in directories are not followed. */
static void visit(struct work *work, const char *path, bool named)
{
    struct stat st;

    if ((named ? stat(path, &st) : lstat(path, &st)) != 0) {
        char text[PATH_MAX + 64];
        snprintf(text, sizeof(text), "%s: %s", path, strerror(errno));
        complain(work, text);
    } else if (S_ISDIR(st.st_mode)) {
        visit_directory(work, path);
    } else if (S_ISREG(st.st_mode) && work->check) {
        check_file(work, path);
    } else if (S_ISREG(st.st_mode)) {
        make_file(work, path);
    }
}

static bool read_share(const char *text, double *share)
{
    char *end;

    *share = strtod(text, &end);
    return end != text && *end == '\0' && *share >= 0.000001 && *share <= 1.0;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"check", no_argument, NULL, 'c'},
                                            {"force", no_argument, NULL, 'f'},
                                            {"false-positives", required_argument, NULL, 'p'},
                                            {"verbose", no_argument, NULL, 'v'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'V'},
                                            {0}};
    struct work work = {0};
    int option;

    while ((option = getopt_long(argc, argv, "cfp:vhV", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            work.check = true;
            break;
        case 'f':
            work.force = true;
            break;
        case 'p':
            if (!read_share(optarg, &work.options.false_positives)) {
                fprintf(stderr, "libnf-index: -p takes a number from 0.000001 to 1\n");
                return 2;
            }
            break;
        case 'v':
            work.verbose = true;
            break;
        case 'h':
            return usage(stdout);
        case 'V':
            return print_version();
        default:
            return usage(stderr);
        }
    }
    if (optind == argc) {
        return usage(stderr);
    }
    for (int i = optind; i < argc; i++) {
        visit(&work, argv[i], true);
    }
    if (work.verbose) {
        printf("%lu made, %lu up to date, %lu skipped, %lu failed\n", work.made, work.kept,
               work.skipped, work.failed);
    }
    return work.failed > 0 ? 1 : 0;
}
