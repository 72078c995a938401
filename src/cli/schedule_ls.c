#include "args.h"
#include "base/clock.h"
#include "database.h"
#include "engine_client.h"
#include "format.h"
#include "json_writer.h"
#include "message.h"
#include "store/cron.h"
#include "store/schedule.h"
#include "table.h"
#include "transport/cron_list.h"
#include "transport/schedule_list.h"

typedef struct listing {
    const cleat__cli *cli;
    const char *db, *tenant;
    int64_t limit; /* of each kind */
    bool json;
    int64_t now_ms;
    cleat_schedule_list schedules;
    cleat_cron_list crons;
    cleat_status status;
} listing;

/* ---- Reading a file, which may be in use ---- */

static bool add_schedule(void *argument, const cleat__schedule_row *row)
{
    listing *it = argument;
    it->status = cleat__schedule_list_add(&it->schedules, &row->id, row->at_ms, &row->schedule);
    return it->status == CLEAT_OK;
}

static bool add_cron(void *argument, const cleat__cron_row *row)
{
    listing *it = argument;
    it->status = cleat__cron_list_add(&it->crons, &row->id, &row->what, row->is_enabled, it->now_ms);
    return it->status == CLEAT_OK && (int64_t)it->crons.count < it->limit;
}

static int read_file(listing *it)
{
    cleat__store *store = NULL;
    cleat__schedule_filter filter = {.limit = it->limit};
    const cleat__cron_order newest = {.is_by_name = false};
    int code = cleat__database_open(it->db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_tenant(store, it->tenant, CLEAT__TENANT_DEFAULT, &filter.tenant);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = cleat__schedule_list(store, &filter, add_schedule, it);
        if (status == CLEAT_OK) {
            status = cleat__cron_list(store, filter.tenant, newest, add_cron, it);
        }
        status = status == CLEAT_OK ? it->status : status;
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat__store_close(store);
    return code;
}

/* ---- Asking a server ---- */

static int ask_server(listing *it)
{
    const cleat__engine_choice choice = {.verb = "schedule ls",
                                         .db = NULL,
                                         .tenant = it->tenant,
                                         .asked = "GET /api/v1/tenants/TENANT/workflows/scheduled"};
    cleat_client *client = NULL;
    int code = cleat__engine_client(&choice, &client);
    if (code == CLEAT__EXIT_OK) {
        const cleat_schedule_list_options *options = CLEAT_SCHEDULE_LIST_OPTIONS(.limit = it->limit);
        cleat_status status = cleat_client_list_schedules(client, options, &it->schedules);
        if (status == CLEAT_OK) {
            status = cleat_client_list_crons(client, options, &it->crons);
        }
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat_client_free(client);
    return code;
}

/* ---- Printing ---- */

static void add_schedule_row(cleat__table *table, const cleat_schedule *it)
{
    cleat__table_add_string(table, it->id.text);
    cleat__table_add_string(table, cleat__format_utc(it->at_ms).text);
    cleat__table_add_string(table, "once");
    cleat__table_add_string(table, "");
    cleat__table_add_string(table, it->workflow);
    cleat__table_add_string(table, it->input);
}

static void add_cron_row(cleat__table *table, const cleat_cron *it)
{
    cleat__table_add_string(table, it->id.text);
    cleat__table_add_string(table, it->is_enabled ? cleat__format_utc(it->next_at_ms).text : "disabled");
    cleat__table_add_string(table, it->expression);
    cleat__table_add_string(table, it->name[0] != '\0' ? it->name : "(declared)");
    cleat__table_add_string(table, it->workflow);
    cleat__table_add_string(table, it->input);
}

static int print_table(const listing *it)
{
    static const cleat__column columns[] = {
        {"id", CLEAT__ALIGN_LEFT, false, 0},      {"next", CLEAT__ALIGN_LEFT, false, 0},
        {"cron", CLEAT__ALIGN_LEFT, false, 1},    {"name", CLEAT__ALIGN_LEFT, true, 2},
        {"workflow", CLEAT__ALIGN_LEFT, true, 0}, {"input", CLEAT__ALIGN_LEFT, true, 3},
    };
    cleat__table table;
    cleat__buffer out = {0};
    if (it->schedules.count == 0 && it->crons.count == 0) {
        cleat__buffer_append_string(&out, "no schedules\n");
        return cleat__print(&out);
    }
    cleat__table_init(&table, &it->cli->terminal, columns, sizeof(columns) / sizeof(*columns));
    for (size_t i = 0; i < it->schedules.count; i++) {
        add_schedule_row(&table, &it->schedules.items[i]);
    }
    for (size_t i = 0; i < it->crons.count; i++) {
        add_cron_row(&table, &it->crons.items[i]);
    }
    cleat__table_append(&table, &out, 0);
    return cleat__print(&out);
}

/* Of both kinds; a time that is not known is null. */
static void write_common(cleat__json_writer *writer, const char *workflow, const char *input,
                         const char *metadata, int priority)
{
    cleat__writer_string(writer, "workflow", workflow);
    cleat__writer_raw(writer, "input", cleat_slice_of(input));
    cleat__writer_raw(writer, "metadata", cleat_slice_of(metadata));
    cleat__writer_int(writer, "priority", priority);
    cleat__writer_end_object(writer);
}

static int print_json(const listing *it)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_array(&writer, "schedules");
    for (size_t i = 0; i < it->schedules.count; i++) {
        const cleat_schedule *one = &it->schedules.items[i];
        cleat__writer_begin_object(&writer, NULL);
        cleat__writer_string(&writer, "id", one->id.text);
        cleat__writer_string(&writer, "at", cleat__format_rfc3339(one->at_ms).text);
        write_common(&writer, one->workflow, one->input, one->metadata, one->priority);
    }
    cleat__writer_end_array(&writer);
    cleat__writer_begin_array(&writer, "crons");
    for (size_t i = 0; i < it->crons.count; i++) {
        const cleat_cron *one = &it->crons.items[i];
        cleat__writer_begin_object(&writer, NULL);
        cleat__writer_string(&writer, "id", one->id.text);
        cleat__writer_string(&writer, "name", one->name);
        cleat__writer_string(&writer, "expression", one->expression);
        cleat__writer_bool(&writer, "enabled", one->is_enabled);
        cleat__writer_string(&writer, "next_at",
                             one->next_at_ms != 0 ? cleat__format_rfc3339(one->next_at_ms).text : NULL);
        write_common(&writer, one->workflow, one->input, one->metadata, one->priority);
    }
    cleat__writer_end_array(&writer);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

int cleat__verb_schedule_ls(const cleat__cli *cli, int argc, char **argv)
{
    listing it = {.cli = cli, .limit = 50, .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS};
    const cleat__option options[] = {
        CLEAT__OPTION_ENGINE(&it.db),
        CLEAT__OPTION_TENANT(&it.tenant),
        CLEAT__NUMBER("limit", "N", &it.limit, 1, 1000, "at most N schedules and N crons; default 50"),
        CLEAT__OPTION_JSON(&it.json),
    };
    const cleat__usage usage = {
        .verb = "schedule ls",
        .operands = "",
        .summary = "Lists runs that are to start at a time, and crons, newest first.",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    code = cleat__engine_is_remote(it.db) ? ask_server(&it) : read_file(&it);
    if (code == CLEAT__EXIT_OK) {
        code = it.json ? print_json(&it) : print_table(&it);
    }
    cleat_schedule_list_deinit(&it.schedules);
    cleat_cron_list_deinit(&it.crons);
    return code;
}
