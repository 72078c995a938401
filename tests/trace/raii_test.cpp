// Tracing from C++, on the public headers and the shared library: a span that ends with its block, an
// exporter that is a class, threads, and a static object that outlives the provider's shutdown.
#include <cleat/trace.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace
{

// All that a C++ program needs around the API.
class Span
{
  public:
    Span(cleat_tracer *tracer, const char *name)
        : span_(cleat_span_start(tracer, name, nullptr)), scope_(cleat_span_attach(span_))
    {
    }
    ~Span()
    {
        cleat_scope_detach(scope_);
        cleat_span_end(span_);
    }
    Span(const Span &) = delete;
    Span &operator=(const Span &) = delete;

    void set(const char *key, const std::string &value)
    {
        cleat_span_set_slice(span_, key, cleat_slice{value.data(), value.size()});
    }
    void fail(const std::exception &error)
    {
        cleat_span_record_exception(span_, "std::exception", error.what(), nullptr, nullptr, 0);
        cleat_span_set_status(span_, CLEAT_SPAN_STATUS_ERROR, error.what());
    }

  private:
    cleat_span span_;
    cleat_scope scope_;
};

struct Finished {
    std::string name;
    cleat_trace_id trace_id;
    cleat_span_id span_id, parent_span_id;
    cleat_span_status status;
};

// The struct of C first, as for a program in C; the processor frees it.
struct Exporter : cleat_span_exporter {
    std::mutex mutex;
    std::vector<Finished> *finished; // of main()

    explicit Exporter(std::vector<Finished> *into) : cleat_span_exporter(), finished(into)
    {
        export_spans = [](cleat_span_exporter *self, const cleat_span_batch *batch, int64_t) {
            return static_cast<Exporter *>(self)->keep(batch);
        };
        free = [](cleat_span_exporter *self) { delete static_cast<Exporter *>(self); };
    }

    cleat_status keep(const cleat_span_batch *batch)
    {
        std::lock_guard<std::mutex> lock(mutex);
        cleat_span_view span;
        for (size_t cursor = 0; cleat_span_batch_next(batch, &cursor, &span);) {
            finished->push_back({std::string(span.name.data, span.name.size), span.trace_id, span.span_id,
                                 span.parent_span_id, span.status});
        }
        return CLEAT_OK;
    }
};

void check(bool is_true, const char *what)
{
    if (!is_true) {
        std::fprintf(stderr, "raii_test: not so: %s\n", what);
        std::_Exit(1);
    }
}

template <class Id> bool equal(const Id &a, const Id &b)
{
    return std::memcmp(&a, &b, sizeof(a)) == 0;
}

// Made before the provider, so destroyed after it was shut down at exit.
struct Late {
    cleat_tracer_provider *provider = nullptr;
    cleat_span span = {};
    ~Late()
    {
        cleat_tracer_provider_stats stats;
        check(cleat_span_end(span) == CLEAT_OK, "a late span ends");
        cleat_tracer_provider_get_stats(provider, &stats);
        check(stats.dropped_ended == 1, "a late span is counted");
    }
};
Late late;

void work(cleat_tracer *tracer)
{
    Span outer(tracer, "outer");
    outer.set("language", "C++");
    try {
        Span inner(tracer, "inner");
        try {
            throw std::runtime_error("something");
        } catch (const std::exception &error) {
            inner.fail(error);
            throw;
        }
    } catch (const std::exception &) {
        outer.set("caught", "yes");
    }
}

cleat_tracer_provider *set_up(cleat_span_exporter *exporter)
{
    cleat_tracer_provider *provider = nullptr;
    cleat_span_processor *processor = nullptr;
    check(cleat_batch_processor_new(exporter, nullptr, &processor) == CLEAT_OK, "a processor");
    check(cleat_tracer_provider_new(nullptr, &provider) == CLEAT_OK, "a provider");
    check(cleat_tracer_provider_add_processor(provider, processor) == CLEAT_OK, "both together");
    cleat_tracer_provider_set_global(provider);
    return provider;
}

} // namespace

int main()
{
    static std::vector<Finished> finished;
    cleat_tracer_provider *provider = set_up(new Exporter(&finished));
    cleat_tracer *tracer = cleat_tracer_get("cpp", "1.0");
    late.provider = provider;
    late.span = cleat_span_start(tracer, "late", nullptr);

    work(tracer);
    std::thread([tracer] { Span span(tracer, "in a thread"); }).join();
    check(cleat_tracer_provider_force_flush(provider, 10000) == CLEAT_OK, "flushed");

    check(finished.size() == 3, "three spans");
    check(finished[0].name == "inner" && finished[1].name == "outer", "inner ends first");
    check(equal(finished[0].parent_span_id, finished[1].span_id), "inner's parent is outer");
    check(equal(finished[0].trace_id, finished[1].trace_id), "of one trace");
    check(finished[0].status == CLEAT_SPAN_STATUS_ERROR, "inner failed");
    check(!equal(finished[2].trace_id, finished[0].trace_id), "a thread begins with the root context");
    return 0;
}
