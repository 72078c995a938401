#include "wire/desired_label.h"

#include "base/alloc.h"
#include "base/error.h"

static cleat_status read_value(const char *key, const Cleat__V1__DesiredWorkerLabels *label,
                               cleat__label_value *out)
{
    bool has_text = label->has_str_value_case != 0, has_number = label->has_int_value_case != 0;
    if (has_text == has_number) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "label \"%.64s\" needs either str_value or int_value",
                           key);
    }
    out->is_number = has_number;
    out->number = has_number ? label->int_value : 0;
    out->text = has_text ? cleat_slice_of(label->str_value) : (cleat_slice){NULL, 0};
    return CLEAT_OK;
}

static cleat_status read_label(const cleat__desired_entry *from, cleat__desired_label *out)
{
    const Cleat__V1__DesiredWorkerLabels *label = from->value;
    if (label == NULL) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "label \"%.64s\" has no value", from->key);
    }
    out->key = cleat_slice_of(from->key);
    out->comparator = CLEAT__COMPARATOR_EQUAL;
    if (label->has_comparator_case != 0) {
        out->comparator = (cleat__comparator)label->comparator; /* checked with the rest of the label */
    }
    out->weight = label->has_weight_case != 0 ? label->weight : CLEAT__LABEL_WEIGHT;
    out->is_required = label->has_required_case != 0 && label->required;
    return read_value(from->key, label, &out->value);
}

cleat_status cleat__desired_labels_read(cleat__desired_entry_reader *reader, const void *entries,
                                        size_t count, cleat__desired_label **out)
{
    *out = NULL;
    if (count == 0) {
        return CLEAT_OK;
    }
    cleat__desired_label *list = cleat__calloc(count, sizeof(*list));
    cleat_status status = list != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        cleat__desired_entry entry = reader(entries, i);
        status = read_label(&entry, &list[i]);
    }
    if (status != CLEAT_OK) {
        cleat__free(list);
        return status;
    }
    *out = list;
    return CLEAT_OK;
}
