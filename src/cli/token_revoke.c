#include "args.h"
#include "base/clock.h"
#include "database.h"
#include "json_writer.h"
#include "message.h"
#include "server/token_parse.h"
#include "store/token.h"

#include <stdio.h>

/* By its id or the beginning of that, or the token itself, which has dots. */
static cleat_status find(cleat__store *store, const char *text, cleat__uuid *out)
{
    if (strchr(text, '.') == NULL) {
        return cleat__token_find(store, cleat_slice_of(text), out);
    }
    cleat__parsed_token parsed;
    cleat__token_row row;
    cleat_status status = cleat__parsed_token_init(&parsed, cleat_slice_of(text));
    *out = parsed.id;
    cleat__parsed_token_deinit(&parsed);
    return status == CLEAT_OK ? cleat__token_get(store, out, &row) : status;
}

/* Looked up by a reader first: a wrong id or file must not create a file. */
static int resolve(const char *db, const char *text, cleat__uuid *out)
{
    cleat__store *store = NULL;
    int code = cleat__database_open(db, &store);
    if (code == CLEAT__EXIT_OK) {
        cleat_status status = find(store, text, out);
        code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    }
    cleat__store_close(store);
    return code;
}

static cleat_status revoke_in(cleat__store *store, const cleat__uuid *id, cleat__token_row *row,
                              bool *was_revoked)
{
    cleat_status status = cleat__store_begin(store);
    if (status == CLEAT_OK) {
        status = cleat__token_get(store, id, row);
    }
    if (status == CLEAT_OK) {
        *was_revoked = row->revoked_at_ms != 0;
        status = cleat__token_revoke(store, id, cleat__clock_unix_ns(NULL) / CLEAT__NS_PER_MS);
    }
    if (status == CLEAT_OK) {
        status = cleat__token_get(store, id, row);
    }
    return status == CLEAT_OK ? cleat__store_commit(store) : status;
}

static int revoke(const char *db, const cleat__uuid *id, cleat__token_row *row, bool *was_revoked)
{
    cleat__store *store = NULL;
    cleat_status status = cleat__store_open(cleat__database_path(db), CLEAT__STORE_SHARE, &store);
    if (status == CLEAT_OK) {
        status = revoke_in(store, id, row, was_revoked);
    }
    int code = status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
    cleat__store_close(store);
    return code;
}

/* `was_revoked`: by somebody before. */
static int print_revoked(const cleat__token_row *row, bool was_revoked, bool json)
{
    char id[37];
    cleat__uuid_format(&row->id, id);
    if (!json) {
        printf(was_revoked ? "was revoked before: %s\n" : "revoked %s\n", id);
        return cleat__finish_output();
    }
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    cleat__writer_string(&writer, "id", id);
    cleat__writer_time(&writer, "revoked_at", row->revoked_at_ms);
    cleat__writer_end_object(&writer);
    return cleat__writer_print(&writer);
}

int cleat__verb_token_revoke(const cleat__cli *cli, int argc, char **argv)
{
    const char *db = NULL;
    bool json = false, was_revoked = false;
    const cleat__option options[] = {CLEAT__OPTION_DB(&db), CLEAT__OPTION_JSON(&json)};
    const cleat__usage usage = {
        .verb = "token revoke",
        .operands = "TOKEN",
        .summary = "Revokes a token, named by its id, the beginning of that, or itself.",
        .more = "A server that has the file open refuses it within a second.\n",
        .min_operands = 1,
        .max_operands = 1,
        .options = options,
        .option_count = sizeof(options) / sizeof(*options),
    };
    const char *operands[CLEAT__OPERANDS_MAX];
    cleat__uuid id = {{0}};
    cleat__token_row row;
    (void)cli;
    int code = cleat__args_parse(&usage, argc, argv, operands);
    if (code != CLEAT__ARGS_GO) {
        return code;
    }
    code = resolve(db, operands[0], &id);
    if (code == CLEAT__EXIT_OK) {
        code = revoke(db, &id, &row, &was_revoked);
    }
    return code == CLEAT__EXIT_OK ? print_revoked(&row, was_revoked, json) : code;
}
