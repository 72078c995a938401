#include "database.h"

#include "base/alloc.h"
#include "message.h"
#include "store/tenant.h"

#include <ctype.h>
#include <stdlib.h>

const char *cleat__database_path(const char *option)
{
    const char *variable = getenv("CLEAT_DB");
    if (option != NULL) {
        return option;
    }
    return variable != NULL && variable[0] != '\0' ? variable : "./cleat.db";
}

int cleat__database_open(const char *option, cleat__store **out)
{
    cleat_status status = cleat__store_open(cleat__database_path(option), CLEAT__STORE_READ, out);
    return status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
}

/* Ids are stored in lower case; people paste what they have. */
static cleat_slice lower(const char *text, char *out, size_t room)
{
    size_t size = 0;
    for (; text[size] != '\0' && size + 1 < room; size++) {
        out[size] = (char)tolower((unsigned char)text[size]);
    }
    return (cleat_slice){out, size};
}

static int answer(cleat_status status)
{
    return status == CLEAT_OK ? CLEAT__EXIT_OK : cleat__complain_status(status);
}

int cleat__database_find_run(cleat__store *store, const char *text, cleat__uuid *out)
{
    char id[64];
    return answer(cleat__run_find(store, lower(text, id, sizeof(id)), out));
}

int cleat__database_find_trace(cleat__store *store, int64_t tenant, const char *text, cleat_trace_id *out)
{
    char id[64];
    return answer(cleat__trace_find(store, tenant, lower(text, id, sizeof(id)), out));
}

int cleat__database_find_tenant(cleat__store *store, const char *name, int64_t otherwise, int64_t *out)
{
    cleat__tenant tenant = {.id = otherwise};
    cleat_status status = name != NULL ? cleat__tenant_find(store, cleat_slice_of(name), &tenant) : CLEAT_OK;
    *out = tenant.id;
    return answer(status);
}

static void append_quoted(cleat__buffer *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:=,@%+";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        cleat__buffer_append_string(out, word);
        return;
    }
    cleat__buffer_append_byte(out, '\'');
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            cleat__buffer_append_string(out, "'\\''");
        } else {
            cleat__buffer_append_byte(out, (uint8_t)*word);
        }
    }
    cleat__buffer_append_byte(out, '\'');
}

void cleat__database_append_command(cleat__buffer *out, const cleat__cli *cli, const char *words,
                                    const char *option)
{
    append_quoted(out, cli->program);
    cleat__buffer_append_byte(out, ' ');
    cleat__buffer_append_string(out, words);
    cleat__database_append_option(out, "db", option);
}

void cleat__database_append_option(cleat__buffer *out, const char *name, const char *value)
{
    if (value != NULL) {
        cleat__buffer_append_format(out, " --%s ", name);
        append_quoted(out, value);
    }
}
