#include "metrics.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/map.h"
#include "base/thread.h"

enum { LABELS_MAX = 4 };

struct cleat__metric {
    cleat__metric *next; /* of its family */
    char *key;           /* name and labels; the map's key; owned, and holds the labels' values */
    cleat__metric_label labels[LABELS_MAX];
    size_t label_count;
    const double *bounds;
    size_t bound_count;
    _Atomic uint64_t sum_bits; /* of a histogram: a double */
    _Atomic uint64_t counts[]; /* one; a histogram has one for each bound and one more */
};

typedef struct family {
    struct family *next;
    const char *name, *type, *help;
    cleat__metric *head, *tail;
} family;

typedef struct source {
    struct source *next;
    void (*collect)(void *self, cleat__metrics_text *text);
    void *self;
} source;

struct cleat__metrics {
    pthread_mutex_t mutex; /* guards the lists, not the numbers */
    cleat__map series;
    family *families, *last;
    pthread_mutex_t source_mutex; /* guards the sources, and is held while they are asked */
    source *sources;
};

cleat_status cleat__metrics_new(cleat__metrics **out)
{
    *out = cleat__calloc(1, sizeof(**out));
    if (*out == NULL) {
        return cleat__fail_memory();
    }
    pthread_mutex_init(&(*out)->mutex, NULL);
    pthread_mutex_init(&(*out)->source_mutex, NULL);
    return CLEAT_OK;
}

void cleat__metrics_free(cleat__metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    while (metrics->families != NULL) {
        family *first = metrics->families;
        metrics->families = first->next;
        while (first->head != NULL) {
            cleat__metric *metric = first->head;
            first->head = metric->next;
            cleat__free(metric->key);
            cleat__free(metric);
        }
        cleat__free(first);
    }
    while (metrics->sources != NULL) {
        source *first = metrics->sources;
        metrics->sources = first->next;
        cleat__free(first);
    }
    cleat__map_deinit(&metrics->series);
    pthread_mutex_destroy(&metrics->source_mutex);
    pthread_mutex_destroy(&metrics->mutex);
    cleat__free(metrics);
}

/* ---- Series ---- */

/* Name and labels, each with a NUL behind it. */
static char *make_key(const char *name, cleat__metric_labels labels, size_t *size)
{
    cleat__buffer key = {0};
    cleat__buffer_append(&key, name, strlen(name) + 1);
    for (size_t i = 0; i < labels.count; i++) {
        cleat__buffer_append(&key, labels.list[i].name, strlen(labels.list[i].name) + 1);
        cleat__buffer_append(&key, labels.list[i].value, strlen(labels.list[i].value) + 1);
    }
    *size = key.size;
    return cleat__buffer_take_string(&key);
}

static family *find_family(cleat__metrics *metrics, const char *name, const char *type, const char *help)
{
    for (family *at = metrics->families; at != NULL; at = at->next) {
        if (strcmp(at->name, name) == 0) {
            return at;
        }
    }
    family *made = cleat__calloc(1, sizeof(*made));
    if (made == NULL) {
        return NULL;
    }
    made->name = name;
    made->type = type;
    made->help = help;
    *(metrics->last != NULL ? &metrics->last->next : &metrics->families) = made;
    metrics->last = made;
    return made;
}

/* Takes the key. */
static cleat__metric *make_metric(char *key, const char *name, cleat__metric_labels labels,
                                  const double *bounds, size_t bound_count)
{
    cleat__metric *made = cleat__calloc(1, sizeof(*made) + (bound_count + 1) * sizeof(made->counts[0]));
    if (made == NULL) {
        cleat__free(key);
        return NULL;
    }
    made->key = key;
    made->bounds = bounds;
    made->bound_count = bound_count;
    const char *at = key + strlen(name) + 1;
    for (made->label_count = 0; made->label_count < labels.count; made->label_count++) {
        cleat__metric_label *label = &made->labels[made->label_count];
        label->name = at;
        label->value = at + strlen(at) + 1;
        at = label->value + strlen(label->value) + 1;
    }
    return made;
}

static cleat_status find_or_make(cleat__metrics *metrics, const family *kind, cleat__metric_labels labels,
                                 const double *bounds, size_t bound_count, cleat__metric **out)
{
    size_t size = 0;
    char *key = make_key(kind->name, labels, &size);
    if (key == NULL) {
        return cleat__fail_memory();
    }
    cleat_slice slice = {key, size};
    pthread_mutex_lock(&metrics->mutex);
    *out = cleat__map_get(&metrics->series, slice);
    if (*out != NULL) {
        cleat__free(key);
        pthread_mutex_unlock(&metrics->mutex);
        return CLEAT_OK;
    }
    family *owner = find_family(metrics, kind->name, kind->type, kind->help);
    cleat__metric *made = make_metric(key, kind->name, labels, bounds, bound_count);
    if (owner == NULL || made == NULL || cleat__map_put(&metrics->series, slice, made) != CLEAT_OK) {
        if (made != NULL) {
            cleat__free(made->key);
            cleat__free(made);
        }
        pthread_mutex_unlock(&metrics->mutex);
        return cleat__fail_memory();
    }
    *(owner->tail != NULL ? &owner->tail->next : &owner->head) = made;
    owner->tail = made;
    *out = made;
    pthread_mutex_unlock(&metrics->mutex);
    return CLEAT_OK;
}

cleat_status cleat__metrics_counter(cleat__metrics *metrics, const char *name, const char *help,
                                    cleat__metric_labels labels, cleat__metric **out)
{
    family kind = {.name = name, .type = "counter", .help = help};
    *out = NULL;
    return metrics == NULL || labels.count > LABELS_MAX ? CLEAT_OK
                                                        : find_or_make(metrics, &kind, labels, NULL, 0, out);
}

cleat_status cleat__metrics_histogram(cleat__metrics *metrics, const char *name, const char *help,
                                      cleat__metric_labels labels, const double *bounds, size_t bound_count,
                                      cleat__metric **out)
{
    family kind = {.name = name, .type = "histogram", .help = help};
    *out = NULL;
    return metrics == NULL || labels.count > LABELS_MAX
               ? CLEAT_OK
               : find_or_make(metrics, &kind, labels, bounds, bound_count, out);
}

void cleat__metric_add(cleat__metric *counter, uint64_t amount)
{
    if (counter != NULL) {
        atomic_fetch_add_explicit(&counter->counts[0], amount, memory_order_relaxed);
    }
}

static double double_of(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

void cleat__metric_observe(cleat__metric *histogram, double value)
{
    if (histogram == NULL) {
        return;
    }
    size_t at = 0;
    while (at < histogram->bound_count && value > histogram->bounds[at]) {
        at++;
    }
    atomic_fetch_add_explicit(&histogram->counts[at], 1, memory_order_relaxed);
    uint64_t before = atomic_load_explicit(&histogram->sum_bits, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&histogram->sum_bits, &before,
                                                  bits_of(double_of(before) + value), memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

/* ---- Sources ---- */

cleat_status cleat__metrics_add_source(cleat__metrics *metrics,
                                       void (*collect)(void *self, cleat__metrics_text *text), void *self)
{
    source *made = cleat__calloc(1, sizeof(*made));
    if (made == NULL) {
        return cleat__fail_memory();
    }
    made->collect = collect;
    made->self = self;
    pthread_mutex_lock(&metrics->source_mutex);
    source **end = &metrics->sources;
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = made;
    pthread_mutex_unlock(&metrics->source_mutex);
    return CLEAT_OK;
}

void cleat__metrics_remove_source(cleat__metrics *metrics, void *self)
{
    pthread_mutex_lock(&metrics->source_mutex);
    for (source **at = &metrics->sources; *at != NULL; at = &(*at)->next) {
        if ((*at)->self == self) {
            source *gone = *at;
            *at = gone->next;
            cleat__free(gone);
            break;
        }
    }
    pthread_mutex_unlock(&metrics->source_mutex);
}

/* ---- Text ---- */

static void write_metric(cleat__metrics_text *text, const cleat__metric *metric)
{
    cleat__metric_labels labels = {metric->labels, metric->label_count};
    if (metric->bounds == NULL) {
        cleat__metrics_text_int(text, labels, atomic_load_explicit(&metric->counts[0], memory_order_relaxed));
        return;
    }
    uint64_t *counts = cleat__calloc(metric->bound_count + 1, sizeof(*counts));
    if (counts == NULL) {
        text->out->failed = true;
        return;
    }
    for (size_t i = 0; i <= metric->bound_count; i++) {
        counts[i] = atomic_load_explicit(&metric->counts[i], memory_order_relaxed);
    }
    double sum = double_of(atomic_load_explicit(&metric->sum_bits, memory_order_relaxed));
    cleat__metrics_text_histogram(text, labels, metric->bounds, metric->bound_count, counts, sum);
    cleat__free(counts);
}

void cleat__metrics_write(cleat__metrics *metrics, cleat__buffer *out)
{
    cleat__metrics_text text = {.out = out};
    pthread_mutex_lock(&metrics->mutex);
    for (const family *at = metrics->families; at != NULL; at = at->next) {
        cleat__metrics_text_begin(&text, at->name, at->type, at->help);
        for (const cleat__metric *metric = at->head; metric != NULL; metric = metric->next) {
            write_metric(&text, metric);
        }
    }
    pthread_mutex_unlock(&metrics->mutex);
    pthread_mutex_lock(&metrics->source_mutex);
    for (const source *at = metrics->sources; at != NULL; at = at->next) {
        at->collect(at->self, &text);
    }
    pthread_mutex_unlock(&metrics->source_mutex);
}
