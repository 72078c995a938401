/*
 * OpenTelemetry tracing in plain C: the one header of libcleat-trace.
 *
 * Build with `cc program.c $(pkg-config --cflags --libs cleat-trace)`.
 * A program sets tracing up once, from the OTEL_* environment variables, and traces what it does:
 *
 *     cleat_tracing_start(NULL);                           // provider.h
 *     cleat_tracer *tracer = cleat_tracer_get("my.program", "1.0");
 *     cleat_span span = cleat_span_start(tracer, "work", NULL);
 *     cleat_span_set_string(span, "file.path", "a.txt");
 *     cleat_span_end(span);
 *     cleat_tracing_stop(5000);                        // or at exit, by itself
 *
 * The API (an instrumented library needs no more): attribute.h, span.h, context.h, propagation.h.
 * The SDK (a program sets it up): provider.h, resource.h, sampler.h, processor.h, exporter.h, otlp.h.
 * HTTP: curl.h (clients), http.h (servers), and microhttpd.h, which is to be included by itself.
 */
#ifndef CLEAT_TRACE_H
#define CLEAT_TRACE_H

#include "cleat/attribute.h"
#include "cleat/context.h"
#include "cleat/curl.h"
#include "cleat/exporter.h"
#include "cleat/http.h"
#include "cleat/otlp.h"
#include "cleat/processor.h"
#include "cleat/propagation.h"
#include "cleat/provider.h"
#include "cleat/resource.h"
#include "cleat/sampler.h"
#include "cleat/span.h"

#endif
