#include "engine/rates.h"

#include "base/alloc.h"
#include "base/error.h"
#include "engine/core_parts.h"
#include "engine/notes.h"
#include "engine/scope.h"
#include "store/rate.h"

#include <inttypes.h>

/* Limits that runs have said and that nobody takes of any more. */
#define IDLE_MAX 10000
/* Of these that one commit looks at. */
#define SWEEP_MAX   1000
#define LONG_AGO_MS (INT64_MIN / 4)

static cleat__rate *rate_of(const cleat__heap_node *node)
{
    return CLEAT__CONTAINER(node, cleat__rate, timer);
}

static bool is_earlier(const cleat__heap_node *a, const cleat__heap_node *b)
{
    return cleat__rate_window_next(&rate_of(a)->window) < cleat__rate_window_next(&rate_of(b)->window);
}

void cleat__rates_init(cleat__rates *rates)
{
    *rates = (cleat__rates){.idle_max = IDLE_MAX, .ahead_ms = LONG_AGO_MS, .surely_after_ms = LONG_AGO_MS};
    cleat__heap_init(&rates->timers, is_earlier);
}

static void free_rate(cleat__rate *rate)
{
    if (rate != NULL) {
        cleat__free(rate->scope);
        cleat__free(rate);
    }
}

void cleat__rates_deinit(cleat__rates *rates)
{
    size_t cursor = 0;
    cleat__rate *rate;
    cleat__heap_deinit(&rates->timers);
    while ((rate = cleat__map_next(&rates->by_key, &cursor)) != NULL) {
        free_rate(rate);
    }
    cleat__map_deinit(&rates->by_key);
}

/* ---- Idle ones ---- */

static void leave_idle(cleat__rates *rates, cleat__rate *rate)
{
    if (!rate->is_idle) {
        return;
    }
    if (rate->previous_idle != NULL) {
        rate->previous_idle->next_idle = rate->next_idle;
    } else {
        rates->idle_head = rate->next_idle;
    }
    if (rate->next_idle != NULL) {
        rate->next_idle->previous_idle = rate->previous_idle;
    } else {
        rates->idle_tail = rate->previous_idle;
    }
    rate->next_idle = rate->previous_idle = NULL;
    rate->is_idle = false;
    rates->idle_count--;
}

static void join_idle(cleat__rates *rates, cleat__rate *rate, bool is_first)
{
    rate->previous_idle = is_first ? NULL : rates->idle_tail;
    rate->next_idle = is_first ? rates->idle_head : NULL;
    *(rate->previous_idle != NULL ? &rate->previous_idle->next_idle : &rates->idle_head) = rate;
    *(rate->next_idle != NULL ? &rate->next_idle->previous_idle : &rates->idle_tail) = rate;
    rate->is_idle = true;
    rates->idle_count++;
}

/* Where it belongs from now on. */
static void place(cleat__rates *rates, cleat__rate *rate)
{
    bool may_go = rate->lane_count == 0 && (!rate->is_put || !rate->is_known);
    leave_idle(rates, rate);
    if (may_go) {
        join_idle(rates, rate, !rate->is_known);
    }
}

cleat__rate_units *cleat__rate_units_new(cleat__rates *rates, size_t most)
{
    cleat__rate_units *units = cleat__calloc(1, sizeof(*units) + most * sizeof(units->items[0]));
    if (units != NULL) {
        units->rates = rates;
    }
    return units;
}

void cleat__rate_units_add(cleat__rate_units *units, cleat__rate *rate, int32_t wanted)
{
    size_t at = 0;
    while (at < units->count && units->items[at].rate != rate) {
        at++;
    }
    if (at == units->count) {
        units->items[units->count].units = 0;
        units->items[units->count++].rate = rate;
        rate->lane_count++;
        place(units->rates, rate);
    }
    int64_t sum = (int64_t)units->items[at].units + wanted;
    units->items[at].units = sum < INT32_MAX ? (int32_t)sum : INT32_MAX;
}

void cleat__rate_units_free(cleat__rate_units *units)
{
    for (size_t i = 0; units != NULL && i < units->count; i++) {
        units->items[i].rate->lane_count--;
        place(units->rates, units->items[i].rate);
    }
    cleat__free(units);
}

static cleat__rate *find(const cleat__rates *rates, int64_t tenant, cleat_slice key)
{
    cleat__scope scope;
    return cleat__map_get(&rates->by_key, cleat__scope_key(&scope, tenant, key));
}

static void note_change(cleat__rates *rates, cleat__rate *rate)
{
    if (!rate->is_changed) {
        rate->is_changed = true;
        rate->next_changed = rates->changed;
        rates->changed = rate;
    }
}

bool cleat__rates_have(cleat__rates *rates, int64_t tenant, cleat_slice key)
{
    const cleat__rate *rate = find(rates, tenant, key);
    return rate != NULL && rate->is_known;
}

int32_t cleat__rates_limit(const cleat__rates *rates, int64_t tenant, cleat_slice key)
{
    const cleat__rate *rate = find(rates, tenant, key);
    return rate != NULL ? rate->window.limit : INT32_MAX;
}

bool cleat__rates_keep(cleat__rates *rates, int64_t tenant, cleat_slice key)
{
    cleat__rate *rate = find(rates, tenant, key);
    if (rate == NULL || !rate->is_known) {
        return false;
    }
    if (!rate->is_put) {
        rate->is_put = true;
        place(rates, rate);
        note_change(rates, rate);
    }
    return true;
}

cleat__rate *cleat__rates_add(cleat__rates *rates, int64_t tenant, cleat_slice key)
{
    cleat__rate *rate = find(rates, tenant, key);
    if (rate != NULL) {
        return rate;
    }
    rate = cleat__calloc(1, sizeof(*rate));
    if (rate == NULL) {
        return NULL;
    }
    rate->tenant = tenant;
    rate->scope = cleat__scope_new(tenant, key, &rate->key);
    if (rate->scope == NULL ||
        cleat__map_put(&rates->by_key, cleat__scope_kept(rate->key), rate) != CLEAT_OK) {
        free_rate(rate);
        return NULL;
    }
    place(rates, rate);
    return rate;
}

/* ---- In the file ---- */

static cleat_status forget(cleat__core *core, cleat__rate *rate)
{
    cleat_status status = CLEAT_OK;
    if (rate->is_known) {
        status = cleat__core_check(core, cleat__rate_delete(core->store, rate->tenant, rate->key));
    }
    leave_idle(&core->rates, rate);
    cleat__heap_remove(&core->rates.timers, &rate->timer);
    cleat__map_remove(&core->rates.by_key, cleat__scope_kept(rate->key));
    free_rate(rate);
    return status;
}

/* None of them is to be written any more. */
static cleat_status sweep(cleat__core *core)
{
    cleat__rates *rates = &core->rates;
    cleat_status status = CLEAT_OK;
    for (int left = SWEEP_MAX; left > 0 && status == CLEAT_OK && rates->idle_head != NULL; left--) {
        cleat__rate *rate = rates->idle_head;
        if (rate->is_known && rates->idle_count <= rates->idle_max) {
            break;
        }
        bool is_over = rate->window.value == rate->window.limit ||
                       core->now.monotonic_ms >= cleat__rate_window_next(&rate->window);
        if (!rate->is_known || is_over) {
            status = forget(core, rate);
        } else { /* what was taken of it counts: those behind it may go before */
            place(rates, rate);
        }
    }
    return status;
}

cleat_status cleat__rates_write(cleat__core *core)
{
    cleat_status status = CLEAT_OK;
    while (core->rates.changed != NULL && status == CLEAT_OK) {
        cleat__rate *rate = core->rates.changed;
        core->rates.changed = rate->next_changed;
        rate->is_changed = false;
        cleat__rate_row row = {rate->tenant, rate->key, rate->window, !rate->is_put};
        row.window.refilled_ms += core->now.unix_ms - core->now.monotonic_ms;
        if (rate->is_known) {
            status = cleat__core_check(core, cleat__rate_put(core->store, &row));
        }
    }
    return status == CLEAT_OK ? sweep(core) : status;
}

static void note_set_back(cleat__rates *rates, int64_t now_ms, int64_t by_ms)
{
    int64_t former_ms = rates->surely_after_ms > now_ms ? rates->surely_after_ms : now_ms;
    rates->surely_after_ms = former_ms + by_ms;
    rates->back_ms += by_ms;
}

/* Whether the Unix clock was set back since a unit was taken last. The two are not read at once. */
static void look_at_clock(cleat__rates *rates, const cleat__now *now)
{
    int64_t ahead_ms = now->unix_ms - now->monotonic_ms;
    int64_t by_ms = rates->ahead_ms - ahead_ms;
    if (by_ms > CLEAT__RATE_REFILL_EARLY_MS) {
        note_set_back(rates, now->monotonic_ms, by_ms);
    }
    if (by_ms > CLEAT__RATE_REFILL_EARLY_MS || by_ms < 0) {
        rates->ahead_ms = ahead_ms;
    }
}

/* The window goes on where it was; when the clock was set back meanwhile it begins now. */
static cleat_status recover(void *argument, const cleat__rate_row *row)
{
    cleat__core *core = argument;
    cleat__rate *rate = cleat__rates_add(&core->rates, row->tenant, row->key);
    if (rate == NULL) {
        return cleat__fail_memory();
    }
    int64_t ago_ms = core->now.unix_ms - row->window.refilled_ms;
    rate->window = row->window;
    rate->window.refilled_ms = core->now.monotonic_ms - (ago_ms > 0 ? ago_ms : 0);
    if (ago_ms < 0) {
        note_set_back(&core->rates, core->now.monotonic_ms, -ago_ms);
    }
    rate->is_known = true;
    rate->is_put = !row->is_said;
    place(&core->rates, rate);
    return CLEAT_OK;
}

cleat_status cleat__rates_recover(cleat__core *core)
{
    return cleat__rate_load(core->store, recover, core);
}

/* ---- Who waits ---- */

static void let_go(cleat__core *core, cleat__rate *rate)
{
    cleat__heap_remove(&core->rates.timers, &rate->timer);
    cleat__lanes_unpark(&rate->waiting);
}

/* With all lanes let go, so that the timer is not among the others while it changes. */
static void refill(cleat__core *core, cleat__rate *rate)
{
    if (rate->is_known && rate->window.value < rate->window.limit &&
        core->now.monotonic_ms >= cleat__rate_window_next(&rate->window)) {
        let_go(core, rate);
        cleat__rate_window_refill(&rate->window, core->now.monotonic_ms);
    }
}

static cleat_status note(cleat__core *core, cleat__lane *lane, const cleat__rate *rate, int32_t units)
{
    cleat__buffer text = {0};
    cleat__buffer_append_format(&text,
                                "Rate limit exceeded for key %.*s, attempting to consume %" PRId32
                                " units, but only had %" PRId32 " remaining",
                                CLEAT_SLICE_ARGS(rate->key), units, rate->is_known ? rate->window.value : 0);
    cleat__buffer_append_byte(&text, '\0');
    cleat_status status =
        text.failed ? CLEAT_OK
                    : cleat__notes_add_waiting(core, lane, "REQUEUED_RATE_LIMIT", (const char *)text.data);
    cleat__buffer_deinit(&text);
    return status;
}

static cleat_status park(cleat__core *core, cleat__lane *lane, cleat__rate *rate)
{
    cleat__queue_park(lane->type->queue, lane, &rate->waiting);
    /* Whatever there will be, it is as much as there is: nobody is to look again before the limit changes. */
    bool may_help = rate->is_known && rate->window.value < rate->window.limit;
    if (!may_help || rate->timer.position != 0) {
        return CLEAT_OK;
    }
    return cleat__core_check(core, cleat__heap_push(&core->rates.timers, &rate->timer));
}

cleat_status cleat__rates_look(cleat__core *core, cleat__lane *lane, bool *is_parked)
{
    *is_parked = false;
    for (size_t i = 0; i < lane->units->count; i++) {
        cleat__rate *rate = lane->units->items[i].rate;
        refill(core, rate);
        if (!rate->is_known || rate->window.value < lane->units->items[i].units) {
            *is_parked = true;
            cleat_status status = note(core, lane, rate, lane->units->items[i].units);
            return status == CLEAT_OK ? park(core, lane, rate) : status;
        }
    }
    return CLEAT_OK;
}

void cleat__rates_take(cleat__core *core, const cleat__lane *lane)
{
    look_at_clock(&core->rates, &core->now);
    for (size_t i = 0; i < lane->units->count; i++) {
        cleat__rate *rate = lane->units->items[i].rate;
        /* One that was full all the time begins its window with the first that is taken. */
        if (rate->window.value == rate->window.limit) {
            cleat__rate_window_refill(&rate->window, core->now.monotonic_ms);
        }
        rate->window.value -= lane->units->items[i].units;
        note_change(&core->rates, rate);
    }
}

/* Monotonic; too early, rather than too late, where the clock was set meanwhile. */
static int64_t begun_ms(const cleat__core *core, const cleat__run *run)
{
    int64_t since_ms = run->since_ms - core->now.unix_ms + core->now.monotonic_ms;
    return since_ms > core->rates.surely_after_ms ? since_ms : since_ms - core->rates.back_ms;
}

void cleat__rates_return(cleat__core *core, const cleat__run *run)
{
    const cleat__lane *lane = run->lane;
    look_at_clock(&core->rates, &core->now);
    int64_t taken_ms = begun_ms(core, run);
    for (size_t i = 0; lane->units != NULL && i < lane->units->count; i++) {
        cleat__rate *rate = lane->units->items[i].rate;
        if (rate->is_known) {
            let_go(core, rate);
            cleat__rate_window_return(&rate->window, lane->units->items[i].units, taken_ms);
            note_change(&core->rates, rate);
        }
    }
}

void cleat__rates_fire(cleat__core *core)
{
    cleat__heap_node *node;
    while ((node = cleat__heap_peek(&core->rates.timers)) != NULL &&
           cleat__rate_window_next(&rate_of(node)->window) <= core->now.monotonic_ms) {
        refill(core, rate_of(node));
    }
}

int64_t cleat__rates_next_ms(const cleat__rates *rates)
{
    const cleat__heap_node *node = cleat__heap_peek(&rates->timers);
    return node != NULL ? cleat__rate_window_next(&rate_of(node)->window) : INT64_MAX;
}

/* ---- What they are ---- */

static cleat_status set(cleat__core *core, cleat__rate *rate, int32_t limit, int64_t window_ms)
{
    let_go(core, rate);
    if (rate->is_known) {
        cleat__rate_window_change(&rate->window, limit, window_ms);
    } else {
        cleat__rate_window_init(&rate->window, limit, window_ms, core->now.monotonic_ms);
    }
    rate->is_known = true;
    place(&core->rates, rate);
    note_change(&core->rates, rate);
    return cleat__core_begin(core);
}

cleat_status cleat__rates_put(cleat__core *core, cleat__command *command)
{
    cleat_slice key = command->as.put_rate_limit.key;
    int32_t limit = command->as.put_rate_limit.limit;
    int64_t window_ms = command->as.put_rate_limit.window_ms;
    cleat_status status = cleat__rate_key_check(key);
    if (status == CLEAT_OK) {
        status = cleat__rate_limit_check(limit, window_ms);
    }
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__rate *rate = cleat__rates_add(&core->rates, command->tenant, key);
    if (rate == NULL) {
        return cleat__fail_memory();
    }
    rate->is_put = true;
    return set(core, rate, limit, window_ms);
}

cleat_status cleat__rates_delete(cleat__core *core, cleat__command *command)
{
    cleat_slice key = command->as.put_rate_limit.key;
    cleat_status status = cleat__core_begin(core);
    if (status == CLEAT_OK) {
        status = cleat__core_check_found(core, cleat__rate_delete(core->store, command->tenant, key));
    }
    /* One that was made in this very step is not in the file yet. */
    cleat__rate *rate = find(&core->rates, command->tenant, key);
    if (rate == NULL || !rate->is_known || (status != CLEAT_OK && status != CLEAT_NOT_FOUND)) {
        return status;
    }
    let_go(core, rate);
    rate->is_known = rate->is_put = false;
    place(&core->rates, rate);
    return CLEAT_OK;
}

cleat_status cleat__rates_declare(cleat__core *core, int64_t tenant, cleat_slice key, int32_t limit,
                                  int64_t window_ms)
{
    cleat__rate *rate = cleat__rates_add(&core->rates, tenant, key);
    if (rate == NULL) {
        return cleat__fail_memory();
    }
    uint64_t batch = core->totals.batches + 1;
    if (rate->is_known && rate->declared_in == batch) {
        limit = limit < rate->window.limit ? limit : rate->window.limit;
        window_ms = window_ms > rate->window.window_ms ? window_ms : rate->window.window_ms;
    }
    rate->declared_in = batch;
    bool is_same = rate->is_known && rate->window.limit == limit && rate->window.window_ms == window_ms;
    return is_same ? CLEAT_OK : set(core, rate, limit, window_ms);
}
