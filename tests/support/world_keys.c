/* Keys of idempotency in the simulation: two of the workflows share them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/world.h"

#include "store/statement.h"

#include <inttypes.h>

void world_add_key(sim_world *world, sim_slip *made)
{
    made->key = (cleat__idempotency){
        .expression = cleat_slice_of("has(input.n) ? string(int(input.n) % 8) : 'cron'"),
        .ttl_ms = WORLD_TTL_MS,
        .method = pick(world, 2) == 0 ? CLEAT_IDEMPOTENCY_STATUS : CLEAT_IDEMPOTENCY_TTL};
    made->workflow.idempotency = pick(world, 4) != 0 ? &made->key : NULL;
}

static int key_of(const known *task)
{
    uint64_t number = 0;
    return sscanf(task->input, "{\"n\":%" SCNu64 "}", &number) == 1 ? (int)(number % WORLD_KEYS) : -1;
}

void world_check_refused(sim_world *world, const sim_slip *slip)
{
    size_t count = 0;
    for (size_t i = 0; i < slip->command.as.trigger.count; i++) {
        known *task = &world->tasks[slip->tasks[i]];
        size_t holder = world_find(world, &slip->ids[i]);
        if (cleat__uuid_is_nil(&slip->refused[i])) {
            continue;
        }
        count++;
        task->is_refused = true;
        world_check(world, task->has_idempotency_key, "%s has no key and was refused", task->input);
        if (holder != NOBODY) { /* else nobody was told its id yet */
            const known *other = &world->tasks[holder];
            world_check(world, other->tenant == task->tenant && key_of(other) == key_of(task),
                        "%s stands for %s", other->input, task->input);
        }
    }
    world_check(world, count != 0, "nothing was refused");
    world->seen.refused += count;
}

/* The later one of two begins when the first one has lost the key: by its end, or by the time. Who was replayed has none
 * any more. */
static const char both[] =
    "SELECT t.input || ' and ' || u.input || ' have key ' || t.idempotency_key FROM task t "
    "JOIN task_type y ON y.id = t.type_id JOIN task u ON u.idempotency_key = t.idempotency_key AND u.id > "
    "t.id "
    "JOIN task_type z ON z.id = u.type_id AND z.tenant = y.tenant "
    "LEFT JOIN task_end e ON e.id = t.id "
    "WHERE u.created_at_ms < t.created_at_ms + ?1 AND coalesce(e.finished_at_ms, u.created_at_ms + 1) > "
    "u.created_at_ms "
    "AND NOT EXISTS (SELECT 1 FROM attempt a WHERE a.task_id = t.id AND a.replayed_at_ms IS NOT NULL)";

void world_audit_keys(const sim_world *world, cleat__store *store)
{
    sqlite3_stmt *select = NULL;
    if (world->clock_went_back) {
        return;
    }
    world_check(world, cleat__store_prepare(store, both, &select) == CLEAT_OK, "audit: %s",
                cleat_error_message());
    sqlite3_bind_int64(select, 1, WORLD_TTL_MS);
    if (sqlite3_step(select) == SQLITE_ROW) {
        world_fail(world, "%s", (const char *)sqlite3_column_text(select, 0));
    }
    sqlite3_reset(select);
}
