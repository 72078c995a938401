#include "sdk/wishes.h"

#include "base/alloc.h"
#include "base/error.h"

static cleat_status check_list(const char *what, const void *list, size_t count)
{
    if (count != 0 && list == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "%s is NULL, but its count is %zu", what, count);
    }
    return CLEAT_OK;
}

static cleat__label_value value_of(const char *text, int32_t number)
{
    return (cleat__label_value){.is_number = text == NULL, .number = number, .text = cleat_slice_of(text)};
}

cleat_status cleat__labels_take(const cleat_label *labels, size_t count, cleat__label **out)
{
    *out = NULL;
    cleat_status status = check_list("labels", labels, count);
    if (status != CLEAT_OK || count == 0) {
        return status;
    }
    cleat__label *list = cleat__calloc(count, sizeof(*list));
    if (list == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count; i++) {
        list[i].key = cleat_slice_of(labels[i].key);
        list[i].value = value_of(labels[i].text, labels[i].number);
    }
    status = cleat__labels_check(list, count);
    if (status != CLEAT_OK) {
        cleat__free(list);
        return status;
    }
    *out = list;
    return CLEAT_OK;
}

cleat_status cleat__desired_labels_take(const cleat_desired_label *labels, size_t count,
                                        cleat__desired_label **out)
{
    *out = NULL;
    cleat_status status = check_list("desired_labels", labels, count);
    if (status != CLEAT_OK || count == 0) {
        return status;
    }
    cleat__desired_label *list = cleat__calloc(count, sizeof(*list));
    if (list == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count; i++) {
        list[i].key = cleat_slice_of(labels[i].key);
        list[i].value = value_of(labels[i].text, labels[i].number);
        list[i].comparator = (cleat__comparator)labels[i].comparator;
        list[i].weight = labels[i].weight != 0 ? labels[i].weight : CLEAT__LABEL_WEIGHT;
        list[i].is_required = labels[i].required;
    }
    status = cleat__desired_labels_check(list, count);
    if (status != CLEAT_OK) {
        cleat__free(list);
        return status;
    }
    *out = list;
    return CLEAT_OK;
}

cleat_status cleat__slots_take(int32_t more, const cleat_slots *slots, size_t count, cleat__slots **out,
                               size_t *out_count)
{
    size_t first = more != 0;
    *out = NULL;
    *out_count = 0;
    cleat_status status = check_list("slots", slots, count);
    if (status != CLEAT_OK || count + first == 0) {
        return status;
    }
    cleat__slots *list = cleat__calloc(count + first, sizeof(*list));
    if (list == NULL) {
        return cleat__fail_memory();
    }
    list[0] = (cleat__slots){cleat_slice_of("default"), more};
    for (size_t i = 0; i < count; i++) {
        list[first + i] = (cleat__slots){cleat_slice_of(slots[i].type), slots[i].units};
    }
    status = cleat__slots_check(list, count + first);
    if (status != CLEAT_OK) {
        cleat__free(list);
        return status;
    }
    *out = list;
    *out_count = count + first;
    return CLEAT_OK;
}

cleat_status cleat__concurrency_take(const cleat_concurrency *rules, size_t count, cleat__concurrency **out)
{
    *out = NULL;
    cleat_status status = check_list("concurrency", rules, count);
    if (status != CLEAT_OK || count == 0) {
        return status;
    }
    cleat__concurrency *list = cleat__calloc(count, sizeof(*list));
    if (list == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = (cleat__concurrency){
            .expression = cleat_slice_of(rules[i].expression),
            .max_runs_expression = cleat_slice_of(rules[i].max_runs_expression),
            .max_runs = rules[i].max_runs != 0 ? rules[i].max_runs : 1,
            .strategy = rules[i].strategy,
        };
        if (rules[i].is_tenant_scoped) {
            list[i].name = cleat_slice_of(rules[i].name != NULL ? rules[i].name : "");
        }
    }
    status = cleat__concurrency_check(list, count);
    if (status != CLEAT_OK) {
        cleat__free(list);
        return status;
    }
    *out = list;
    return CLEAT_OK;
}

static cleat__rate_use use_of(const cleat_rate_limit *from)
{
    cleat_rate_limit_duration duration = (int)from->duration != 0 ? from->duration : CLEAT_PER_MINUTE;
    return (cleat__rate_use){
        .key = cleat_slice_of(from->key),
        .key_expression = cleat_slice_of(from->key_expression),
        .units = from->units != 0 ? from->units : 1,
        .units_expression = cleat_slice_of(from->units_expression),
        .limit_expression = cleat_slice_of(from->limit_expression),
        .window_ms = cleat__rate_duration_ms(duration),
    };
}

cleat_status cleat__rate_uses_take(const cleat_rate_limit *limits, size_t count, cleat__rate_use **out)
{
    *out = NULL;
    cleat_status status = check_list("rate_limits", limits, count);
    if (status != CLEAT_OK || count == 0) {
        return status;
    }
    cleat__rate_use *list = cleat__calloc(count, sizeof(*list));
    if (list == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = use_of(&limits[i]);
    }
    status = cleat__rate_uses_check(list, count);
    if (status != CLEAT_OK) {
        cleat__free(list);
        return status;
    }
    *out = list;
    return CLEAT_OK;
}
