#include "metrics.h"

#include <inttypes.h>
#include <math.h>

/* In a help text backslash and newline are escaped, in a label's value quotes too. */
static void append_escaped(cleat__buffer *out, const char *text, bool is_label)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            cleat__buffer_append_string(out, "\\n");
            continue;
        }
        if (*text == '\\' || (*text == '"' && is_label)) {
            cleat__buffer_append_byte(out, '\\');
        }
        cleat__buffer_append_byte(out, (uint8_t)*text);
    }
}

static void append_label(cleat__buffer *out, bool *is_first, const char *name, const char *value)
{
    cleat__buffer_append_byte(out, *is_first ? '{' : ',');
    cleat__buffer_append_string(out, name);
    cleat__buffer_append_string(out, "=\"");
    append_escaped(out, value, true);
    cleat__buffer_append_byte(out, '"');
    *is_first = false;
}

/* The beginning of a line up to its value. `more` is one label more, or NULL. */
static void append_series(cleat__metrics_text *text, const char *suffix, cleat__metric_labels labels,
                          const char *more, const char *more_value)
{
    bool is_first = true;
    cleat__buffer_append_string(text->out, text->name);
    cleat__buffer_append_string(text->out, suffix);
    for (size_t i = 0; i < labels.count; i++) {
        append_label(text->out, &is_first, labels.list[i].name, labels.list[i].value);
    }
    if (more != NULL) {
        append_label(text->out, &is_first, more, more_value);
    }
    cleat__buffer_append_string(text->out, is_first ? " " : "} ");
}

static void append_double(cleat__buffer *out, double value)
{
    if (isnan(value)) {
        cleat__buffer_append_string(out, "NaN");
    } else if (isinf(value)) {
        cleat__buffer_append_string(out, value > 0 ? "+Inf" : "-Inf");
    } else {
        cleat__buffer_append_format(out, "%.10g", value);
    }
}

void cleat__metrics_text_begin(cleat__metrics_text *text, const char *name, const char *type,
                               const char *help)
{
    text->name = name;
    cleat__buffer_append_format(text->out, "# HELP %s ", name);
    append_escaped(text->out, help, false);
    cleat__buffer_append_format(text->out, "\n# TYPE %s %s\n", name, type);
}

void cleat__metrics_text_int(cleat__metrics_text *text, cleat__metric_labels labels, uint64_t value)
{
    append_series(text, "", labels, NULL, NULL);
    cleat__buffer_append_format(text->out, "%" PRIu64 "\n", value);
}

void cleat__metrics_text_double(cleat__metrics_text *text, cleat__metric_labels labels, double value)
{
    append_series(text, "", labels, NULL, NULL);
    append_double(text->out, value);
    cleat__buffer_append_byte(text->out, '\n');
}

void cleat__metrics_text_histogram(cleat__metrics_text *text, cleat__metric_labels labels,
                                   const double *bounds, size_t bound_count, const uint64_t *counts,
                                   double sum)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= bound_count; i++) {
        cleat__buffer bound = {0};
        append_double(&bound, i < bound_count ? bounds[i] : HUGE_VAL);
        cleat__buffer_append_byte(&bound, '\0');
        total += counts[i];
        append_series(text, "_bucket", labels, "le", bound.failed ? "" : (const char *)bound.data);
        cleat__buffer_append_format(text->out, "%" PRIu64 "\n", total);
        text->out->failed = text->out->failed || bound.failed;
        cleat__buffer_deinit(&bound);
    }
    append_series(text, "_sum", labels, NULL, NULL);
    append_double(text->out, sum);
    cleat__buffer_append_byte(text->out, '\n');
    append_series(text, "_count", labels, NULL, NULL);
    cleat__buffer_append_format(text->out, "%" PRIu64 "\n", total);
}
