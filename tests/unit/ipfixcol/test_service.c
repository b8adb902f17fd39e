/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole pipelines in one process: routing, ends, failures of every hook, reload, statistics. */

#include "collector_support.h"
#include "log.h"
#include "service.h"
#include "stats.h"

#include <glob.h>
#include <time.h>

#define INTERNAL                                                                                   \
    "<ipfixcol xmlns='urn:cesnet:params:xml:ns:yang:ipfixcol-internals'>"                          \
    "<supportedCollectors><name>testInput</name></supportedCollectors>"                            \
    "<inputPlugin><name>testInput</name><file>test_input.so</file></inputPlugin>"                  \
    "<storagePlugin><fileFormat>test</fileFormat><file>test_storage.so</file></storagePlugin>"     \
    "<intermediatePlugin><name>test_ip</name><file>test_inter.so</file></intermediatePlugin>"      \
    "</ipfixcol>"

static struct args args;
static struct service service;

/* One destination with a tag; `more` goes into the fileWriter, `scope` into the destination. */
static void destination(FILE *out, const char *tag, const char *more, const char *scope)
{
    (void)fprintf(out,
                  "<destination>%s<fileWriter><fileFormat>test</fileFormat><file>%s/result</file>"
                  "<tag>%s</tag>%s</fileWriter></destination>",
                  scope, support_folder, tag, more);
}

static void process(FILE *out, const char *name, const char *input)
{
    (void)fprintf(out,
                  "<collectingProcess><name>%s</name><testInput>%s</testInput>"
                  "<exportingProcess>e</exportingProcess><statisticsFile>%s/stat</statisticsFile>"
                  "</collectingProcess>",
                  name, input, support_folder);
}

static FILE *open_startup(void)
{
    FILE *out = fopen(support_path("startup.xml"), "w");
    ck_assert_ptr_nonnull(out);
    (void)fputs("<ipfix xmlns='urn:ietf:params:xml:ns:yang:ietf-ipfix-psamp'>", out);
    return out;
}

/* The usual file: one process, one destination "a". */
static void write_startup(const char *input, const char *intermediates, const char *more,
                          const char *manager)
{
    FILE *out = open_startup();
    process(out, "c", input);
    (void)fputs("<exportingProcess><name>e</name>", out);
    destination(out, "a", more, "");
    (void)fprintf(out,
                  "<singleManager>%s</singleManager></exportingProcess>"
                  "<intermediatePlugins>%s</intermediatePlugins></ipfix>",
                  manager, intermediates);
    ck_assert_int_eq(fclose(out), 0);
}

static void setup(void)
{
    static char paths[3][PATH_MAX];

    support_make_folder();
    log_set_verbosity(getenv("SC_VERBOSE") != NULL ? 2 : -1);
    ck_assert_int_eq(setenv("IPFIXCOL_PLUGIN_DIR", TEST_PLUGIN_DIR, 1), 0);
    (void)snprintf(paths[0], PATH_MAX, "%s", support_path("startup.xml"));
    (void)snprintf(paths[1], PATH_MAX, "%s", support_write("internal.xml", INTERNAL));
    (void)snprintf(paths[2], PATH_MAX, TEST_SOURCE_DIR "/config/ipfix-elements.xml");
    args = (struct args){.startup_path = paths[0],
                         .internal_path = paths[1],
                         .elements_path = paths[2],
                         .queue_slots = 64,
                         .stop_timeout_s = 20};
}

static void nap(unsigned ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&time, NULL);
}

/* Waits for the end by itself; true when everything was clean. */
static bool run_to_end(void)
{
    bool clean;
    for (int i = 0; i < 2000 && !service_finished(&service); i++) {
        nap(10);
    }
    ck_assert(service_finished(&service));
    ck_assert(service_end(&service, col_clock_ms() + 5000, &clean));
    return clean;
}

static bool stop(void)
{
    service_stop(&service);
    return run_to_end();
}

/* What storages wrote, as one text: TAG MESSAGES RECORDS CLOSED OUT_OF_ORDER per line. */
static char *result(void)
{
    char *text = support_read(support_path("result"));
    char *to = text;

    /* The last column, descriptors polled, depends on how long it ran: it has a test of its own. */
    for (char *line = text; *line != '\0';) {
        char *end = strchr(line, '\n');
        char *column = end;
        while (*column != ' ') {
            column--;
        }
        memmove(to, line, (size_t)(column - line));
        to += column - line;
        *to++ = '\n';
        line = end + 1;
    }
    *to = '\0';
    return text;
}

static void expect_result(const char *text)
{
    char *got = result();
    ck_assert_str_eq(got, text);
    free(got);
}

/* Messages of all lines of a tag; each has to be in order. */
static unsigned long messages_of(const char *tag)
{
    char *text = result();
    unsigned long total = 0;
    char name[32];
    unsigned long messages, records, closed, disorder;

    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        ck_assert_int_eq(
            sscanf(line, "%31s %lu %lu %lu %lu", name, &messages, &records, &closed, &disorder), 5);
        ck_assert_uint_eq(disorder, 0);
        total += strcmp(name, tag) == 0 ? messages : 0;
    }
    free(text);
    return total;
}

START_TEST(single_manager_sees_everything)
{
    write_startup("<count>3000</count><domains>3</domains>", "<test_ip/><test_ip/>", "", "yes");
    ck_assert(service_start(&service, &args));
    ck_assert(run_to_end());
    expect_result("a 3000 30000 3 0\n");
}
END_TEST

START_TEST(one_manager_for_each_domain)
{
    write_startup("<count>3000</count><domains>3</domains>", "", "", "no");
    ck_assert(service_start(&service, &args));
    ck_assert(run_to_end());
    expect_result("a 1000 10000 1 0\na 1000 10000 1 0\na 1000 10000 1 0\n");
}
END_TEST

START_TEST(descriptors_are_polled)
{
    write_startup("<count>1</count><endless>yes</endless>", "", "", "yes");
    ck_assert(service_start(&service, &args));
    nap(100);
    ck_assert(stop());
    char *text = support_read(support_path("result"));
    ck_assert_str_eq(text, "a 1 10 1 0 1\n");
    free(text);
}
END_TEST

START_TEST(domains_choose_destinations)
{
    FILE *out = open_startup();
    process(out, "c", "<count>90</count><domains>3</domains>");
    (void)fputs("<exportingProcess><name>e</name>", out);
    destination(out, "any", "", "");
    destination(out, "two", "", "<observationDomainId>2</observationDomainId>");
    (void)fputs("</exportingProcess></ipfix>", out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert(service_start(&service, &args));
    ck_assert(run_to_end());
    ck_assert_uint_eq(messages_of("any"), 60);
    ck_assert_uint_eq(messages_of("two"), 30);
}
END_TEST

START_TEST(domain_without_destination_is_counted)
{
    FILE *out = open_startup();
    process(out, "c", "<count>90</count><domains>3</domains><endless>yes</endless>");
    (void)fputs("<exportingProcess><name>e</name>", out);
    destination(out, "two", "", "<observationDomainId>2</observationDomainId>");
    (void)fputs("</exportingProcess></ipfix>", out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert(service_start(&service, &args));
    for (int i = 0; i < 500 && atomic_load(&service.pipelines[0]->output.unstored_count) < 60;
         i++) {
        nap(10);
    }
    ck_assert_uint_eq(atomic_load(&service.pipelines[0]->output.unstored_count), 60);
    ck_assert(stop());
    ck_assert_uint_eq(messages_of("two"), 30);
}
END_TEST

START_TEST(intermediate_passes_on_at_its_end)
{
    write_startup("<count>500</count>", "<test_ip><hold>yes</hold></test_ip><test_ip/>", "", "no");
    ck_assert(service_start(&service, &args));
    ck_assert(run_to_end());
    expect_result("a 500 5000 1 0\n");
}
END_TEST

START_TEST(slow_storage_pushes_back_and_nothing_is_lost_on_stop)
{
    write_startup("<count>400</count><endless>yes</endless>", "<test_ip/>", "<delay>500</delay>",
                  "yes");
    ck_assert(service_start(&service, &args));
    nap(20);
    service_stop(&service);
    ck_assert(run_to_end());
    unsigned long stored = messages_of("a");
    ck_assert_uint_gt(stored, 0);
    ck_assert_uint_le(stored, 401);
}
END_TEST

START_TEST(storage_that_drops_leaves_others_alone)
{
    FILE *out = open_startup();
    process(out, "c", "<count>3000</count>");
    (void)fputs("<exportingProcess><name>e</name>", out);
    destination(out, "fast", "", "");
    destination(out, "slow", "<delay>2000</delay>", "<whenFull>drop</whenFull>");
    (void)fputs("<singleManager>yes</singleManager></exportingProcess></ipfix>", out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert(service_start(&service, &args));
    ck_assert(run_to_end());
    /* The slow one misses messages, so its line tells of gaps; the fast one's is complete. */
    char *text = result();
    ck_assert_contains(text, "fast 3000 30000 1 0\n");
    ck_assert_contains(text, "slow ");
    ck_assert_lacks(text, "slow 3000");
    free(text);
}
END_TEST

/* Input, intermediate and storage settings with a hook that fails; does the start fail, too? */
static const struct {
    const char *input, *intermediate, *storage;
    bool starts, clean;
    const char *expected; /* result, NULL = any */
} failures[] = {
    {"<fail>create</fail>", "<test_ip/>", "", false, false, NULL},
    {"<fail>receive</fail>", "<test_ip/>", "", true, false, "a 10 100 1 0\n"},
    {"<fail>malformed</fail>", "<test_ip/>", "", true, true, NULL},
    {"", "<test_ip><fail>create</fail></test_ip>", "", false, false, NULL},
    {"", "<test_ip/><test_ip><fail>process</fail></test_ip>", "", true, true, NULL},
    {"", "<test_ip><fail>tick</fail></test_ip>", "", true, true, "a 10 100 1 0\n"},
    {"", "<test_ip/>", "<fail>create</fail>", false, false, ""},
    {"", "<test_ip/>", "<fail>check</fail>", false, false, ""},
    {"", "<test_ip/>", "<fail>process</fail>", true, true, NULL},
    {"", "<test_ip/>", "<fail>tick</fail>", true, true, "a 10 100 1 0\n"},
};

START_TEST(a_hook_fails)
{
    bool clean;

    write_startup(failures[_i].input, failures[_i].intermediate, failures[_i].storage, "yes");
    bool started = service_start(&service, &args);
    ck_assert_int_eq(started, failures[_i].starts);
    if (!started) {
        service_stop(&service);
        ck_assert(service_end(&service, col_clock_ms() + 5000, &clean));
    } else {
        ck_assert_int_eq(run_to_end(), failures[_i].clean);
    }
    if (failures[_i].expected != NULL) {
        expect_result(failures[_i].expected);
    }
}
END_TEST

START_TEST(check_asks_every_plugin_and_creates_nothing)
{
    FILE *out = open_startup();
    process(out, "c", "<fail>create</fail>"); /* has no check: nothing to say */
    (void)fputs("<exportingProcess><name>e</name>", out);
    destination(out, "a", "<fail>check</fail>", "");
    destination(out, "b", "<fail>create</fail>", "");
    destination(out, "c", "<fail>check</fail>", "");
    (void)fputs("</exportingProcess></ipfix>", out);
    ck_assert_int_eq(fclose(out), 0);
    support_capture();
    log_set_verbosity(0);
    ck_assert(!service_check(&args));
    char *text = support_captured();
    const char *first = strstr(text, "ERROR: test: refused by its check\n");
    ck_assert_ptr_nonnull(first);
    ck_assert_ptr_nonnull(strstr(first + 1, "ERROR: test: refused by its check\n"));
    ck_assert_contains(text, "startup.xml:1: check of ");
    free(text);
    write_startup("<fail>create</fail>", "<test_ip><fail>create</fail></test_ip>", "", "yes");
    ck_assert(service_check(&args));
}
END_TEST

START_TEST(storage_that_fails_is_left_out_of_a_manager)
{
    FILE *out = open_startup();
    process(out, "c", "<count>30</count>");
    (void)fputs("<exportingProcess><name>e</name>", out);
    destination(out, "bad", "<fail>create</fail>", "");
    destination(out, "good", "", "");
    (void)fputs("</exportingProcess></ipfix>", out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert(service_start(&service, &args));
    ck_assert(run_to_end());
    ck_assert_uint_eq(messages_of("good"), 30);
}
END_TEST

START_TEST(hanging_storage_ends_in_bounded_time)
{
    bool clean = true;

    write_startup("<count>50</count>", "<test_ip/>", "<fail>hang</fail>", "yes");
    ck_assert(service_start(&service, &args));
    nap(50);
    service_stop(&service);
    support_capture();
    log_set_verbosity(0);
    ck_assert(!service_end(&service, col_clock_ms() + 300, &clean));
    char *text = support_captured();
    ck_assert(!clean);
    ck_assert_contains(text, "did not end in time: 5");
    ck_assert_contains(text, "messages were not stored");
    free(text);
    /* The stuck thread still uses all of it: as in the daemon, the process ends now. */
    support_remove_folder();
    _exit(EXIT_SUCCESS);
}
END_TEST

static bool never(void)
{
    return false;
}

/* Lets messages flow, changes the configuration several times, expects each message once. */
START_TEST(reload_loses_nothing)
{
    static const char input[] = "<count>2000</count><domains>2</domains><pause>1</pause>";

    write_startup(input, "", "", "yes");
    ck_assert(service_start(&service, &args));
    nap(100);
    write_startup(input, "<test_ip/>", "", "yes"); /* an intermediate more */
    service_reload(&service, never);
    nap(100);
    write_startup(input, "<test_ip><hold>yes</hold></test_ip><test_ip/>", "", "yes");
    service_reload(&service, never);
    nap(100);
    write_startup(input, "<test_ip/>", "<delay>1</delay>", "yes"); /* another storage */
    service_reload(&service, never);
    nap(100);
    write_startup(input, "<test_ip/>", "<delay>1</delay>", "no"); /* another mode */
    service_reload(&service, never);
    nap(100);
    write_startup(input, "", "<delay>2</delay>", "no");
    service_reload(&service, never);
    ck_assert(run_to_end());
    ck_assert_uint_eq(messages_of("a"), 2000);
}
END_TEST

START_TEST(reload_keeps_what_did_not_change)
{
    static const char input[] = "<count>100000</count><pause>1</pause>";

    write_startup(input, "<test_ip/>", "", "yes");
    ck_assert(service_start(&service, &args));
    const col_instance_t *old_input = service.pipelines[0]->input;
    const col_instance_t *old_inter = service.pipelines[0]->intermediates[0];
    write_startup(input, "<!-- nothing new --><test_ip>  </test_ip>", "", "yes");
    service_reload(&service, never);
    ck_assert_ptr_eq(service.pipelines[0]->input, old_input);
    ck_assert_ptr_eq(service.pipelines[0]->intermediates[0], old_inter);
    expect_result("");
    ck_assert(stop());
}
END_TEST

START_TEST(reload_with_errors_changes_nothing)
{
    static const char input[] = "<count>100000</count><pause>1</pause>";

    write_startup(input, "<test_ip/>", "", "yes");
    ck_assert(service_start(&service, &args));
    const struct pipeline *old = service.pipelines[0];
    const col_instance_t *old_input = old->input;
    write_startup("<count>x</count>", "<test_ip/>", "", "yes");
    service_reload(&service, never);
    ck_assert_ptr_eq(service.pipelines[0]->input, old_input);
    support_write("startup.xml", "<ipfix>");
    service_reload(&service, never);
    ck_assert_ptr_eq(service.pipelines[0]->input, old_input);
    write_startup(input, "<test_ip/><test_ip><fail>create</fail></test_ip>", "", "yes");
    service_reload(&service, never);
    ck_assert_uint_eq(old->intermediate_count, 1);
    write_startup("<fail>create</fail>", "<test_ip/>", "<fail>create</fail>", "yes");
    service_reload(&service, never); /* both go on with their old settings */
    ck_assert(!instance_finished(service.pipelines[0]->input));
    nap(50);
    ck_assert(stop());
    ck_assert_uint_gt(messages_of("a"), 10);
}
END_TEST

START_TEST(reload_adds_and_removes_processes)
{
    static const char input[] = "<count>100000</count><pause>1</pause>";
    FILE *out = open_startup();

    process(out, "one", input);
    process(out, "two", input);
    (void)fputs("<exportingProcess><name>e</name>", out);
    destination(out, "a", "", "");
    (void)fputs("</exportingProcess></ipfix>", out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert(service_start(&service, &args));
    ck_assert_uint_eq(service.pipeline_count, 2);
    const struct pipeline *two = service.pipelines[1];
    nap(30);
    out = open_startup();
    process(out, "three", input);
    process(out, "two", input);
    (void)fputs("<exportingProcess><name>e</name>", out);
    destination(out, "a", "", "");
    (void)fputs("</exportingProcess></ipfix>", out);
    ck_assert_int_eq(fclose(out), 0);
    service_reload(&service, never);
    ck_assert_uint_eq(service.pipeline_count, 2);
    ck_assert_ptr_eq(service.pipelines[0], two);
    ck_assert_str_eq(service.pipelines[1]->name, "three");
    ck_assert(stop());
}
END_TEST

/* Each line is KEY=number, the key without blanks. */
static void expect_plain_keys(const char *text)
{
    for (const char *line = text; *line != '\0'; line = strchr(line, '\n') + 1) {
        size_t key = strcspn(line, "= ,\n");
        ck_assert_msg(key > 0 && line[key] == '=', "%s", line);
        size_t number = strspn(line + key + 1, "0123456789");
        ck_assert_msg(number > 0 && line[key + 1 + number] == '\n', "%s", line);
    }
}
/* The source is used up, its stages have ended: another input makes all of them anew. */
START_TEST(reload_after_the_end_of_an_input)
{
    write_startup("<count>20</count>", "<test_ip/>", "", "yes");
    ck_assert(service_start(&service, &args));
    for (int i = 0; i < 2000 && !service_finished(&service); i++) {
        nap(10);
    }
    write_startup("<count>30</count>", "<test_ip/>", "", "yes");
    service_reload(&service, never);
    ck_assert(run_to_end());
    expect_result("a 20 200 1 0\na 30 300 1 0\n");
}
END_TEST

/* Nothing that a thread still uses may be freed, even when its pipeline has left the list. */
START_TEST(a_removed_pipeline_that_does_not_end)
{
    FILE *out = open_startup();
    bool clean = true;

    process(out, "hangs", "<count>50</count>");
    (void)fputs("<exportingProcess><name>e</name>", out);
    destination(out, "a", "<fail>hang</fail>", "");
    (void)fputs("</exportingProcess></ipfix>", out);
    ck_assert_int_eq(fclose(out), 0);
    args.stop_timeout_s = 1;
    ck_assert(service_start(&service, &args));
    nap(50);
    write_startup("<count>10</count>", "", "", "yes"); /* another name */
    service_reload(&service, never);
    ck_assert_uint_eq(service.pipeline_count, 1);
    ck_assert(!service_end(&service, col_clock_ms() + 2000, &clean));
    ck_assert(!clean);
    ck_assert_ptr_nonnull(service.dictionaries);
    support_remove_folder();
    _exit(EXIT_SUCCESS);
}
END_TEST

START_TEST(statistics_file)
{
    char path[PATH_MAX];

    write_startup("<count>300</count><domains>2</domains><endless>yes</endless>"
                  "<fail>framing</fail>",
                  "<test_ip/>", "", "yes");
    support_write("stat.old", "x");
    ck_assert(service_start(&service, &args));
    stats_t *stats = stats_start(&service, 1);
    ck_assert_ptr_nonnull(stats);
    ck_assert_int_ne(access(support_path("stat.old"), F_OK), 0);
    nap(1300);
    stats_stop(stats);
    (void)snprintf(path, sizeof(path), "%s/stat.%ld", support_folder, (long)getpid());
    char *text = support_read(path);
    ck_assert_contains(text, "TIME=");
    ck_assert_contains(text, "\nRUN_TIME=");
    ck_assert_contains(text, "\nPACKETS_1=150\n");
    ck_assert_contains(text, "\nDATA_REC_2=1500\n");
    ck_assert_contains(text, "\nLOST_DATA_REC_1=0\n");
    ck_assert_contains(text, "\nPACKETS_SEC_1=1");
    ck_assert_contains(text, "\nPACKETS_1_test=150\n");
    ck_assert_contains(text, "\nMALFORMED=300\n");
    ck_assert_contains(text, "\nMESSAGES_testInput=300\n");
    ck_assert_contains(text, "\nFAILED_testInput=0\n");
    ck_assert_contains(text, "\nCOUNTER_testInput_messages_made_in_all=300\n");
    ck_assert_contains(text, "\nMESSAGES_test_ip=300\n");
    ck_assert_contains(text, "\nDROPPED_test_ip=0\n");
    ck_assert_contains(text, "\nMESSAGES_test=300\n");
    ck_assert_lacks(text, "DROPPED_testInput"); /* an input has no queue */
    expect_plain_keys(text);
    free(text);
    ck_assert(stop());
}
END_TEST

START_TEST(statistics_on_the_console)
{
    write_startup("<count>300</count><domains>2</domains><endless>yes</endless>", "<test_ip/>", "",
                  "yes");
    ck_assert(service_start(&service, &args));
    free(service.pipelines[0]->statistics_file);
    service.pipelines[0]->statistics_file = NULL;
    support_capture();
    stats_t *stats = stats_start(&service, 1);
    nap(1300);
    stats_stop(stats);
    char *text = support_captured();
    ck_assert_int_eq(strncmp(text, "Statistics\n | Time: ", 20), 0);
    ck_assert_contains(text,
                       "\n |       ODID         packets       data rec.  lost data rec.       "
                       "packets/s  data records/s  lost data records/s\n");
    ck_assert_contains(text, "\n |          1             150            1500               0");
    ck_assert_contains(text, "\n |     Total:             300            3000               0\n");
    ck_assert_contains(text, "\n |        TID   state  cpu usage     thread name\n");
    ck_assert_contains(text, "med:test_ip");
    ck_assert_contains(text, "\n |     Preprocessor output queue: 0 / 64\n");
    ck_assert_contains(text, "\n |     Output Manager output queue: 0 / 64\n");
    ck_assert_contains(text, "\n |     testInput: messages 300, data records 3000, failed 0, "
                             "messages made, in all 300\n");
    free(text);
    ck_assert(stop());
}
END_TEST

static unsigned long jobs[100];
static unsigned job_count;

static void run_job(void *job)
{
    jobs[job_count++] = *(unsigned long *)job;
    nap(1);
    free(job);
}

START_TEST(workers_keep_the_order)
{
    write_startup("", "", "", "yes");
    ck_assert(service_start(&service, &args));
    col_worker_t *worker = col_worker_create(service.pipelines[0]->input, "worker", 4);
    ck_assert_ptr_nonnull(worker);
    for (unsigned long i = 0; i < 100; i++) {
        unsigned long *job = malloc(sizeof(*job));
        *job = i;
        col_worker_submit(worker, run_job, job);
    }
    col_worker_destroy(worker);
    col_worker_destroy(NULL);
    ck_assert_uint_eq(job_count, 100);
    for (unsigned long i = 0; i < 100; i++) {
        ck_assert_uint_eq(jobs[i], i);
    }
    ck_assert(run_to_end());
}
END_TEST

START_TEST(host_name_in_paths)
{
    char host[256] = "", expected[600];

    ck_assert_int_eq(gethostname(host, sizeof(host) - 1), 0);
    (void)snprintf(expected, sizeof(expected), "/a/%s/%%Y%%%%h%%", host);
    char *text = col_expand_host("/a/%h/%Y%%h%");
    ck_assert_str_eq(text, expected);
    free(text);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("service");
    tcase_set_timeout(tcase, 120);
    tcase_add_checked_fixture(tcase, setup, support_remove_folder);
    tcase_add_test(tcase, single_manager_sees_everything);
    tcase_add_test(tcase, one_manager_for_each_domain);
    tcase_add_test(tcase, descriptors_are_polled);
    tcase_add_test(tcase, domains_choose_destinations);
    tcase_add_test(tcase, domain_without_destination_is_counted);
    tcase_add_test(tcase, intermediate_passes_on_at_its_end);
    tcase_add_test(tcase, slow_storage_pushes_back_and_nothing_is_lost_on_stop);
    tcase_add_test(tcase, storage_that_drops_leaves_others_alone);
    tcase_add_loop_test(tcase, a_hook_fails, 0, sizeof(failures) / sizeof(failures[0]));
    tcase_add_test(tcase, check_asks_every_plugin_and_creates_nothing);
    tcase_add_test(tcase, storage_that_fails_is_left_out_of_a_manager);
    tcase_add_test(tcase, hanging_storage_ends_in_bounded_time);
    tcase_add_test(tcase, reload_loses_nothing);
    tcase_add_test(tcase, reload_keeps_what_did_not_change);
    tcase_add_test(tcase, reload_with_errors_changes_nothing);
    tcase_add_test(tcase, reload_adds_and_removes_processes);
    tcase_add_test(tcase, reload_after_the_end_of_an_input);
    tcase_add_test(tcase, a_removed_pipeline_that_does_not_end);
    tcase_add_test(tcase, statistics_file);
    tcase_add_test(tcase, statistics_on_the_console);
    tcase_add_test(tcase, workers_keep_the_order);
    tcase_add_test(tcase, host_name_in_paths);
    return support_run(tcase, "service");
}
