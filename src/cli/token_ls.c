#include "args.h"
#include "base/clock.h"
#include "database.h"
#include "format.h"
#include "json_writer.h"
#include "message.h"
#include "store/token.h"
#include "table.h"

typedef struct listing {
    cleat__table table;
    cleat__json_writer *json; /* NULL: the table */
    int64_t now_ms;
    int64_t count;
} listing;

static const char *state_of(const cleat__token_row *row, int64_t now_ms)
{
    if (row->revoked_at_ms != 0) {
        return "revoked";
    }
    return row->expires_at_ms <= now_ms ? "expired" : "good";
}

static void add_to_table(listing *list, const cleat__token_row *row)
{
    char id[37];
    const char *state = state_of(row, list->now_ms);
    cleat__uuid_format(&row->id, id);
    cleat__table_add_string(&list->table, id);
    cleat__table_add(&list->table, cleat_slice_of(state),
                     state[0] == 'g' ? CLEAT__STYLE_GREEN : CLEAT__STYLE_DIM);
    cleat__table_add_string(&list->table, row->tenant_name);
    cleat__table_add_string(&list->table, cleat__format_age(row->created_at_ms, list->now_ms).text);
    cleat__table_add_string(&list->table, cleat__format_utc(row->expires_at_ms).text);
    cleat__table_add_string(&list->table, row->name);
}

static void add_to_json(cleat__json_writer *json, const cleat__token_row *row, int64_t now_ms)
{
    char id[37], tenant[37];
    cleat__uuid_format(&row->id, id);
    cleat__uuid_format(&row->tenant_uuid, tenant);
    cleat__writer_begin_object(json, NULL);
    cleat__writer_string(json, "id", id);
    cleat__writer_string(json, "state", state_of(row, now_ms));
    cleat__writer_string(json, "tenant", row->tenant_name);
    cleat__writer_string(json, "tenant_id", tenant);
    cleat__writer_string(json, "name", row->name[0] != '\0' ? row->name : NULL);
    cleat__writer_time(json, "created_at", row->created_at_ms);
    cleat__writer_time(json, "expires_at", row->expires_at_ms);
    cleat__writer_time(json, "revoked_at", row->revoked_at_ms);
    cleat__writer_end_object(json);
}

static bool add_row(void *argument, const cleat__token_row *row)
{
    listing *list = argument;
    list->count++;
    if (list->json != NULL) {
        add_to_json(list->json, row, list->now_ms);
    } else {
        add_to_table(list, row);
    }
    return true;
}

static int print_table(listing *list, const cleat__cli *cli, cleat__store *store, int64_t tenant)
{
    static const cleat__column columns[] = {
        {"token", CLEAT__ALIGN_LEFT, false, 0},   {"state", CLEAT__ALIGN_LEFT, false, 0},
        {"tenant", CLEAT__ALIGN_LEFT, true, 2},   {"age", CLEAT__ALIGN_RIGHT, false, 3},
        {"expires", CLEAT__ALIGN_LEFT, false, 1}, {"name", CLEAT__ALIGN_LEFT, true, 0},
    };
    cleat__buffer out = {0};
    cleat__table_init(&list->table, &cli->terminal, columns, sizeof(columns) / sizeof(*columns));
    cleat_status status = cleat__token_list(store, tenant, add_row, list);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&list->table.cells);
        return cleat__complain_status(status);
    }
    if (list->count == 0) {
        cleat__buffer_deinit(&list->table.cells);
        cleat__buffer_append_string(&out, "no tokens\n");
    } else {
        cleat__table_append(&list->table, &out, 0);
    }
    return cleat__print(&out);
}

static int print_json(listing *list, cleat__store *store, int64_t tenant)
{
    cleat__json_writer writer = {0};
    list->json = &writer;
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_begin_array(&writer, "tokens");
    cleat_status status = cleat__token_list(store, tenant, add_row, list);
    cleat__writer_end_array(&writer);
    cleat__writer_end_object(&writer);
    if (status != CLEAT_OK) {
        cleat__buffer_deinit(&writer.out);
        return cleat__complain_status(status);
    }
    return cleat__writer_print(&writer);
}

int cleat__verb_token_ls(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL, *name = NULL;
    bool json = false;
    const cleat__option options[] = {
        CLEAT__OPTION_DB(&db),
        CLEAT__TEXT("tenant", "NAME", &name, "tokens of this tenant"),
        CLEAT__OPTION_JSON(&json),
    };
    const cleat__usage usage = {
        .verb = "token ls",
        .operands = "",
        .summary = "Lists tokens, newest first; the tokens themselves are not kept.",
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    listing list = {.now_ms = cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS};
    cleat__store *store = NULL;
    int64_t tenant = 0; /* all */
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    code = cleat__database_open(db, &store);
    if (code == CLEAT__EXIT_OK) {
        code = cleat__database_find_tenant(store, name, 0, &tenant);
    }
    if (code == CLEAT__EXIT_OK) {
        code = json ? print_json(&list, store, tenant) : print_table(&list, cli, store, tenant);
    }
    cleat__store_close(store);
    return code;
}
