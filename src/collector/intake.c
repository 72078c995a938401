/*
 * Known sources are found by two steps. The first goes by the addresses of resource and scope, which
 * are few; they are forgotten at the end of an insert, as they can come to mean something else. The
 * second goes by content: a peer's next request has the same resource at another address. Only what
 * neither knows is looked up in the table.
 */
#include "collector/intake.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "collector/known_trace.h"
#include "collector/row.h"
#include "collector/source.h"

enum {
    SLOTS = 16,
    KNOWN_MAX = 1024,          /* beyond either, all are forgotten: peers choose the contents */
    KNOWN_BYTES_MAX = 1 << 20, /* of contents */
    SOURCE_OVERHEAD = 50,      /* in the file, besides the content and its copy in the index */
};

static const char storing[] = "storing where spans come from";

typedef struct slot {
    const cleat_resource *resource; /* both borrowed until the end of the insert */
    const cleat_instrumentation_scope *scope;
    cleat__known_source *source; /* NULL: free */
} slot;

struct cleat__intake {
    slot slots[SLOTS];
    cleat__trace_set traces;
    cleat__map known; /* by content */
    size_t known_bytes;
    cleat__buffer content;            /* being looked up */
    cleat__known_source *changed;     /* a list */
    int64_t spans, bytes;             /* not yet in span_total */
    cleat__buffer *added;             /* borrowed; NULL: they are not copied */
    cleat__engine_spans engine_spans; /* last: it is not forgotten */
};

cleat_status cleat__intake_new(cleat__intake **out)
{
    cleat__intake *intake = cleat__calloc(1, sizeof(*intake));
    *out = NULL;
    if (intake == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat__engine_spans_init(&intake->engine_spans);
    if (status != CLEAT_OK) {
        cleat__free(intake);
        return status;
    }
    *out = intake;
    return CLEAT_OK;
}

void cleat__intake_reset(cleat__intake *intake)
{
    cleat__known_source *source;
    size_t cursor = 0;
    cleat__trace_set_reset(&intake->traces);
    while ((source = cleat__map_next(&intake->known, &cursor)) != NULL) {
        cleat__free(source);
    }
    cleat__map_deinit(&intake->known);
    cleat__buffer_deinit(&intake->content);
    memset(intake, 0, offsetof(cleat__intake, engine_spans));
}

void cleat__intake_free(cleat__intake *intake)
{
    if (intake != NULL) {
        cleat__intake_reset(intake);
        cleat__engine_spans_deinit(&intake->engine_spans);
        cleat__free(intake);
    }
}

cleat__trace_set *cleat__intake_traces(cleat__intake *intake)
{
    return &intake->traces;
}

cleat__engine_spans *cleat__intake_engine_spans(cleat__intake *intake)
{
    return &intake->engine_spans;
}

cleat__buffer *cleat__intake_added(cleat__intake *intake)
{
    return intake->added;
}

void cleat__intake_copy_added(cleat__intake *intake, cleat__buffer *request)
{
    intake->added = request;
}

/* ---- Finding a source ---- */

/* `*id` 0: not stored. */
static cleat_status select_source(cleat__store *store, cleat_slice content, int64_t *id)
{
    static const char sql[] = "SELECT id FROM span_source WHERE content = ?1";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_bytes(stmt, 1, content.data, content.size);
    int code = sqlite3_step(stmt);
    *id = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : 0;
    return cleat__store_rows_end(store, stmt, code, storing);
}

static cleat_status insert_source(cleat__store *store, cleat_slice content, int64_t size, int64_t *id)
{
    static const char sql[] = "INSERT INTO span_source (content, size, spans) VALUES (?1, ?2, 0)";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_bytes(stmt, 1, content.data, content.size);
    sqlite3_bind_int64(stmt, 2, size);
    status = cleat__step_done(store, stmt, storing);
    *id = sqlite3_last_insert_rowid(cleat__store_db(store));
    return status;
}

static cleat_status find_stored(cleat__intake *intake, cleat__store *store, int64_t *id)
{
    cleat_slice content = cleat__buffer_slice(&intake->content);
    int64_t size = 2 * (int64_t)content.size + SOURCE_OVERHEAD;
    cleat_status status = select_source(store, content, id);
    if (status == CLEAT_OK && *id == 0) {
        status = insert_source(store, content, size, id);
        intake->bytes += status == CLEAT_OK ? size : 0;
    }
    return status;
}

/* Remembers intake->content under its number. */
static cleat_status add_known(cleat__intake *intake, int64_t id, cleat__known_source **out)
{
    size_t size = intake->content.size;
    cleat__known_source *source = cleat__calloc(1, sizeof(*source) + size);
    if (source == NULL) {
        return cleat__fail_memory();
    }
    source->id = id;
    memcpy(source->content, intake->content.data, size);
    cleat_status status = cleat__map_put(&intake->known, (cleat_slice){source->content, size}, source);
    if (status != CLEAT_OK) {
        cleat__free(source);
        return status;
    }
    intake->known_bytes += size;
    *out = source;
    return CLEAT_OK;
}

static cleat_status find_by_content(cleat__intake *intake, cleat__store *store, const cleat_span_view *span,
                                    cleat__known_source **out)
{
    int64_t id = 0;
    cleat_status status = cleat__source_encode(span->resource, span->scope, &intake->content);
    if (status != CLEAT_OK) {
        return status;
    }
    *out = cleat__map_get(&intake->known, cleat__buffer_slice(&intake->content));
    if (*out != NULL) {
        return CLEAT_OK;
    }
    status = find_stored(intake, store, &id);
    return status == CLEAT_OK ? add_known(intake, id, out) : status;
}

cleat_status cleat__intake_source(cleat__intake *intake, cleat__store *store, const cleat_span_view *span,
                                  cleat__known_source **out)
{
    uintptr_t mixed = ((uintptr_t)span->resource >> 5) ^ ((uintptr_t)span->scope >> 5);
    slot *place = &intake->slots[mixed % SLOTS];
    if (place->source != NULL && place->resource == span->resource && place->scope == span->scope) {
        *out = place->source;
        return CLEAT_OK;
    }
    cleat_status status = find_by_content(intake, store, span, out);
    if (status == CLEAT_OK) {
        *place = (slot){span->resource, span->scope, *out};
    }
    return status;
}

/* ---- Sums ---- */

void cleat__intake_count(cleat__intake *intake, cleat__known_source *source, int64_t bytes)
{
    if (source->new_spans++ == 0) {
        source->next_changed = intake->changed;
        intake->changed = source;
    }
    intake->spans++;
    intake->bytes += bytes;
}

static cleat_status add_to_source(cleat__store *store, const cleat__known_source *source)
{
    static const char sql[] = "UPDATE span_source SET spans = spans + ?2 WHERE id = ?1";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, source->id);
    sqlite3_bind_int64(stmt, 2, source->new_spans);
    return cleat__step_done(store, stmt, storing);
}

static cleat_status add_to_total(cleat__store *store, int64_t spans, int64_t bytes)
{
    static const char sql[] = "UPDATE span_total SET spans = spans + ?1, bytes = bytes + ?2";
    sqlite3_stmt *stmt = NULL;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    sqlite3_bind_int64(stmt, 1, spans);
    sqlite3_bind_int64(stmt, 2, bytes);
    return cleat__step_done(store, stmt, storing);
}

cleat_status cleat__span_insert_end(cleat__store *store, cleat__intake *intake)
{
    cleat_status status = cleat__trace_set_write(&intake->traces, store);
    memset(intake->slots, 0, sizeof(intake->slots));
    while (status == CLEAT_OK && intake->changed != NULL) {
        cleat__known_source *source = intake->changed;
        status = add_to_source(store, source);
        intake->changed = source->next_changed;
        source->new_spans = 0;
    }
    if (status == CLEAT_OK && (intake->spans != 0 || intake->bytes != 0)) {
        status = add_to_total(store, intake->spans, intake->bytes);
        intake->spans = intake->bytes = 0;
    }
    if (intake->known.count > KNOWN_MAX || intake->known_bytes > KNOWN_BYTES_MAX) {
        cleat__intake_reset(intake);
    }
    return status;
}
