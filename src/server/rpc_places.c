/*
 * How many unary calls are being answered, and whose: a tenant whose calls come faster than they are answered, or
 * who sends heads of calls and nothing behind them, finds no place before the others do.
 */
#include "rpc_parts.h"

#include "base/alloc.h"

/* A tenant that has one place or more. */
typedef struct cleat__rpc_place {
    int64_t tenant;
    size_t count;
} place;

static cleat_slice key_of(const int64_t *tenant)
{
    return (cleat_slice){(const char *)tenant, sizeof(*tenant)};
}

static bool has_room(const cleat__rpc_server *server, const place *of)
{
    size_t max = server->max_unary_calls, used = server->unary_count;
    if (server->authenticate == NULL || used < max - max / 4) {
        return used < max;
    }
    return used < max && (of == NULL || of->count < max / 8);
}

static place *new_place(cleat__rpc_server *server, int64_t tenant)
{
    place *made = cleat__calloc(1, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    made->tenant = tenant;
    if (cleat__map_put(&server->places, key_of(&made->tenant), made) != CLEAT_OK) {
        cleat__free(made);
        return NULL;
    }
    return made;
}

place *cleat__rpc_place_take(cleat__rpc_server *server, const cleat__identity *identity)
{
    place *of = cleat__map_get(&server->places, key_of(&identity->tenant));
    if (!has_room(server, of)) {
        return NULL;
    }
    of = of != NULL ? of : new_place(server, identity->tenant);
    if (of != NULL) {
        of->count++;
        server->unary_count++;
    }
    return of;
}

void cleat__rpc_place_give(cleat__rpc_server *server, place *of)
{
    if (of == NULL) {
        return;
    }
    server->unary_count--;
    if (--of->count == 0) {
        cleat__map_remove(&server->places, key_of(&of->tenant));
        cleat__free(of);
    }
}
