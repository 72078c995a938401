#define _GNU_SOURCE /* memmem */
#include "store/run_match.h"

#include "base/alloc.h"
#include "base/error.h"
#include "model/metadata.h"
#include "store/bind.h"

#include <jansson.h>

/* ---- Texts ---- */

/* Without the quotes. What cannot be JSON has no such form. */
static cleat_status init_form(cleat__needle *needle, cleat_slice text, size_t flags)
{
    json_t *value = json_stringn_nocheck(text.data, text.size);
    char *written = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | flags) : NULL;
    json_decref(value);
    if (written == NULL) {
        return CLEAT_OK;
    }
    cleat_slice inside = {written + 1, strlen(written) - 2};
    cleat_status status = cleat_slice_equals(inside, text) ? CLEAT_OK : cleat__needle_init(needle, inside);
    free(written);
    return status;
}

static bool is_like(const cleat__needle *a, const cleat__needle *b)
{
    return a->size == b->size && a->size != 0 && memcmp(a->text, b->text, a->size) == 0;
}

static cleat_status init_text(cleat__run_match *match)
{
    static const char digits[] = "0123456789abcdefABCDEF-";
    cleat_slice text = match->filter->text;
    if (text.size == 0) {
        return CLEAT_OK;
    }
    match->may_be_id = text.size <= 36;
    for (size_t i = 0; i < text.size; i++) {
        match->may_be_id = match->may_be_id && memchr(digits, text.data[i], sizeof(digits) - 1) != NULL;
    }
    cleat_status status = cleat__needle_init(&match->text[0], text);
    if (status == CLEAT_OK) {
        status = init_form(&match->text[1], text, 0);
    }
    if (status == CLEAT_OK) {
        status = init_form(&match->text[2], text, JSON_ENSURE_ASCII);
    }
    if (is_like(&match->text[1], &match->text[2])) {
        cleat__needle_deinit(&match->text[2]);
    }
    return status;
}

bool cleat__run_match_asks_text(const cleat__run_match *match)
{
    return match->text[0].size != 0;
}

bool cleat__run_match_json(const cleat__run_match *match, cleat_slice json)
{
    for (size_t i = 0; i < CLEAT__RUN_MATCH_FORMS; i++) {
        if (match->text[i].size != 0 && cleat__needle_is_in(&match->text[i], json)) {
            return true;
        }
    }
    return false;
}

bool cleat__run_match_id(const cleat__run_match *match, const cleat__uuid *id)
{
    char text[37];
    cleat__uuid_format(id, text);
    return match->may_be_id && cleat__needle_is_in(&match->text[0], cleat_slice_of(text));
}

/* ---- Versions ---- */

static void read_type(const cleat__run_match *match, sqlite3_stmt *select, cleat__run_type *out)
{
    const cleat__run_search_filter *filter = match->filter;
    cleat_slice workflow = cleat__column_text(select, 1);
    /* Tasks of runs of several are found by these. */
    out->is_wanted = sqlite3_column_int64(select, 0) == filter->tenant &&
                     (filter->parent != NULL || sqlite3_column_int64(select, 4) == 0) &&
                     (filter->workflow.size == 0 || cleat_slice_equals(workflow, filter->workflow));
    out->has_text = cleat__needle_is_in(&match->text[0], workflow) ||
                    cleat__needle_is_in(&match->text[0], cleat__column_text(select, 2)) ||
                    cleat__needle_is_in(&match->text[0], cleat__column_text(select, 3));
}

static cleat_status load_type(cleat__run_match *match, cleat__run_type *out)
{
    static const char sql[] = "SELECT y.tenant, w.name, y.task_name, y.action, y.dag_type FROM task_type y "
                              "JOIN workflow w ON w.id = y.workflow_id WHERE y.id = ?1";
    sqlite3_stmt *select = NULL;
    cleat_status status = cleat__store_prepare(match->store, sql, &select);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(select, 1, out->id);
    int code = sqlite3_step(select);
    if (code == SQLITE_ROW) {
        read_type(match, select, out);
    }
    return cleat__store_rows_end(match->store, select, code, "reading the versions of a workflow");
}

static cleat_slice key_of(const int64_t *id)
{
    return (cleat_slice){(const char *)id, sizeof(*id)};
}

cleat_status cleat__run_match_type(cleat__run_match *match, int64_t id, const cleat__run_type **out)
{
    cleat__run_type *found = cleat__map_get(&match->types, key_of(&id));
    *out = found;
    if (found != NULL) {
        return CLEAT_OK;
    }
    *out = found = cleat__calloc(1, sizeof(*found));
    if (found == NULL) {
        return cleat__fail_memory();
    }
    found->id = id;
    cleat_status status = load_type(match, found);
    if (status == CLEAT_OK) {
        status = cleat__map_put(&match->types, key_of(&found->id), found);
    }
    if (status != CLEAT_OK) {
        cleat__free(found);
    }
    return status;
}

void cleat__run_match_deinit(cleat__run_match *match)
{
    cleat__run_type *each;
    size_t cursor = 0;
    while ((each = cleat__map_next(&match->types, &cursor)) != NULL) {
        cleat__free(each);
    }
    cleat__map_deinit(&match->types);
    for (size_t i = 0; i < CLEAT__RUN_MATCH_FORMS; i++) {
        cleat__needle_deinit(&match->text[i]);
    }
}

/* ---- A row ---- */

/* Cheap to say of most rows: what is not written in them is not their value either. */
static bool may_say(cleat_slice metadata, cleat_slice value)
{
    return metadata.size != 0 && (memchr(metadata.data, '\\', metadata.size) != NULL || value.size == 0 ||
                                  memmem(metadata.data, metadata.size, value.data, value.size) != NULL);
}

bool cleat__run_match_metadata(const cleat__run_match *match, cleat_slice metadata)
{
    const cleat__run_search_filter *filter = match->filter;
    for (size_t i = 0; i < filter->metadata_count; i++) {
        const cleat__run_pair *pair = &filter->metadata[i];
        if (!may_say(metadata, pair->value) || !cleat__metadata_says(metadata, pair->key, pair->value)) {
            return false;
        }
    }
    return true;
}

bool cleat__run_match_error(const cleat__run_match *match, cleat_slice error)
{
    return cleat__needle_is_in(&match->text[0], error);
}

cleat_status cleat__run_match_init(cleat__run_match *match, cleat__store *store,
                                   const cleat__run_search_filter *filter)
{
    *match = (cleat__run_match){.store = store, .filter = filter};
    return init_text(match);
}
