/*
 * Numbers for /metrics in the text format of Prometheus. Whoever counts something makes its counter
 * or histogram once and adds to it from any thread; whoever knows a number already registers a
 * source, which is asked at each scrape.
 *
 *     cleat__metrics_counter(metrics, "cleat_http_requests_total", "Requests answered.",
 *                            CLEAT__METRIC_LABELS({"method", "GET"}, {"code", "200"}), &counter);
 *     cleat__metric_add(counter, 1);
 *
 * Source: prometheus.io, "Exposition formats", text-based format 0.0.4.
 */
#ifndef CLEAT_SERVER_METRICS_H
#define CLEAT_SERVER_METRICS_H

#include "base/buffer.h"

#include <stdatomic.h>

typedef struct cleat__metrics cleat__metrics;
typedef struct cleat__metric cleat__metric; /* one series; lives as long as its registry */

typedef struct cleat__metric_label {
    const char *name, *value;
} cleat__metric_label;
typedef struct cleat__metric_labels {
    const cleat__metric_label *list;
    size_t count;
} cleat__metric_labels;
#define CLEAT__METRIC_LABELS(...)                                 \
    ((cleat__metric_labels){(cleat__metric_label[]){__VA_ARGS__}, \
                            sizeof((cleat__metric_label[]){__VA_ARGS__}) / sizeof(cleat__metric_label)})
#define CLEAT__METRIC_NO_LABELS ((cleat__metric_labels){NULL, 0})

cleat_status cleat__metrics_new(cleat__metrics **out);
void cleat__metrics_free(cleat__metrics *metrics); /* NULL-safe */

/* `name` and `help` are static. The series that is there with these labels is answered again. NULL
 * `metrics`: `*out` is NULL, to which adding does nothing. */
cleat_status cleat__metrics_counter(cleat__metrics *metrics, const char *name, const char *help,
                                    cleat__metric_labels labels, cleat__metric **out);
/* `bounds`: upper ones, rising, static; +Inf is added. */
cleat_status cleat__metrics_histogram(cleat__metrics *metrics, const char *name, const char *help,
                                      cleat__metric_labels labels, const double *bounds, size_t bound_count,
                                      cleat__metric **out);
/* To a counter. */
void cleat__metric_add(cleat__metric *counter, uint64_t amount);
/* To a histogram. */
void cleat__metric_observe(cleat__metric *histogram, double value);

/* ---- Sources ---- */

typedef struct cleat__metrics_text {
    cleat__buffer *out;
    const char *name; /* of the family under way */
} cleat__metrics_text;

/* A family begins: HELP and TYPE ("counter", "gauge", "histogram"). */
void cleat__metrics_text_begin(cleat__metrics_text *text, const char *name, const char *type,
                               const char *help);
void cleat__metrics_text_int(cleat__metrics_text *text, cleat__metric_labels labels, uint64_t value);
void cleat__metrics_text_double(cleat__metrics_text *text, cleat__metric_labels labels, double value);
/* A whole series of a histogram: `counts` has one for each bound and one more, not summed up. */
void cleat__metrics_text_histogram(cleat__metrics_text *text, cleat__metric_labels labels,
                                   const double *bounds, size_t bound_count, const uint64_t *counts,
                                   double sum);

/* `collect` is called at each scrape, by one thread at a time; it may block for a moment. */
cleat_status cleat__metrics_add_source(cleat__metrics *metrics,
                                       void (*collect)(void *self, cleat__metrics_text *text), void *self);
/* From when this returns on it is not called any more. */
void cleat__metrics_remove_source(cleat__metrics *metrics, void *self);

/* Appends everything. */
#define CLEAT__METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
void cleat__metrics_write(cleat__metrics *metrics, cleat__buffer *out);

#endif
