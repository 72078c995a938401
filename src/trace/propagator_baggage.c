/* W3C baggage. */
#include "trace/baggage.h"
#include "trace/propagator.h"

#define BAGGAGE "baggage"

static void baggage_inject(const cleat_propagator *self, const cleat_context *context,
                           const cleat_text_map *carrier)
{
    (void)self;
    char text[CLEAT__BAGGAGE_SIZE_MAX];
    size_t size = cleat__baggage_format(cleat_context_get_baggage(context), text);
    if (size != 0) {
        cleat__text_map_set(carrier, BAGGAGE, (cleat_slice){text, size});
    }
}

/* Lines of one header are joined (W3C Baggage 3.3). */
static bool read_line(void *user_data, cleat_slice line)
{
    cleat__baggage_read(user_data, line);
    return true;
}

static cleat_context *baggage_extract(const cleat_propagator *self, const cleat_context *context,
                                      const cleat_text_map *carrier)
{
    (void)self;
    cleat__baggage_reader reader;
    cleat__baggage_reader_init(&reader);
    cleat__text_map_each(carrier, BAGGAGE, read_line, &reader);
    cleat_baggage *baggage = cleat__baggage_take(&reader);
    if (baggage == NULL) {
        return cleat_context_retain(context);
    }
    cleat_context *made = cleat_context_with_baggage(context, baggage);
    cleat_baggage_release(baggage);
    return cleat__context_or_same(made, context);
}

static const char *const *baggage_fields(const cleat_propagator *self)
{
    (void)self;
    static const char *const fields[] = {BAGGAGE, NULL};
    return fields;
}

const cleat_propagator *cleat_propagator_baggage(void)
{
    static const cleat_propagator propagator = {baggage_inject, baggage_extract, baggage_fields, NULL};
    return &propagator;
}
