/* Following links, from either end. */
#include "collector/collector.h"

#include "collector/row.h"

static const char reading[] = "reading links";

cleat_slice cleat__link_kind(const cleat_link_view *link)
{
    cleat_attribute attribute;
    cleat_slice absent = {NULL, 0};
    size_t cursor = 0;
    while (cleat_link_view_next_attribute(link, &cursor, &attribute)) {
        if (cleat_slice_equals(attribute.key, cleat_slice_of("cleat.link.kind")) &&
            attribute.value.type == CLEAT_VALUE_STRING) {
            return attribute.value.as.string;
        }
    }
    return absent;
}

/* A link `l` with its own span `a` in trace `f`, and the span `b` in trace `t` it points to, where
 * that is stored. */
#define LINK_ROWS                                                                             \
    "SELECT f.trace_id, l.from_span_id, a.name, l.to_trace_id, l.to_span_id, b.name, l.kind," \
    " a.record, b.record FROM span_link l JOIN trace f ON f.id = l.from_trace"                \
    " LEFT JOIN span a ON a.trace = l.from_trace AND a.span_id = l.from_span_id"              \
    " LEFT JOIN trace t ON t.trace_id = l.to_trace_id AND t.tenant = f.tenant"                \
    " LEFT JOIN span b ON b.trace = t.id AND b.span_id = l.to_span_id"

typedef struct task_texts {
    char from[CLEAT__SPAN_TASK_SIZE], to[CLEAT__SPAN_TASK_SIZE];
} task_texts;

static void read_link(sqlite3_stmt *stmt, cleat__link_row *out, task_texts *tasks)
{
    cleat__column_id(stmt, 0, out->from_trace_id.bytes, sizeof(out->from_trace_id.bytes));
    cleat__column_id(stmt, 1, out->from_span_id.bytes, sizeof(out->from_span_id.bytes));
    out->from_name = cleat__column_text(stmt, 2);
    cleat__column_id(stmt, 3, out->to_trace_id.bytes, sizeof(out->to_trace_id.bytes));
    cleat__column_id(stmt, 4, out->to_span_id.bytes, sizeof(out->to_span_id.bytes));
    out->to_name = cleat__column_text(stmt, 5);
    out->kind = cleat__column_text(stmt, 6);
    out->from_task = cleat__span_task_of_row(out->from_name, cleat__column_bytes(stmt, 7), tasks->from);
    out->to_task = cleat__span_task_of_row(out->to_name, cleat__column_bytes(stmt, 8), tasks->to);
}

static cleat_status visit_links(cleat__store *store, const char *sql, int64_t tenant,
                                const cleat_trace_id *trace_id, const cleat_span_id *span_id,
                                cleat__link_visit visit, void *argument)
{
    sqlite3_stmt *stmt = NULL;
    cleat__link_row link;
    task_texts tasks;
    int code;
    cleat_status status = cleat__store_prepare(store, sql, &stmt);
    if (status != CLEAT_OK) {
        return status;
    }
    cleat__bind_trace_id(stmt, 1, trace_id);
    sqlite3_bind_int64(stmt, 3, tenant);
    if (span_id != NULL) {
        cleat__bind_span_id(stmt, 2, span_id);
    }
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW) {
        read_link(stmt, &link, &tasks);
        if (!visit(argument, &link)) {
            break;
        }
    }
    return cleat__store_rows_end(store, stmt, code, reading);
}

cleat_status cleat__links_from(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                               const cleat_span_id *span_id, cleat__link_visit visit, void *argument)
{
    static const char of_trace[] = LINK_ROWS
        " WHERE l.from_trace = (SELECT id FROM trace WHERE trace_id = ?1 AND tenant = ?3) ORDER BY l.id";
    static const char of_span[] =
        LINK_ROWS " WHERE l.from_trace = (SELECT id FROM trace WHERE trace_id = ?1 AND tenant = ?3)"
                  " AND l.from_span_id = ?2 ORDER BY l.id";
    return visit_links(store, span_id == NULL ? of_trace : of_span, tenant, trace_id, span_id, visit,
                       argument);
}

cleat_status cleat__links_to(cleat__store *store, int64_t tenant, const cleat_trace_id *trace_id,
                             const cleat_span_id *span_id, cleat__link_visit visit, void *argument)
{
    static const char of_trace[] = LINK_ROWS " WHERE l.to_trace_id = ?1 AND f.tenant = ?3 ORDER BY l.id";
    static const char of_span[] =
        LINK_ROWS " WHERE l.to_trace_id = ?1 AND f.tenant = ?3 AND l.to_span_id = ?2 ORDER BY l.id";
    return visit_links(store, span_id == NULL ? of_trace : of_span, tenant, trace_id, span_id, visit,
                       argument);
}
