/*
 * Random spans against a plain model: what was put into a span must come out of its record, cut and
 * dropped as the limits say. A failure names its seed.
 */
#include "base/random.h"
#include "base/utf8.h"
#include "sdk_test.h"

enum { SEEDS = 400, KEYS = 14, ELEMENTS = 4, RAW_TEXT = 140, MODEL_TEXT = 3 * RAW_TEXT, PARTS = 24 };

#define UNLIMITED UINT32_MAX

static uint64_t seed;
static cleat__random random_numbers;

#define CHECK(condition)                                                     \
    do {                                                                     \
        if (!(condition)) {                                                  \
            fail_msg("seed %llu: %s", (unsigned long long)seed, #condition); \
        }                                                                    \
    } while (0)

static size_t below(size_t bound)
{
    return (size_t)cleat__random_below(&random_numbers, bound);
}

/* ---- The model ---- */

typedef struct model_text {
    size_t size;
    char bytes[MODEL_TEXT];
} model_text;

typedef struct model_value {
    cleat_value_type type;
    size_t count; /* of an array */
    model_text texts[ELEMENTS];
    uint64_t numbers[ELEMENTS]; /* the bits of whatever it is */
} model_value;

typedef struct model_attribute {
    model_text key;
    model_value value;
} model_attribute;

typedef struct model_set {
    model_attribute attributes[KEYS];
    uint32_t count, dropped, limit;
} model_set;

typedef struct model_part { /* an event or a link */
    model_text name;
    int64_t time_ns;
    cleat_span_context context;
    model_set attributes;
} model_part;

typedef struct model_span {
    model_text name, status_message;
    cleat_span_status status;
    model_set attributes;
    model_part events[PARTS], links[PARTS];
    uint32_t event_count, dropped_events, event_limit;
    uint32_t link_count, dropped_links, link_limit;
    uint32_t attributes_per_event, attributes_per_link, value_length;
} model_span;

/* Character by character: what is none becomes U+FFFD, and the first that does not fit ends it. */
static void model_text_set(model_text *text, const char *raw, size_t size, uint32_t limit)
{
    text->size = 0;
    for (uint32_t characters = 0; size != 0 && characters < limit; characters++) {
        size_t length = 1;
        while (length <= size && length <= 4 && cleat__utf8_valid_prefix(raw, length) != length) {
            length++;
        }
        bool is_valid = length <= size && length <= 4;
        const char *from = is_valid ? raw : CLEAT__UTF8_REPLACEMENT;
        size_t added = is_valid ? length : strlen(CLEAT__UTF8_REPLACEMENT);
        memcpy(text->bytes + text->size, from, added);
        text->size += added;
        length = is_valid ? length : 1;
        raw += length;
        size -= length;
    }
}

static bool is_text(const model_text *text, cleat_slice slice)
{
    return cleat_slice_equals((cleat_slice){text->bytes, text->size}, slice);
}

static bool is_array(cleat_value_type type)
{
    return type >= CLEAT_VALUE_STRING_ARRAY;
}

static model_attribute *model_find(model_set *set, cleat_slice key)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (is_text(&set->attributes[i].key, key)) {
            return &set->attributes[i];
        }
    }
    return NULL;
}

/* ---- What is put in: the value for the call, and the same in the model ---- */

typedef struct given_value {
    cleat_attribute attribute;
    model_attribute expected; /* its value before cutting: texts are set when it is put */
    char raw[ELEMENTS][RAW_TEXT];
    cleat_slice strings[ELEMENTS];
    bool booleans[ELEMENTS];
    int64_t integers[ELEMENTS];
    double reals[ELEMENTS];
} given_value;

static size_t random_text(char *raw, size_t most)
{
    static const char *const pieces[] = {"a",        "bc",           "0123456789",
                                         "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x98\x80",
                                         "\xFF",     "\xC3",         "\xED\xA0\x80"};
    size_t wanted = below(most + 1), size = 0;
    size_t kinds = below(3) == 0 ? COUNT_OF(pieces) : below(2) == 0 ? 6 : 3;
    while (size < wanted) {
        const char *piece = pieces[below(kinds)];
        size_t length = strlen(piece);
        length = length < wanted - size ? length : wanted - size;
        memcpy(raw + size, piece, length);
        size += length;
    }
    return size;
}

static const char *random_key(void)
{
    static const char *const keys[KEYS] = {
        "a",
        "b",
        "ab",
        "key",
        "longer.key",
        "http.request.method",
        "\xC3\xA4",
        "k\xFF",
        "k\xEF\xBF\xBD",
        "a key of more than sixty-four bytes, which is more than the fast path takes along",
        "abcd1",
        "abcd2",
        "x.abcd",
        "",
    };
    return keys[below(KEYS)];
}

static void random_elements(given_value *given, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t number = cleat__random_next(&random_numbers) >> below(64);
        number = below(4) == 0 ? ~number : number;
        given->strings[i] =
            (cleat_slice){given->raw[i], random_text(given->raw[i], below(2) ? 20 : RAW_TEXT)};
        given->booleans[i] = (number & 1) != 0;
        given->integers[i] = (int64_t)number;
        memcpy(&given->reals[i], &number, sizeof(number));
        given->expected.value.numbers[i] = number;
    }
}

static void random_attribute(given_value *given)
{
    const char *key = random_key();
    cleat_value_type type = (cleat_value_type)below(CLEAT_VALUE_DOUBLE_ARRAY + 1);
    size_t count = is_array(type) ? below(ELEMENTS + 1) : 1;
    random_elements(given, count);
    given->expected.value.type = type;
    given->expected.value.count = count;
    switch (type) {
    case CLEAT_VALUE_STRING: given->attribute = cleat_attribute_slice(key, given->strings[0]); break;
    case CLEAT_VALUE_BOOL: given->attribute = cleat_attribute_bool(key, given->booleans[0]); break;
    case CLEAT_VALUE_INT: given->attribute = cleat_attribute_int(key, given->integers[0]); break;
    case CLEAT_VALUE_DOUBLE: given->attribute = cleat_attribute_double(key, given->reals[0]); break;
    case CLEAT_VALUE_STRING_ARRAY:
        given->attribute = cleat_attribute_strings(key, given->strings, count);
        break;
    case CLEAT_VALUE_BOOL_ARRAY: given->attribute = cleat_attribute_bools(key, given->booleans, count); break;
    case CLEAT_VALUE_INT_ARRAY: given->attribute = cleat_attribute_ints(key, given->integers, count); break;
    case CLEAT_VALUE_DOUBLE_ARRAY:
        given->attribute = cleat_attribute_doubles(key, given->reals, count);
        break;
    default: given->attribute = cleat_attribute_string(key, NULL); break;
    }
}

/* What putting the attribute answers. */
static cleat_status model_put(model_set *set, const given_value *given, uint32_t value_length)
{
    model_text key;
    model_text_set(&key, given->attribute.key.data, given->attribute.key.size, UNLIMITED);
    if (key.size == 0) {
        return CLEAT_INVALID_ARGUMENT;
    }
    if (given->expected.value.type == CLEAT_VALUE_NONE) {
        return CLEAT_OK;
    }
    model_attribute *place = model_find(set, (cleat_slice){key.bytes, key.size});
    if (place == NULL && set->count == set->limit) {
        set->dropped++;
        return CLEAT_RESOURCE_EXHAUSTED;
    }
    place = place != NULL ? place : &set->attributes[set->count++];
    *place = given->expected;
    place->key = key;
    for (size_t i = 0; i < place->value.count; i++) {
        model_text_set(&place->value.texts[i], given->strings[i].data, given->strings[i].size, value_length);
    }
    return CLEAT_OK;
}

/* ---- One random step, on the span and on its model ---- */

static given_value given[8];
static cleat_attribute given_attributes[COUNT_OF(given)];

/* Attributes for one call; they are put into `set` as the call will do it. */
static size_t random_attributes(model_set *set, uint32_t limit, uint32_t value_length)
{
    size_t count = below(COUNT_OF(given) + 1);
    *set = (model_set){.limit = limit};
    for (size_t i = 0; i < count; i++) {
        random_attribute(&given[i]);
        given_attributes[i] = given[i].attribute;
        model_put(set, &given[i], value_length);
    }
    return count;
}

static cleat_status call_setter(cleat_span span, const given_value *value)
{
    const char *key = value->attribute.key.data;
    if (below(2) == 0) {
        switch (value->attribute.value.type) {
        case CLEAT_VALUE_STRING: return cleat_span_set_slice(span, key, value->strings[0]);
        case CLEAT_VALUE_BOOL: return cleat_span_set_bool(span, key, value->booleans[0]);
        case CLEAT_VALUE_INT: return cleat_span_set_int(span, key, value->integers[0]);
        case CLEAT_VALUE_DOUBLE: return cleat_span_set_double(span, key, value->reals[0]);
        default: break;
        }
    }
    return cleat_span_set_attribute(span, &value->attribute);
}

static void set_attribute(cleat_span span, model_span *model)
{
    random_attribute(&given[0]);
    cleat_status expected = model_put(&model->attributes, &given[0], model->value_length);
    CHECK(call_setter(span, &given[0]) == expected);
}

static void random_string(char *raw, size_t most)
{
    raw[random_text(raw, most)] = '\0';
}

static void add_event(cleat_span span, model_span *model)
{
    char name[RAW_TEXT + 1];
    model_part event = {.time_ns = 1 + (int64_t)below(1000)};
    random_string(name, RAW_TEXT);
    model_text_set(&event.name, name, strlen(name), UNLIMITED);
    size_t count = random_attributes(&event.attributes, model->attributes_per_event, model->value_length);
    bool fits = model->event_count < model->event_limit;
    CHECK(cleat_span_add_event(span, name, given_attributes, count, event.time_ns) ==
          (fits ? CLEAT_OK : CLEAT_RESOURCE_EXHAUSTED));
    if (fits) {
        model->events[model->event_count++] = event;
    } else {
        model->dropped_events++;
    }
}

/* The link for a call, noted in the model as if the call had been made already. */
static cleat_status random_link(model_span *model, model_part *part, cleat_link *link)
{
    *part = (model_part){.context = make_context((uint8_t)(1 + below(200)), (uint8_t)below(4))};
    part->context.is_remote = below(2) == 0;
    if (below(3) == 0) {
        cleat_trace_state_set(&part->context, "key", cleat_slice_of("value"));
    }
    if (below(8) == 0) {
        part->context = (cleat_span_context){.trace_flags = 0};
    }
    size_t count = random_attributes(&part->attributes, model->attributes_per_link, model->value_length);
    *link = (cleat_link){&part->context, given_attributes, count};
    if (count == 0 && !cleat_span_context_is_valid(&part->context)) {
        return CLEAT_OK;
    }
    if (model->link_count == model->link_limit) {
        model->dropped_links++;
        return CLEAT_RESOURCE_EXHAUSTED;
    }
    model->links[model->link_count++] = *part;
    return CLEAT_OK;
}

static void add_link(cleat_span span, model_span *model)
{
    model_part part;
    cleat_link link;
    cleat_status expected = random_link(model, &part, &link);
    CHECK(cleat_span_add_link(span, &link) == expected);
}

static void update_name(cleat_span span, model_span *model)
{
    char name[RAW_TEXT + 1];
    random_string(name, RAW_TEXT);
    model_text_set(&model->name, name, strlen(name), UNLIMITED);
    CHECK(cleat_span_update_name(span, name) == CLEAT_OK);
}

static void set_status(cleat_span span, model_span *model)
{
    char description[RAW_TEXT + 1];
    cleat_span_status status = (cleat_span_status)below(3);
    random_string(description, RAW_TEXT);
    CHECK(cleat_span_set_status(span, status, description) == CLEAT_OK);
    if (status == CLEAT_SPAN_STATUS_UNSET || model->status == CLEAT_SPAN_STATUS_OK) {
        return;
    }
    model->status = status;
    size_t size = status == CLEAT_SPAN_STATUS_ERROR ? strlen(description) : 0;
    model_text_set(&model->status_message, description, size, UNLIMITED);
}

static void step(cleat_span span, model_span *model)
{
    switch (below(10)) {
    case 0: update_name(span, model); break;
    case 1: set_status(span, model); break;
    case 2:
    case 3: add_event(span, model); break;
    case 4:
    case 5: add_link(span, model); break;
    default: set_attribute(span, model); break;
    }
}

/* ---- Comparing ---- */

static void check_element(const model_value *expected, size_t index, const cleat_value *value)
{
    uint64_t bits;
    switch (value->type) {
    case CLEAT_VALUE_STRING: CHECK(is_text(&expected->texts[index], value->as.string)); break;
    case CLEAT_VALUE_BOOL: CHECK(value->as.boolean == ((expected->numbers[index] & 1) != 0)); break;
    case CLEAT_VALUE_INT: CHECK((uint64_t)value->as.integer == expected->numbers[index]); break;
    default: memcpy(&bits, &value->as.real, sizeof(bits)); CHECK(bits == expected->numbers[index]);
    }
}

static void check_value(const model_value *expected, const cleat_value *value)
{
    cleat_value element;
    if (!is_array(expected->type)) {
        CHECK(value->type == expected->type);
        check_element(expected, 0, value);
        return;
    }
    /* An empty array does not say what it is an array of. */
    CHECK(expected->count == 0 ? is_array(value->type) : value->type == expected->type);
    CHECK(value->count == expected->count);
    for (size_t i = 0; i < expected->count; i++) {
        CHECK(cleat_value_element(value, i, &element));
        CHECK(is_array(value->type) && element.type + 4 == value->type);
        check_element(expected, i, &element);
    }
    CHECK(!cleat_value_element(value, expected->count, &element));
}

typedef bool (*next_attribute)(const void *view, size_t *cursor, cleat_attribute *out);

static bool next_of_span(const void *view, size_t *cursor, cleat_attribute *out)
{
    return cleat_span_view_next_attribute(view, cursor, out);
}

static bool next_of_event(const void *view, size_t *cursor, cleat_attribute *out)
{
    return cleat_event_view_next_attribute(view, cursor, out);
}

static bool next_of_link(const void *view, size_t *cursor, cleat_attribute *out)
{
    return cleat_link_view_next_attribute(view, cursor, out);
}

/* Each attribute once; their order is not promised. */
static void check_attributes(model_set *expected, const void *view, next_attribute next, uint32_t dropped)
{
    cleat_attribute attribute;
    bool seen[KEYS] = {false};
    uint32_t count = 0;
    for (size_t cursor = 0; next(view, &cursor, &attribute); count++) {
        model_attribute *like = model_find(expected, attribute.key);
        CHECK(like != NULL);
        CHECK(!seen[like - expected->attributes]);
        seen[like - expected->attributes] = true;
        check_value(&like->value, &attribute.value);
    }
    CHECK(count == expected->count);
    CHECK(dropped == expected->dropped);
}

static void check_parts(model_span *model, const cleat_span_view *view)
{
    cleat_event_view event;
    cleat_link_view link;
    uint32_t events = 0, links = 0;
    for (size_t cursor = 0; cleat_span_view_next_event(view, &cursor, &event); events++) {
        CHECK(events < model->event_count);
        CHECK(is_text(&model->events[events].name, event.name));
        CHECK(event.time_ns == model->events[events].time_ns);
        check_attributes(&model->events[events].attributes, &event, next_of_event,
                         event.dropped_attribute_count);
    }
    for (size_t cursor = 0; cleat_span_view_next_link(view, &cursor, &link); links++) {
        CHECK(links < model->link_count);
        const cleat_span_context *context = &model->links[links].context;
        CHECK(cleat_span_context_equals(&link.context, context));
        CHECK(link.context.trace_flags == context->trace_flags);
        CHECK(link.context.is_remote == context->is_remote);
        CHECK(link.context.trace_state_size == context->trace_state_size);
        CHECK(memcmp(link.context.trace_state, context->trace_state, context->trace_state_size) == 0);
        check_attributes(&model->links[links].attributes, &link, next_of_link, link.dropped_attribute_count);
    }
    CHECK(events == model->event_count && events == view->event_count);
    CHECK(links == model->link_count && links == view->link_count);
}

static void check_span(model_span *model, const cleat_span_view *view)
{
    CHECK(is_text(&model->name, view->name));
    CHECK(view->status == model->status);
    CHECK(is_text(&model->status_message, view->status_message));
    CHECK(view->attribute_count == model->attributes.count);
    check_attributes(&model->attributes, view, next_of_span, view->dropped_attribute_count);
    check_parts(model, view);
    CHECK(view->dropped_event_count == model->dropped_events);
    CHECK(view->dropped_link_count == model->dropped_links);
}

/* ---- The test ---- */

/* An option, and in `*plain` what it means. */
static uint32_t random_limit(uint32_t most, uint32_t unset, uint32_t *plain)
{
    uint32_t limit = (uint32_t)below(most + 2);
    *plain = limit <= most ? limit : 0;
    if (limit == 0) {
        *plain = unset;
    }
    return limit <= most ? limit : CLEAT_LIMIT_NONE;
}

static cleat_span_limits random_limits(model_span *model)
{
    return (cleat_span_limits){
        .attributes = random_limit(KEYS, 128, &model->attributes.limit),
        .events = random_limit(5, 128, &model->event_limit),
        .links = random_limit(5, 128, &model->link_limit),
        .attributes_per_event = random_limit(6, 128, &model->attributes_per_event),
        .attributes_per_link = random_limit(6, 128, &model->attributes_per_link),
        .attribute_value_length = random_limit(30, UNLIMITED, &model->value_length),
    };
}

static cleat_span start_span(cleat_tracer *tracer, model_span *model)
{
    char name[RAW_TEXT + 1];
    model_part part;
    cleat_link link;
    random_string(name, RAW_TEXT);
    model_text_set(&model->name, name, strlen(name), UNLIMITED);
    if (below(2) == 0) {
        random_link(model, &part, &link);
        return cleat_span_start(tracer, name, CLEAT_SPAN_OPTIONS(.links = &link, .link_count = 1));
    }
    size_t count = random_attributes(&model->attributes, model->attributes.limit, model->value_length);
    return cleat_span_start(tracer, name,
                            CLEAT_SPAN_OPTIONS(.attributes = given_attributes, .attribute_count = count));
}

static void spans_like_a_plain_model(void **state)
{
    static model_span model;
    (void)state;
    for (seed = 0; seed < SEEDS; seed++) {
        test_sdk sdk;
        cleat__random_init(&random_numbers, seed);
        memset(&model, 0, sizeof(model));
        SDK_START(&sdk, .sampler = cleat_sampler_always_on(), .limits = random_limits(&model));
        cleat_span span = start_span(sdk.tracer, &model);
        /* Not more than PARTS of them: limits that are not set let all in. */
        for (size_t steps = below(PARTS); steps > 0; steps--) {
            step(span, &model);
        }
        CHECK(cleat_span_end(span) == CLEAT_OK);
        cleat_span_view view = sdk_last(&sdk);
        check_span(&model, &view);
        sdk_stop(&sdk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_like_a_plain_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
