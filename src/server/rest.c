#include "rest_parts.h"

#include "base/alloc.h"
#include "base/error.h"

cleat_status cleat__rest_new(const cleat__rest_options *options, cleat__rest **out)
{
    cleat__rest *rest = cleat__calloc(1, sizeof(*rest));
    cleat_status status =
        rest != NULL ? cleat__readers_new(options->path, &rest->readers) : cleat__fail_memory();
    *out = NULL;
    if (status != CLEAT_OK) {
        cleat__free(rest);
        return status;
    }
    rest->engine = options->engine;
    rest->rate_limit = options->rate_limit;
    *out = rest;
    return CLEAT_OK;
}

void cleat__rest_free(cleat__rest *rest)
{
    if (rest == NULL) {
        return;
    }
    cleat__readers_free(rest->readers);
    cleat__free(rest);
}

cleat__readers *cleat__rest_readers(const cleat__rest *rest)
{
    return rest->readers;
}

static cleat__readers *readers_of(const cleat__http_call *call)
{
    return ((const cleat__rest *)call->service)->readers;
}

cleat_status cleat__rest_ask(const cleat__http_call *call, cleat__command *command)
{
    command->tenant = call->identity.tenant;
    return cleat__engine_ask(((const cleat__rest *)call->service)->engine, command);
}

cleat_status cleat__rest_take(cleat__http_call *call, cleat__store **out)
{
    return cleat__readers_take(readers_of(call), call, out);
}

void cleat__rest_give(const cleat__http_call *call, cleat__store *store)
{
    cleat__readers_give(readers_of(call), store);
}

cleat_status cleat__rest_read(cleat__http_call *call, cleat__readers_write write, void *argument,
                              cleat__json_writer *writer)
{
    return cleat__readers_read(readers_of(call), call, write, argument, writer);
}

void cleat__rest_answer(cleat__http_call *call, cleat__readers_write write, void *argument)
{
    cleat__readers_answer(readers_of(call), call, write, argument);
}

/* ---- One row ---- */

typedef struct row {
    const cleat__http_call *call;
    const cleat__uuid *id;
    cleat__rest_write_row write;
} row;

static cleat_status write_row(void *argument, cleat__store *store, cleat__json_writer *writer)
{
    const row *self = argument;
    return self->write(self->call, store, self->id, writer);
}

cleat_status cleat__rest_read_row(cleat__http_call *call, const cleat__uuid *id, cleat__rest_write_row write,
                                  cleat__json_writer *writer)
{
    return cleat__rest_read(call, write_row, &(row){call, id, write}, writer);
}

void cleat__rest_answer_row(cleat__http_call *call, const cleat__uuid *id, cleat__rest_write_row write)
{
    cleat__rest_answer(call, write_row, &(row){call, id, write});
}

void cleat__rest_answer_part(cleat__http_call *call, const char *part, cleat__rest_write_row write)
{
    const cleat__uuid id = cleat__http_call_id(call, part);
    cleat__rest_answer_row(call, &id, write);
}
