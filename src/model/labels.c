#include "model/labels.h"

#include "base/alloc.h"
#include "base/error.h"

#include <jansson.h>

/* ---- Checks ---- */

static cleat_status check_label(cleat_slice key, const cleat__label_value *value)
{
    if (key.size == 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "labels: a key is empty");
    }
    if (key.size > CLEAT__LABEL_SIZE_MAX || value->text.size > CLEAT__LABEL_SIZE_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "labels: \"%.32s...\" has more than %d bytes",
                           key.size > CLEAT__LABEL_SIZE_MAX ? key.data : value->text.data,
                           CLEAT__LABEL_SIZE_MAX);
    }
    return CLEAT_OK;
}

static cleat_status check_count(size_t count)
{
    if (count > CLEAT__LABELS_MAX) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "labels: %zu are given, at most %d are allowed", count,
                           CLEAT__LABELS_MAX);
    }
    return CLEAT_OK;
}

cleat_status cleat__labels_check(const cleat__label *items, size_t count)
{
    cleat_status status = check_count(count);
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        status = check_label(items[i].key, &items[i].value);
    }
    return status;
}

cleat_status cleat__desired_labels_check(const cleat__desired_label *items, size_t count)
{
    cleat_status status = check_count(count);
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        const cleat__desired_label *item = &items[i];
        status = check_label(item->key, &item->value);
        if (status == CLEAT_OK && ((int)item->comparator < CLEAT__COMPARATOR_EQUAL ||
                                   item->comparator > CLEAT__COMPARATOR_LESS_THAN_OR_EQUAL)) {
            status = cleat__fail(CLEAT_INVALID_ARGUMENT, "labels: comparator %d of \"%.*s\" is unknown",
                                 (int)item->comparator, CLEAT_SLICE_ARGS(item->key));
        }
        if (status == CLEAT_OK && item->comparator > CLEAT__COMPARATOR_NOT_EQUAL && !item->value.is_number) {
            status = cleat__fail(CLEAT_INVALID_ARGUMENT,
                                 "labels: \"%.*s\" is compared by size, which needs a number",
                                 CLEAT_SLICE_ARGS(item->key));
        }
    }
    return status;
}

cleat_status cleat__wish_check(const cleat__desired_label *items, size_t count)
{
    cleat_status status = cleat__desired_labels_check(items, count);
    size_t size = 0;
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        size += sizeof(items[i]) + items[i].key.size + items[i].value.text.size;
    }
    if (size > CLEAT__WISH_SIZE_MAX) {
        status = cleat__fail(CLEAT_INVALID_ARGUMENT,
                             "labels: what the run desires takes %zu bytes, at most %d are kept", size,
                             CLEAT__WISH_SIZE_MAX);
    }
    return status;
}

/* ---- As text ---- */

static void encode_value(const cleat__label_value *value, cleat__buffer *out)
{
    if (value->is_number) {
        cleat__buffer_append_format(out, "%d", value->number);
    } else {
        cleat__buffer_append_json(out, value->text);
    }
}

void cleat__labels_encode(const cleat__label *items, size_t count, cleat__buffer *out)
{
    cleat__buffer_append_byte(out, '{');
    for (size_t i = 0; i < count; i++) {
        cleat__buffer_append_string(out, i != 0 ? "," : "");
        cleat__buffer_append_json(out, items[i].key);
        cleat__buffer_append_byte(out, ':');
        encode_value(&items[i].value, out);
    }
    cleat__buffer_append_byte(out, '}');
}

void cleat__desired_labels_encode(const cleat__desired_label *items, size_t count, cleat__buffer *out)
{
    cleat__buffer_append_byte(out, '[');
    for (size_t i = 0; i < count; i++) {
        cleat__buffer_append_string(out, i != 0 ? ",{\"key\":" : "{\"key\":");
        cleat__buffer_append_json(out, items[i].key);
        cleat__buffer_append_string(out, ",\"value\":");
        encode_value(&items[i].value, out);
        cleat__buffer_append_format(out, ",\"comparator\":%d,\"weight\":%d,\"required\":%s}",
                                    (int)items[i].comparator, items[i].weight,
                                    items[i].is_required ? "true" : "false");
    }
    cleat__buffer_append_byte(out, ']');
}

static cleat_status fail_corrupt(void)
{
    return cleat__fail(CLEAT_CORRUPT, "labels in the database make no sense; restore a copy");
}

static size_t value_size(const json_t *value)
{
    return json_is_string(value) ? json_string_length(value) : 0;
}

static cleat_slice put_text(char **at, const char *text, size_t size)
{
    cleat_slice copy = {*at, size};
    memcpy(*at, text, size);
    *at += size;
    return copy;
}

/* Texts go to *at. False: neither text nor number. */
static bool read_value(const json_t *value, char **at, cleat__label_value *out)
{
    *out = (cleat__label_value){.is_number = json_is_integer(value)};
    if (out->is_number) {
        out->number = (int32_t)json_integer_value(value);
    } else if (json_is_string(value)) {
        out->text = put_text(at, json_string_value(value), json_string_length(value));
    }
    return out->is_number || json_is_string(value);
}

static cleat_status read_labels(json_t *object, cleat__labels **out)
{
    size_t size = sizeof(cleat__labels) + json_object_size(object) * sizeof(cleat__label);
    size_t texts = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        texts += strlen(key) + value_size(value);
    }
    cleat__labels *labels = cleat__malloc(size + texts);
    if (labels == NULL) {
        return cleat__fail_memory();
    }
    labels->count = 0;
    char *at = (char *)labels + size;
    json_object_foreach(object, key, value)
    {
        cleat__label *item = &labels->items[labels->count++];
        item->key = put_text(&at, key, strlen(key));
        if (!read_value(value, &at, &item->value)) {
            cleat__free(labels);
            return fail_corrupt();
        }
    }
    *out = labels;
    return CLEAT_OK;
}

cleat_status cleat__labels_decode(cleat_slice text, cleat__labels **out)
{
    *out = NULL;
    json_t *json = json_loadb(text.data != NULL ? text.data : "", text.size, 0, NULL);
    cleat_status status = json_is_object(json) ? read_labels(json, out) : fail_corrupt();
    json_decref(json);
    return status;
}

static bool read_desired_label(const json_t *json, char **at, cleat__desired_label *out)
{
    const json_t *key = json_object_get(json, "key"), *value = json_object_get(json, "value");
    if (!json_is_string(key)) {
        return false;
    }
    *out = (cleat__desired_label){
        .key = put_text(at, json_string_value(key), json_string_length(key)),
        .comparator = (cleat__comparator)json_integer_value(json_object_get(json, "comparator")),
        .weight = (int32_t)json_integer_value(json_object_get(json, "weight")),
        .is_required = json_is_true(json_object_get(json, "required")),
    };
    return read_value(value, at, &out->value);
}

static cleat_status read_desired_labels(json_t *array, cleat__desired_labels **out)
{
    size_t size = sizeof(cleat__desired_labels) + json_array_size(array) * sizeof(cleat__desired_label);
    size_t texts = 0, i;
    const json_t *item;
    json_array_foreach(array, i, item)
    {
        texts += value_size(json_object_get(item, "key")) + value_size(json_object_get(item, "value"));
    }
    cleat__desired_labels *labels = cleat__malloc(size + texts);
    if (labels == NULL) {
        return cleat__fail_memory();
    }
    labels->count = json_array_size(array);
    char *at = (char *)labels + size;
    json_array_foreach(array, i, item)
    {
        if (!read_desired_label(item, &at, &labels->items[i])) {
            cleat__free(labels);
            return fail_corrupt();
        }
    }
    *out = labels;
    return CLEAT_OK;
}

cleat_status cleat__desired_labels_decode(cleat_slice text, cleat__desired_labels **out)
{
    *out = NULL;
    json_t *json = json_loadb(text.data != NULL ? text.data : "", text.size, 0, NULL);
    cleat_status status = json_is_array(json) ? read_desired_labels(json, out) : fail_corrupt();
    json_decref(json);
    return status;
}

/* ---- Wishes ---- */

void cleat__wish_encode(const cleat__uuid *worker, const cleat__desired_label *items, size_t count,
                        cleat__buffer *out)
{
    char id[37] = "";
    if (!cleat__uuid_is_nil(worker)) {
        cleat__uuid_format(worker, id);
    }
    cleat__buffer_append_format(out, "{\"worker\":\"%s\",\"labels\":", id);
    cleat__desired_labels_encode(items, count, out);
    cleat__buffer_append_byte(out, '}');
}

static cleat_status read_wish(const json_t *json, cleat__wish *out)
{
    json_t *worker = json_object_get(json, "worker"), *labels = json_object_get(json, "labels");
    if (!json_is_string(worker) || !json_is_array(labels)) {
        return fail_corrupt();
    }
    cleat_slice id = {json_string_value(worker), json_string_length(worker)};
    if (id.size != 0 && cleat__uuid_parse(id, &out->worker) != CLEAT_OK) {
        return fail_corrupt();
    }
    return json_array_size(labels) != 0 ? read_desired_labels(labels, &out->labels) : CLEAT_OK;
}

cleat_status cleat__wish_decode(cleat_slice text, cleat__wish *out)
{
    *out = (cleat__wish){.labels = NULL};
    json_t *json = json_loadb(text.data != NULL ? text.data : "", text.size, 0, NULL);
    cleat_status status = read_wish(json, out);
    json_decref(json);
    return status;
}

/* ---- Merging ---- */

static const cleat__label *find(const cleat__label *items, size_t count, cleat_slice key)
{
    for (size_t i = 0; i < count; i++) {
        if (cleat_slice_equals(items[i].key, key)) {
            return &items[i];
        }
    }
    return NULL;
}

static void put_label(cleat__labels *to, const cleat__label *item, char **at)
{
    cleat__label *copy = &to->items[to->count++];
    *copy = *item;
    copy->key = put_text(at, item->key.data, item->key.size);
    if (!item->value.is_number && item->value.text.size != 0) {
        copy->value.text = put_text(at, item->value.text.data, item->value.text.size);
    }
}

cleat__labels *cleat__labels_merge(const cleat__labels *first, const cleat__label *second, size_t count)
{
    size_t former = first != NULL ? first->count : 0;
    size_t size = sizeof(cleat__labels) + (former + count) * sizeof(cleat__label);
    size_t texts = 0;
    for (size_t i = 0; i < former; i++) {
        texts += first->items[i].key.size + first->items[i].value.text.size;
    }
    for (size_t i = 0; i < count; i++) {
        texts += second[i].key.size + second[i].value.text.size;
    }
    cleat__labels *merged = cleat__malloc(size + texts);
    if (merged == NULL) {
        return NULL;
    }
    merged->count = 0;
    char *at = (char *)merged + size;
    for (size_t i = 0; i < former; i++) {
        if (find(second, count, first->items[i].key) == NULL) {
            put_label(merged, &first->items[i], &at);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (find(&second[i + 1], count - i - 1, second[i].key) == NULL) { /* of two the later counts */
            put_label(merged, &second[i], &at);
        }
    }
    return merged;
}

/* ---- Ranking ---- */

static bool values_equal(const cleat__label_value *a, const cleat__label_value *b)
{
    if (a->is_number != b->is_number) {
        return false;
    }
    return a->is_number ? a->number == b->number : cleat_slice_equals(a->text, b->text);
}

static bool is_met(const cleat__desired_label *desired, const cleat__label_value *has)
{
    bool are_numbers = has->is_number && desired->value.is_number;
    switch (desired->comparator) {
    case CLEAT__COMPARATOR_EQUAL: return values_equal(has, &desired->value);
    case CLEAT__COMPARATOR_NOT_EQUAL: return !values_equal(has, &desired->value);
    case CLEAT__COMPARATOR_GREATER_THAN: return are_numbers && has->number > desired->value.number;
    case CLEAT__COMPARATOR_GREATER_THAN_OR_EQUAL: return are_numbers && has->number >= desired->value.number;
    case CLEAT__COMPARATOR_LESS_THAN: return are_numbers && has->number < desired->value.number;
    case CLEAT__COMPARATOR_LESS_THAN_OR_EQUAL: return are_numbers && has->number <= desired->value.number;
    }
    return false;
}

static bool rank_one(const cleat__desired_label *desired, const cleat__labels *labels, int64_t *rank)
{
    const cleat__label *has = labels != NULL ? find(labels->items, labels->count, desired->key) : NULL;
    if (has != NULL && is_met(desired, &has->value)) {
        *rank += desired->weight;
        return true;
    }
    return !desired->is_required;
}

static bool has_key(const cleat__desired_labels *labels, cleat_slice key)
{
    for (size_t i = 0; labels != NULL && i < labels->count; i++) {
        if (cleat_slice_equals(labels->items[i].key, key)) {
            return true;
        }
    }
    return false;
}

bool cleat__desired_labels_rank(const cleat__desired_labels *desired, const cleat__desired_labels *instead,
                                const cleat__labels *labels, int64_t *rank)
{
    for (size_t i = 0; desired != NULL && i < desired->count; i++) {
        const cleat__desired_label *item = &desired->items[i];
        if (!has_key(instead, item->key) && !rank_one(item, labels, rank)) {
            return false;
        }
    }
    return true;
}
