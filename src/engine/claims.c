#include "engine/claims.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "model/idempotency.h"
#include "model/metadata.h"
#include "store/idempotency.h"
#include "store/load.h"

static const cleat__idempotency_rule *rule_of(const cleat__core *core, int64_t tenant,
                                              const cleat__trigger *item)
{
    return cleat__catalog_find(&core->catalog, tenant, item->workflow)->latest->needs->idempotency;
}

static bool is_of_event(const cleat__trigger *item)
{
    return !cleat__uuid_is_nil(&item->event_id);
}

/* A child that was started before is what it is: its parent asks for it again. */
static cleat_status look_for_child(cleat__core *core, const cleat__trigger *item, bool *is_there)
{
    bool is_same;
    *is_there = false;
    if (!item->is_child) {
        return CLEAT_OK;
    }
    cleat_status status = cleat__load_child_input(core->store, item, &is_same);
    *is_there = status == CLEAT_OK;
    return status == CLEAT_EMPTY ? CLEAT_OK : cleat__core_check(core, status);
}

/* The event is stored all the same, and so are the other runs that it starts. */
static cleat_status go_without(const cleat__trigger *item, cleat__key_claim *claim, cleat_status status)
{
    if (!is_of_event(item) || status == CLEAT_NO_MEMORY) {
        return status;
    }
    cleat__log(CLEAT_LOG_WARN, "an event \"%.*s\" does not start \"%.*s\": %s",
               CLEAT_SLICE_ARGS(item->event_key), CLEAT_SLICE_ARGS(item->workflow), cleat_error_message());
    claim->is_refused = true;
    return CLEAT_OK;
}

static bool is_same_child(const cleat__trigger *a, const cleat__trigger *b)
{
    return a->is_child && b->is_child && cleat__uuid_equals(&a->parent_id, &b->parent_id) &&
           (a->child_key.data == NULL) == (b->child_key.data == NULL) &&
           (a->child_key.data != NULL ? cleat_slice_equals(a->child_key, b->child_key)
                                      : a->child_index == b->child_index);
}

/* Nobody has the key so far but perhaps an earlier item. `taken`: claims by their keys. */
static cleat_status take_in_call(cleat__claims *claims, cleat__key_claim *claim, cleat__map *taken)
{
    const cleat_slice key = {claim->key, claim->size};
    const cleat__key_claim *first = cleat__map_get(taken, key);
    if (first == NULL) {
        return cleat__map_put(taken, key, claim);
    }
    if (is_same_child(first->item, claim->item)) { /* which is found when it is stored */
        cleat__free(claim->key);
        claim->key = NULL;
        return CLEAT_OK;
    }
    claim->is_refused = true;
    claim->same = (size_t)(first - claims->items);
    return CLEAT_OK;
}

/* Of the metadata that the run will have. */
static cleat_status make_key(cleat__core *core, const cleat__idempotency_rule *rule, cleat__key_claim *claim)
{
    const cleat__trigger *item = claim->item;
    cleat__buffer parent = {0}, metadata = {0};
    cleat__uuid parent_run;
    cleat_slice seen = item->metadata;
    cleat_status status = CLEAT_OK;
    if (item->is_child && item->inherits) {
        status = cleat__load_parent(core->store, &item->parent_id, &parent_run, &parent);
        status = cleat__core_check_alone(core, status);
        if (status == CLEAT_OK) {
            cleat__metadata_inherit(cleat__buffer_slice(&parent), item->metadata, &parent_run,
                                    &item->parent_id, &metadata);
            status = metadata.failed ? cleat__fail_memory() : CLEAT_OK;
        }
        seen = cleat__buffer_slice(&metadata);
    }
    if (status == CLEAT_OK) {
        status = cleat__idempotency_key(rule, item->input, seen, &core->expression_steps, &claim->key,
                                        &claim->size);
    }
    cleat__buffer_deinit(&parent);
    cleat__buffer_deinit(&metadata);
    return status;
}

/* A workflow that goes on as a new run hands its key on. */
static bool goes_on(const cleat__key_claim *claim)
{
    return claim->item->goes_on && cleat__uuid_equals(&claim->item->parent_id, &claim->existing);
}

static cleat_status make_one(cleat__core *core, int64_t tenant, cleat__claims *claims, size_t index,
                             cleat__map *taken)
{
    cleat__key_claim *claim = &claims->items[index];
    const cleat__trigger *item = claim->item;
    const cleat__idempotency_rule *rule = rule_of(core, tenant, item);
    bool is_there;
    cleat_status status = rule != NULL ? look_for_child(core, item, &is_there) : CLEAT_EMPTY;
    if (status != CLEAT_OK || is_there) {
        return status == CLEAT_EMPTY ? CLEAT_OK : status;
    }
    status = make_key(core, rule, claim);
    if (status != CLEAT_OK) {
        return go_without(item, claim, status);
    }
    claim->expires_at_ms = cleat__idempotency_expiry(rule, core->now.unix_ms);
    status = cleat__idempotency_get(core->store, tenant, (cleat_slice){claim->key, claim->size},
                                    core->now.unix_ms, &claim->existing);
    if (status == CLEAT_EMPTY || (status == CLEAT_OK && goes_on(claim))) {
        claim->existing = (cleat__uuid){{0}};
        return take_in_call(claims, claim, taken);
    }
    claim->is_refused = status == CLEAT_OK;
    return cleat__core_check(core, status);
}

static bool wants_keys(const cleat__core *core, int64_t tenant, const cleat__trigger *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (rule_of(core, tenant, &items[i]) != NULL) {
            return true;
        }
    }
    return false;
}

cleat_status cleat__claims_make(cleat__core *core, int64_t tenant, const cleat__trigger *items, size_t count,
                                cleat__claims *out)
{
    *out = (cleat__claims){.items = NULL};
    if (core->catalog.idempotent_count == 0 || !wants_keys(core, tenant, items, count)) {
        return CLEAT_OK;
    }
    cleat__map taken = {.entries = NULL};
    out->items = cleat__calloc(count, sizeof(*out->items));
    cleat_status status = out->items != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        out->count = i + 1;
        out->items[i].item = &items[i];
        status = make_one(core, tenant, out, i, &taken);
        out->refused_count += out->items[i].is_refused;
    }
    cleat__map_deinit(&taken);
    if (status != CLEAT_OK) {
        cleat__claims_deinit(out);
    }
    return status;
}

cleat_status cleat__claims_check(cleat__core *core, int64_t tenant, const cleat__trigger *item)
{
    const cleat__idempotency_rule *rule = rule_of(core, tenant, item);
    char *key = NULL;
    size_t size;
    cleat_status status = rule != NULL
                              ? cleat__idempotency_key(rule, item->input, item->metadata, NULL, &key, &size)
                              : CLEAT_OK;
    cleat__free(key);
    return status;
}

void cleat__claims_deinit(cleat__claims *claims)
{
    for (size_t i = 0; claims->items != NULL && i < claims->count; i++) {
        cleat__free(claims->items[i].key);
    }
    cleat__free(claims->items);
    claims->items = NULL;
}

cleat_status cleat__claims_tell(const cleat__claims *claims, const cleat__uuid *ids)
{
    for (size_t i = 0; claims->refused_count != 0 && i < claims->count; i++) {
        const cleat__key_claim *claim = &claims->items[i];
        if (!claim->is_refused || is_of_event(claim->item)) {
            continue;
        }
        bool is_old = !cleat__uuid_is_nil(&claim->existing);
        const cleat__uuid *id = is_old ? &claim->existing : ids != NULL ? &ids[claim->same] : NULL;
        char text[37] = "of the same call";
        if (id != NULL) {
            cleat__uuid_format(id, text);
        }
        return cleat__fail(
            CLEAT_ALREADY_EXISTS,
            "idempotency key collision: run %s has the key \"%.64s\", which this run of \"%.*s\" "
            "would have",
            text, claim->key, CLEAT_SLICE_ARGS(claim->item->workflow));
    }
    return CLEAT_OK;
}

cleat_status cleat__claims_take(cleat__core *core, int64_t tenant, const cleat__key_claim *claim,
                                const cleat__uuid *run_id)
{
    return cleat__core_check(core, cleat__idempotency_put(core->store, tenant,
                                                          (cleat_slice){claim->key, claim->size}, run_id,
                                                          claim->expires_at_ms, core->now.unix_ms));
}

cleat_status cleat__claims_end(cleat__core *core, const cleat__run *run)
{
    const cleat__idempotency_rule *rule = run->type->needs->idempotency;
    if (rule == NULL || !cleat__idempotency_ends_with_run(rule)) {
        return CLEAT_OK;
    }
    return cleat__core_check(core,
                             cleat__idempotency_remove(core->store, run->type->workflow->tenant, &run->id));
}
