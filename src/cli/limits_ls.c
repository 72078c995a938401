#include "args.h"
#include "base/clock.h"
#include "database.h"
#include "duration_name.h"
#include "engine_client.h"
#include "format.h"
#include "json_writer.h"
#include "message.h"
#include "store/rate.h"
#include "table.h"
#include "transport/rate_list.h"

typedef struct listing {
    const cleat__cli *cli;
    const char *db, *tenant, *search;
    int64_t limit;
    bool json;
    cleat_rate_limit_list limits;
    cleat_status status;
} listing;

/* ---- Reading a file, which may be in use ---- */

static bool add(void *argument, const cleat__rate_found *row)
{
    listing *it = argument;
    it->status = cleat__rate_list_add(&it->limits, row->key, &row->window);
    return it->status == CLEAT_OK && (int64_t)it->limits.count < it->limit;
}

static int read_file(listing *it)
{
    const cleat__rate_filter filter = {.search = cleat_slice_of(it->search),
                                       .now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS};
    cleat__store *store = NULL;
    int64_t tenant = CLEAT__TENANT_DEFAULT;
    int code = cleat__database_open(it->db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_tenant(store, it->tenant, CLEAT__TENANT_DEFAULT, &tenant);
    }
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = cleat__rate_list(store, tenant, &filter, add, it);
        status = status == CLEAT_OK ? it->status : status;
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat__store_close(store);
    return code;
}

/* ---- Asking a server ---- */

static int ask_server(listing *it)
{
    const cleat__engine_choice choice = {.verb = "limits ls",
                                         .db = NULL,
                                         .tenant = it->tenant,
                                         .asked = "GET /api/v1/tenants/TENANT/rate-limits"};
    cleat_client *client = NULL;
    int code = cleat__engine_client(&choice, &client);
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = cleat_client_list_rate_limits(
            client, CLEAT_RATE_LIMIT_LIST_OPTIONS(.search = it->search, .limit = it->limit), &it->limits);
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat_client_free(client);
    return code;
}

/* ---- Printing ---- */

static int print_table(const listing *it)
{
    static const cleat__column columns[] = {
        {"key", CLEAT__ALIGN_LEFT, true, 0},
        {"left", CLEAT__ALIGN_RIGHT, false, 0},
        {"of", CLEAT__ALIGN_RIGHT, false, 0},
        {"per", CLEAT__ALIGN_LEFT, false, 0},
    };
    cleat__table table;
    cleat__buffer out = {0};
    if (it->limits.count == 0) {
        cleat__buffer_append_string(&out, "no rate limits\n");
        return cleat__print(&out);
    }
    cleat__table_init(&table, &it->cli->terminal, columns, sizeof(columns) / sizeof(*columns));
    for (size_t i = 0; i < it->limits.count; i++) {
        const cleat_rate_limit_entry *one = &it->limits.items[i];
        const char *per = cleat__duration_name(one->duration);
        cleat__table_add_string(&table, one->key);
        cleat__table_add_string(&table, cleat__format_count(one->value).text);
        cleat__table_add_string(&table, cleat__format_count(one->limit).text);
        cleat__table_add_string(&table, per != NULL ? per : "?");
    }
    cleat__table_append(&table, &out, 0);
    return cleat__print(&out);
}

static int print_json(const listing *it)
{
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_array(&writer, "limits");
    for (size_t i = 0; i < it->limits.count; i++) {
        const cleat_rate_limit_entry *one = &it->limits.items[i];
        cleat__writer_begin_object(&writer, NULL);
        cleat__writer_string(&writer, "key", one->key);
        cleat__writer_int(&writer, "value", one->value);
        cleat__writer_int(&writer, "limit", one->limit);
        cleat__writer_string(&writer, "per", cleat__duration_name(one->duration));
        cleat__writer_time(&writer, "refilled_at", one->refilled_at_ms);
        cleat__writer_end_object(&writer);
    }
    cleat__writer_end_array(&writer);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

int cleat__verb_limits_ls(const cleat__cli *cli, int argc, char **argv)
{
    listing it = {.cli = cli, .limit = 50};
    const cleat__option options[] = {
        CLEAT__TEXT("search", "TEXT", &it.search, "those with this in their key"),
        CLEAT__NUMBER("limit", "N", &it.limit, 1, 1000, "at most N; default 50"),
        CLEAT__OPTION_ENGINE(&it.db),
        CLEAT__OPTION_TENANT(&it.tenant),
        CLEAT__OPTION_JSON(&it.json),
    };
    const cleat__usage usage = {
        .verb = "limits ls",
        .operands = "",
        .summary = "Lists rate limits by their key, and how many units are left of each.",
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
    cleat_rate_limit_list_deinit(&it.limits);
    return code;
}
