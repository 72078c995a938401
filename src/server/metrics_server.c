#include "metrics_server.h"

static void write_spans(cleat__metrics_text *text, const char *outcome, uint64_t value)
{
    cleat__metrics_text_int(text, CLEAT__METRIC_LABELS({"outcome", outcome}), value);
}

static void collect(void *argument, cleat__metrics_text *text)
{
    const cleat__metrics_server *self = argument;
    cleat__collector_stats in;
    cleat__collector_get_stats(self->collector, &in);
    cleat__metrics_text_begin(text, "cleat_worker_streams", "gauge", "Streams on which workers are told runs.");
    cleat__metrics_text_int(text, CLEAT__METRIC_NO_LABELS, cleat__listeners_count(self->listeners));
    cleat__metrics_text_begin(text, "cleat_otlp_spans_total", "counter", "Spans that clients sent.");
    write_spans(text, "stored", in.spans_stored);
    write_spans(text, "failed", in.spans_failed);
    write_spans(text, "refused", in.spans_refused);
    write_spans(text, "rejected", in.spans_rejected);
    cleat__metrics_text_begin(text, "cleat_otlp_waiting_bytes", "gauge", "Spans that wait to be stored.");
    cleat__metrics_text_int(text, CLEAT__METRIC_NO_LABELS, in.waiting_bytes);
    if (self->forward != NULL) {
        cleat__forward_stats out;
        cleat__forward_get_stats(self->forward, &out);
        cleat__metrics_text_begin(text, "cleat_otlp_forwarded_spans_total", "counter",
                                  "Spans for another back end.");
        write_spans(text, "forwarded", out.forwarded);
        write_spans(text, "full", out.dropped_full);
        write_spans(text, "failed", out.dropped_failed);
        write_spans(text, "rejected", out.dropped_rejected);
        write_spans(text, "stopped", out.dropped_stopped);
    }
}

cleat_status cleat__metrics_server_add(cleat__metrics *metrics, cleat__metrics_server *self)
{
    return cleat__metrics_add_source(metrics, collect, self);
}
