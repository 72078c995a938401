/* `cleat demo`: the main job on real input, once by parent and once by link. */
#include "args.h"
#include "base/utf8.h"
#include "demo_files.h"
#include "demo_report.h"
#include "format.h"
#include "message.h"
#include "text.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILES_ENOUGH = 500, CHILDREN_DEFAULT = 2000, CHILDREN_MAX = 1000000 };

/* ---- Signals ---- */

/* The one thing a signal handler can reach. */
static atomic_bool stop_requested;

static void request_stop(int signal)
{
    (void)signal;
    atomic_store(&stop_requested, true);
}

/* The second signal ends the process as usual: nothing is lost by that either. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = request_stop, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

/* ---- Input ---- */

/* The largest number of children of which the readable ones are not more than `files`. */
static int64_t children_for(size_t files)
{
    int64_t children = (int64_t)files;
    for (size_t more = 1; more <= 3; more++) {
        size_t total = files + more;
        if (total - cleat__demo_unreadable(total) == files) {
            children = (int64_t)total;
        }
    }
    return children;
}

/* The first of these that has enough files; else the last that has any. */
static const char *default_directory(void)
{
    static const char *const candidates[] = {"/usr/include", "/usr/share/doc", "/usr/share"};
    const char *found = NULL;
    for (size_t i = 0; i < sizeof(candidates) / sizeof(*candidates); i++) {
        cleat__demo_files files = {0};
        cleat_status status = cleat__demo_files_list(candidates[i], FILES_ENOUGH, &files);
        size_t count = files.count;
        cleat__demo_files_deinit(&files);
        if (status == CLEAT_OK && count == FILES_ENOUGH) {
            return candidates[i];
        }
        found = status == CLEAT_OK ? candidates[i] : found;
    }
    return found;
}

/* Looks before anything is written. `*children`: as asked for, then as there are. */
static int look_at_input(const char *given, char *path, int64_t *children)
{
    const char *directory = given != NULL ? given : default_directory();
    cleat__demo_files files = {0};
    if (given != NULL && given[0] == '\0') {
        return cleat__complain_usage("demo", "DIR is empty");
    }
    if (directory == NULL) {
        return cleat__complain("no files in /usr/include or /usr/share; give a directory");
    }
    size_t wanted = (size_t)*children - cleat__demo_unreadable((size_t)*children);
    cleat_status status = cleat__demo_files_list(directory, wanted, &files);
    if (status == CLEAT_OK && files.count < wanted) {
        *children = children_for(files.count);
    }
    cleat__demo_files_deinit(&files);
    if (status != CLEAT_OK) {
        return cleat__complain_status(status);
    }
    /* A resumed scan may run in another working directory. */
    if (realpath(directory, path) == NULL) {
        return cleat__complain("cannot resolve %.200s: %s; give another directory", directory,
                               strerror(errno));
    }
    if (cleat__utf8_valid_prefix(path, strlen(path)) != strlen(path)) {
        return cleat__complain("%s is not UTF-8; give another directory", path);
    }
    return CLEAT__EXIT_OK;
}

/* ---- Work ---- */

static void say_what_comes(const cleat__demo_report *report, bool reused)
{
    const cleat__terminal *terminal = &report->cli->terminal;
    bool limited = report->children == CHILDREN_DEFAULT;
    cleat__buffer out = {0};
    cleat__buffer_append_format(&out, "%s runs over files of ", cleat__format_count(report->children).text);
    cleat__text_append(&out, terminal, cleat_slice_of(report->directory));
    cleat__buffer_append_format(&out, ", twice: by parent, then by link\n%sdatabase: ",
                                limited ? "(at most 2,000 unless --children N says otherwise)\n" : "");
    cleat__text_append(&out, terminal, cleat_slice_of(report->database));
    cleat__buffer_append_format(&out, " (%s)\n", reused ? "there already: reused" : "new");
    fwrite(out.data, 1, out.size, stdout);
    fflush(stdout);
    cleat__buffer_deinit(&out);
}

static cleat_status do_rounds(cleat__demo_engine *engine, cleat__demo_report *report)
{
    static const cleat_trace_relation relations[] = {CLEAT_TRACE_PARENT, CLEAT_TRACE_LINK};
    cleat_status status = cleat__demo_leftovers_count(engine, &report->leftovers);
    if (status == CLEAT_OK) {
        status = cleat_worker_start(engine->worker);
    }
    if (status == CLEAT_OK) {
        status = cleat__demo_leftovers_finish(engine, &stop_requested, &report->leftovers);
    }
    for (int i = 0; i < 2 && status == CLEAT_OK; i++) {
        status = cleat__demo_round_run(engine, report->directory, report->children, relations[i],
                                       &stop_requested, &report->rounds[i]);
    }
    report->dropped_spans = cleat__demo_engine_dropped(engine);
    return status;
}

static int run(cleat__demo_report *report, bool json)
{
    cleat__demo_engine engine;
    int code = CLEAT__EXIT_OK;
    bool reused = access(report->database, F_OK) == 0;
    cleat_status status = cleat__demo_engine_open(&engine, report->database, &stop_requested);
    if (status == CLEAT_OK) {
        if (!json) {
            say_what_comes(report, reused);
        }
        status = do_rounds(&engine, report);
        cleat__demo_engine_stop(&engine);
    }
    if (status == CLEAT_CANCELLED) {
        code = cleat__complain("stopped; what is not done waits in %s: the same command resumes it",
                               report->database);
    } else if (status != CLEAT_OK) {
        code = cleat__complain_status(status);
    } else {
        code = json ? cleat__demo_report_print_json(report) : cleat__demo_report_print(report, engine.reader);
    }
    cleat__demo_engine_close(&engine);
    return code;
}

static const char more[] = "A run of archive:scan lists the files and spawns one run of archive:pack per\n"
                           "file, which computes the file's CRC-32 and deflated size. This happens twice:\n"
                           "children continue the scan's trace (parent), then each has a trace of its own\n"
                           "with a link to what spawned it. Three of the paths cannot be read: their runs\n"
                           "are retried and fail for good, and so do those of files over 256 MiB.\n"
                           "\n"
                           "DIR is /usr/include when that has 500 files, else /usr/share/doc or\n"
                           "/usr/share. Stopped or killed, the demo leaves its runs in the database:\n"
                           "started again, it completes them first.\n";

int cleat__verb_demo(const cleat__cli *cli, int argc, char **argv)
{
    bool json = false;
    cleat__demo_report report = {.cli = cli, .database = "./cleat-demo.db", .children = CHILDREN_DEFAULT};
    const cleat__option options[] = {
        CLEAT__TEXT("db", "FILE", &report.database, "database; default ./cleat-demo.db"),
        CLEAT__NUMBER("children", "N", &report.children, 1, CHILDREN_MAX,
                      "runs of archive:pack; default one per file, at most 2000"),
        CLEAT__OPTION_JSON(&json),
    };
    const cleat__usage usage = {
        .verb = "demo",
        .operands = "[DIR]",
        .summary = "Fans out over the files of a directory, traced by parent and by link.",
        .more = more,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    char directory[PATH_MAX];
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    code = look_at_input(operands[0], directory, &report.children);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    report.directory = directory;
    report.unreadable = (int64_t)cleat__demo_unreadable((size_t)report.children);
    catch_signals();
    return run(&report, json);
}
