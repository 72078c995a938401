/* A core whose workers hear batches: what follows reads like "B3[1,2,3] size". */
#ifndef CLEAT_TESTS_BATCH_TEST_H
#define CLEAT_TESTS_BATCH_TEST_H

#include "remote_test.h"

#define MEMBERS_MAX 64

/* An assignment, or a cancellation. */
typedef struct member {
    bool is_cancelled;
    cleat__uuid id, batch_id;
    int32_t retry_count, batch_count;
    char key[32], reason[96], input[64];
} member;

typedef struct batch_ears {
    member members[MEMBERS_MAX];
    size_t count, heard; /* those before were looked at */
} batch_ears;

static inline member *next_member(batch_ears *all)
{
    assert_true(all->count < MEMBERS_MAX);
    all->members[all->count] = (member){.is_cancelled = false};
    return &all->members[all->count++];
}

static inline void hear_members(void *self, cleat__assignment *list)
{
    while (list != NULL) {
        cleat__assignment *next = list->next;
        member *one = next_member(self);
        one->id = list->task_id;
        one->retry_count = list->retry_count;
        one->batch_id = list->batch_id;
        one->batch_count = list->batch_count;
        snprintf(one->key, sizeof(one->key), "%.*s", CLEAT_SLICE_ARGS(list->batch_key));
        snprintf(one->reason, sizeof(one->reason), "%.*s", CLEAT_SLICE_ARGS(list->batch_reason));
        snprintf(one->input, sizeof(one->input), "%.*s", (int)(list->input.size < 60 ? list->input.size : 60),
                 list->input.data);
        cleat__free(list);
        list = next;
    }
}

static inline void hear_member_cancelled(void *self, const cleat__uuid *id, int32_t retry_count)
{
    member *one = next_member(self);
    *one = (member){.is_cancelled = true, .id = *id, .retry_count = retry_count};
}

static inline cleat__batch_config batches_of(int32_t max_size, int64_t interval_ms)
{
    return (cleat__batch_config){
        .max_size = max_size, .interval_ms = interval_ms, .group_max_runs = CLEAT__BATCH_GROUP_RUNS};
}

static inline cleat_status declare_batches(rig *at, const cleat__batch_config *config)
{
    cleat__workflow workflow = workflow_of("a:a", &plain);
    task_of(&workflow)->batch = config;
    return put_workflow(at, CLEAT__TENANT_DEFAULT, &workflow, NULL);
}

static inline cleat__uuid hire(rig *at, batch_ears *all, int slots)
{
    cleat__uuid id;
    cleat_slice name = cleat_slice_of("a:a");
    const joining how = {0, &name, 1, slots, {all, hear_members, hear_member_cancelled}};
    assert_int_equal(join_worker(at, how, &id), CLEAT_OK);
    return id;
}

static inline cleat__uuid add(rig *at, const char *key)
{
    char input[64];
    snprintf(input, sizeof(input), "{\"k\":\"%s\"}", key);
    return trigger(at, "a:a", input, 0);
}

static inline void add_many(rig *at, int count, const char *key)
{
    for (int i = 0; i < count; i++) {
        add(at, key);
    }
}

static inline void check_state(rig *at, const cleat__uuid *id, const char *state)
{
    assert_string_equal(state_of(at, id), state);
}

/* What was heard since the last call are batches of these sizes, one after the other, each with an id of its own, one key
 * and one reason. Returns where the first of them stands. */
static inline size_t check_batches(batch_ears *all, const size_t *sizes, size_t count, const char *reason)
{
    size_t first = all->heard, at = first;
    for (size_t i = 0; i < count; i++) {
        const member *head = &all->members[at];
        assert_true(i == 0 || !cleat__uuid_equals(&head->batch_id, &all->members[at - 1].batch_id));
        assert_false(cleat__uuid_is_nil(&head->batch_id));
        for (size_t j = 0; j < sizes[i]; j++, at++) {
            const member *one = &all->members[at];
            assert_true(at < all->count && !one->is_cancelled);
            assert_true(cleat__uuid_equals(&one->batch_id, &head->batch_id));
            assert_int_equal(one->batch_count, sizes[i]);
            assert_string_equal(one->key, head->key);
            assert_string_equal(one->reason, reason);
        }
    }
    assert_int_equal(all->count, at);
    all->heard = at;
    return first;
}

static inline size_t check_batch(batch_ears *all, size_t size, const char *reason)
{
    return check_batches(all, &size, 1, reason);
}

static inline void check_silence(const batch_ears *all)
{
    assert_int_equal(all->count, all->heard);
}

static inline void check_cancelled(batch_ears *all, const cleat__uuid *id)
{
    assert_int_equal(all->count, all->heard + 1);
    assert_true(all->members[all->heard].is_cancelled);
    assert_true(cleat__uuid_equals(&all->members[all->heard].id, id));
    all->heard++;
}

static inline void complete(rig *at, const cleat__uuid *id)
{
    assert_int_equal(report(at, id, CLEAT__RETRY_CURRENT, CLEAT_OK, "1"), CLEAT_OK);
}

/* All that were heard of from `first` on. */
static inline void complete_all(rig *at, const batch_ears *all, size_t first)
{
    for (size_t i = first; i < all->heard; i++) {
        complete(at, &all->members[i].id);
    }
}

#endif
