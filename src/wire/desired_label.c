#include "wire/desired_label.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/message.h"
#include "wire/v1/workflows.pb-c.h"

/* The maps of the protocol have entries of types of their own, generated alike, and written as one. */
typedef Cleat__V1__TriggerWorkflowRequest__DesiredWorkerLabelsEntry written_entry;
typedef Cleat__V1__CreateTaskOpts__WorkerLabelsEntry entry_of_task;
typedef Cleat__V1__TriggerWorkflowRunRequest__DesiredWorkerLabelsEntry entry_of_run;
_Static_assert(sizeof(written_entry) == sizeof(entry_of_task) &&
                   sizeof(written_entry) == sizeof(entry_of_run),
               "one form of entries");
_Static_assert(offsetof(written_entry, value) == offsetof(entry_of_task, value) &&
                   offsetof(written_entry, value) == offsetof(entry_of_run, value),
               "one form of entries");

/* ---- Reading ---- */

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

/* ---- Writing ---- */

static Cleat__V1__DesiredWorkerLabels *write_value(bool *failed, const cleat__desired_label *label)
{
    Cleat__V1__DesiredWorkerLabels *out = cleat__message_new(&cleat__v1__desired_worker_labels__descriptor);
    if (out == NULL) {
        *failed = true;
        return NULL;
    }
    if (label->value.is_number) {
        out->has_int_value_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_INT_VALUE_INT_VALUE;
        out->int_value = label->value.number;
    } else {
        out->has_str_value_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_STR_VALUE_STR_VALUE;
        out->str_value = cleat__message_text(failed, label->value.text);
    }
    out->has_required_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_REQUIRED_REQUIRED;
    out->required = label->is_required;
    out->has_comparator_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_COMPARATOR_COMPARATOR;
    out->comparator = (Cleat__V1__WorkerLabelComparator)label->comparator;
    out->has_weight_case = CLEAT__V1__DESIRED_WORKER_LABELS__HAS_WEIGHT_WEIGHT;
    out->weight = label->weight;
    return out;
}

void *cleat__desired_labels_write(bool *failed, const ProtobufCMessageDescriptor *type,
                                  const cleat__desired_label *items, size_t count, size_t *written)
{
    written_entry **list = count != 0 ? cleat__calloc(count, sizeof(*list)) : NULL;
    *failed = *failed || (count != 0 && list == NULL);
    *written = 0;
    for (size_t i = 0; list != NULL && i < count; i++) {
        written_entry *made = cleat__message_new(type);
        if (made == NULL) {
            *failed = true;
            break;
        }
        list[(*written)++] = made;
        made->key = cleat__message_text(failed, items[i].key);
        made->value = write_value(failed, &items[i]);
    }
    return list;
}
