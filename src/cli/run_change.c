#include "run_change.h"

#include "base/clock.h"
#include "database.h"
#include "engine_client.h"
#include "format.h"
#include "message.h"
#include "progress.h"
#include "run_filter.h"
#include "store/chain.h"
#include "store/tenant.h"

#include <cleat/metrics.h>

#include <limits.h>
#include <stdio.h>

#define TASKS "POST /api/v1/stable/tenants/TENANT/tasks/"

typedef struct changing {
    const cleat__run_change *change;
    const char *db, *tenant;
    cleat__run_wish wish;
    bool json;
} changing;

/* Whoever has the file is named by the message, and how a server is asked. */
static int open_engine(const changing *it, const char *tenant, const char *body, cleat_client **out)
{
    char asked[256];
    const cleat__engine_choice choice = {
        .verb = it->change->verb, .db = it->db, .tenant = tenant, .asked = asked};
    (void)snprintf(asked, sizeof(asked), TASKS "%s %s", it->change->path, body);
    return cleat__engine_client(&choice, out);
}

/* ---- One ---- */

/* The run, or the one that it has gone on as. */
static cleat_status get_run(const cleat__run_change *change, cleat__store *store, const cleat__uuid *id,
                            cleat__run_row *row)
{
    const cleat__follow follow = change->follows ? CLEAT__FOLLOW_LAST : CLEAT__FOLLOW_NOT;
    cleat__uuid last = *id;
    cleat_status status = cleat__chain_reach(store, follow, INT_MAX, &last);
    return status == CLEAT_OK ? cleat__run_get(store, &last, row) : status;
}

/* Looked up by a reader first: a wrong id or file must not start an engine, nor create a file; and whose the run is
 * nobody need say. */
static int resolve(const changing *it, const char *text, cleat_run_id *out, cleat__tenant *tenant)
{
    cleat__store *store = NULL;
    cleat__uuid id;
    cleat__run_row row = {0};
    int code = cleat__database_open(it->db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_run(store, text, &id);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = get_run(it->change, store, &id, &row);
        if (status == CLEAT_OK) {
            status = cleat__tenant_get(store, row.tenant, tenant);
        }
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat__uuid_format(&row.id, out->text);
    }
    cleat__store_close(store);
    return code;
}

/* A server is asked by a whole id only. */
static int read_id(const changing *it, const char *text, cleat_run_id *out)
{
    cleat__uuid id;
    if (cleat__uuid_parse(cleat_slice_of(text), &id) != CLEAT_OK) {
        return cleat__complain_usage(it->change->verb, "\"%s\" is no whole id, which a server asks for",
                                     text);
    }
    cleat__uuid_format(&id, out->text);
    return CLEAT__EXIT_OK;
}

static int change_one(const changing *it, const char *text)
{
    bool is_remote = cleat__engine_is_remote(it->db);
    cleat_client *client = NULL;
    cleat_run_id id = {""};
    cleat__tenant tenant = {.id = 0};
    char body[64];
    if (cleat__run_wish_is_there(&it->wish)) {
        return cleat__complain_usage(it->change->verb, "options that choose runs are instead of RUN");
    }
    int code = is_remote ? read_id(it, text, &id) : resolve(it, text, &id, &tenant);
    if (code == CLEAT__EXIT_OK) {
        (void)snprintf(body, sizeof(body), "{\"externalIds\":[\"%s\"]}", id.text);
        code = open_engine(it, is_remote ? NULL : tenant.name, body, &client);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = it->change->make(client, &id);
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat_client_free(client);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    if (it->json) {
        printf("{\"id\":\"%s\",\"status\":\"%s\"}\n", id.text, it->change->status);
    } else {
        printf("%s %s\n", it->change->past, id.text);
    }
    return cleat__finish_output();
}

/* ---- Many ---- */

/* How many have ended by now: those that end once more since they were replayed are none of them. */
static cleat_status count_ended(const changing *it, cleat_client *client, const cleat_run_filter *filter,
                                size_t *most)
{
    cleat_run_metrics counts;
    *most = SIZE_MAX;
    cleat_status status =
        it->change->is_of_ended ? cleat_client_get_run_metrics(client, filter, &counts) : CLEAT_EMPTY;
    if (status == CLEAT_OK) {
        *most = (size_t)(counts.completed + counts.failed + counts.cancelled);
    }
    return status == CLEAT_EMPTY ? CLEAT_OK : status;
}

static cleat_status change_all(const changing *it, cleat_client *client, const cleat_run_filter *filter,
                               size_t *done)
{
    cleat__progress progress;
    size_t count = it->change->enough, most = 0;
    cleat_status status = count_ended(it, client, filter, &most);
    cleat__progress_begin(&progress, it->change->past);
    do {
        status = status == CLEAT_OK ? it->change->make_many(client, filter, &count) : status;
        *done += status == CLEAT_OK ? count : 0;
        cleat__progress_count(&progress, (int64_t)*done);
    } while (status == CLEAT_OK && count >= it->change->enough && *done < most);
    cleat__progress_end(&progress);
    return status;
}

static int change_many(const changing *it)
{
    int64_t now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS;
    cleat_client *client = NULL;
    cleat__run_wish_filter wished;
    size_t done = 0;
    int code = cleat__run_wish_read(it->change->verb, &it->wish, now_ms, &wished);
    if (code == CLEAT__EXIT_OK) {
        code = open_engine(it, it->tenant, "{\"filter\":{..}}", &client);
    }
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    if (it->change->is_of_ended && (wished.filter.until_ms == 0 || wished.filter.until_ms > now_ms)) {
        wished.filter.until_ms = now_ms;
    }
    cleat_status status = change_all(it, client, &wished.filter, &done);
    if (status != CLEAT_OK && done > 0) {
        code = cleat__complain("%s; before that: %s %zu", cleat_error_message(), it->change->past, done);
    } else if (status != CLEAT_OK) {
        code = cleat__complain_status(status);
    }
    cleat_client_free(client);
    if (code != CLEAT__EXIT_OK) {
        return code;
    }
    if (it->json) {
        printf("{\"count\":%zu,\"status\":\"%s\"}\n", done, it->change->status);
    } else {
        printf("%s %s %s\n", it->change->past, cleat__format_count((int64_t)done).text,
               done == 1 ? "run" : "runs");
    }
    return cleat__finish_output();
}

/* ---- The verb ---- */

int cleat__run_change_verb(const cleat__run_change *change, int argc, char **argv)
{
    changing it = {.change = change};
    const cleat__option options[] = {
        CLEAT__OPTION_WISH_TASK(&it.wish),     CLEAT__OPTION_WISH_STATUS(&it.wish),
        CLEAT__OPTION_WISH_SINCE(&it.wish),    CLEAT__OPTION_WISH_UNTIL(&it.wish),
        CLEAT__OPTION_WISH_METADATA(&it.wish), CLEAT__OPTION_WISH_ALL(&it.wish),
        CLEAT__OPTION_ENGINE(&it.db),          CLEAT__OPTION_TENANT(&it.tenant),
        CLEAT__OPTION_JSON(&it.json),
    };
    const cleat__usage usage = {
        .verb = change->verb,
        .operands = "[RUN]",
        .summary = change->summary,
        .more = "RUN is an id, of a run in a file also the first characters of it (8 or more).\n"
                "Options that choose runs are instead of it, and mean those that have all they\n"
                "say. A server is asked when HATCHET_CLIENT_TOKEN is set and no --db is given.\n",
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    if (operands[0] != NULL) {
        return change_one(&it, operands[0]);
    }
    if (!cleat__run_wish_is_there(&it.wish)) {
        return cleat__complain_usage(change->verb, "which runs? RUN, options that choose some, or --all");
    }
    return change_many(&it);
}
