// Tracing from C++, on the public headers and the shared library: a span that ends with its block, an
// exporter that is a class, the options macros, threads, and a static object that outlives the
// provider's shutdown.
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
    Span(cleat_tracer *tracer, const char *name, const cleat_span_options *options = nullptr)
        : span_(cleat_span_start(tracer, name, options)), scope_(cleat_span_attach(span_))
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
    cleat_span_kind kind;
    size_t attribute_count;
    std::string scope_version;
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
                                 span.parent_span_id, span.status, span.kind, span.attribute_count,
                                 std::string(span.scope->version.data, span.scope->version.size)});
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

// What the macros make lives until the call is over, arguments made in it included.
void options(cleat_tracer_provider *provider)
{
    cleat_tracer *tracer =
        cleat_tracer_provider_get_tracer(provider, "options", CLEAT_TRACER_OPTIONS(.version = "2.0"));
    const cleat_attribute attributes[] = {cleat_attribute_int("one", 1), cleat_attribute_int("two", 2),
                                          cleat_attribute_int("three", 3)};
    Span outer(tracer, "plain", CLEAT_SPAN_OPTIONS());
    Span inner(tracer, "root",
               CLEAT_SPAN_OPTIONS(.kind = CLEAT_SPAN_KIND_SERVER, .root = true, .attributes = attributes,
                                  .attribute_count = 3));
}

cleat_tracer_provider *set_up(cleat_span_exporter *exporter)
{
    cleat_tracer_provider *provider = nullptr;
    cleat_span_processor *processor = nullptr;
    cleat_batch_processor_new(exporter, CLEAT_BATCH_PROCESSOR_OPTIONS(.max_queue_size = 64), &processor);
    check(processor != nullptr, "a processor");
    cleat_sampler *sampler =
        cleat_sampler_parent_based_with(CLEAT_PARENT_BASED_OPTIONS(.root = cleat_sampler_always_on()));
    cleat_tracer_provider_new(
        CLEAT_TRACER_PROVIDER_OPTIONS(.sampler = sampler, .limits = {.attributes = 2, .events = 8}),
        &provider);
    check(provider != nullptr, "a provider");
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
    options(provider);
    std::thread([tracer] { Span span(tracer, "in a thread"); }).join();
    check(cleat_tracer_provider_force_flush(provider, 300000) == CLEAT_OK, "flushed");

    check(finished.size() == 5, "five spans");
    check(finished[0].name == "inner" && finished[1].name == "outer", "inner ends first");
    check(equal(finished[0].parent_span_id, finished[1].span_id), "inner's parent is outer");
    check(equal(finished[0].trace_id, finished[1].trace_id), "of one trace");
    check(finished[0].status == CLEAT_SPAN_STATUS_ERROR, "inner failed");
    check(finished[2].name == "root" && !equal(finished[2].trace_id, finished[3].trace_id), "a root");
    check(finished[2].kind == CLEAT_SPAN_KIND_SERVER && finished[3].kind == CLEAT_SPAN_KIND_INTERNAL,
          "kinds are the options'");
    check(finished[2].attribute_count == 2, "the provider's limit counts");
    check(finished[2].scope_version == "2.0", "the tracer has its version");
    check(!equal(finished[4].trace_id, finished[0].trace_id), "a thread begins with the root context");
    return 0;
}
