#include "wire/worker.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/json_writer.h"
#include "wire/message.h"

typedef Cleat__WorkerRegisterRequest request;
typedef Cleat__RuntimeInfo runtime_info;

/* ---- Labels ---- */

/* The maps of both messages have entries of types of their own. */
typedef struct entry {
    const char *key;
    const Cleat__WorkerLabels *value;
} entry;
typedef entry entry_reader(const void *entries, size_t index);

#define ENTRY_READER(function, type)                          \
    static entry function(const void *entries, size_t index)  \
    {                                                         \
        type *const *list = entries;                          \
        return (entry){list[index]->key, list[index]->value}; \
    }
ENTRY_READER(read_entry, Cleat__WorkerRegisterRequest__LabelsEntry)
ENTRY_READER(read_new_entry, Cleat__UpsertWorkerLabelsRequest__LabelsEntry)

static cleat_status read_label(const entry *from, cleat__label *out)
{
    const Cleat__WorkerLabels *value = from->value;
    bool has_text = value != NULL && value->has_str_value_case != 0;
    bool has_number = value != NULL && value->has_int_value_case != 0;
    if (has_text == has_number) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "label \"%.64s\" needs either str_value or int_value",
                           from->key);
    }
    out->key = cleat_slice_of(from->key);
    out->value.is_number = has_number;
    out->value.number = has_number ? value->int_value : 0;
    out->value.text = has_text ? cleat_slice_of(value->str_value) : (cleat_slice){NULL, 0};
    return CLEAT_OK;
}

static cleat_status read_labels(entry_reader *reader, const void *entries, size_t count, cleat__label **out)
{
    *out = NULL;
    if (count == 0) {
        return CLEAT_OK;
    }
    cleat__label *list = cleat__calloc(count, sizeof(*list));
    cleat_status status = list != NULL ? CLEAT_OK : cleat__fail_memory();
    for (size_t i = 0; i < count && status == CLEAT_OK; i++) {
        entry from = reader(entries, i);
        status = read_label(&from, &list[i]);
    }
    if (status != CLEAT_OK) {
        cleat__free(list);
        return status;
    }
    *out = list;
    return CLEAT_OK;
}

cleat_status cleat__worker_labels_read(const Cleat__UpsertWorkerLabelsRequest *message, cleat__label **out)
{
    return read_labels(read_new_entry, message->labels, message->n_labels, out);
}

/* Both entries are generated alike, and written as one. */
typedef Cleat__WorkerRegisterRequest__LabelsEntry written_entry;
_Static_assert(sizeof(written_entry) == sizeof(Cleat__UpsertWorkerLabelsRequest__LabelsEntry),
               "one form of entries");
_Static_assert(offsetof(written_entry, value) ==
                   offsetof(Cleat__UpsertWorkerLabelsRequest__LabelsEntry, value),
               "one form of entries");

static Cleat__WorkerLabels *write_value(bool *failed, const cleat__label_value *value)
{
    Cleat__WorkerLabels *out = cleat__message_new(&cleat__worker_labels__descriptor);
    if (out == NULL) {
        *failed = true;
    } else if (value->is_number) {
        out->has_int_value_case = CLEAT__WORKER_LABELS__HAS_INT_VALUE_INT_VALUE;
        out->int_value = value->number;
    } else {
        out->has_str_value_case = CLEAT__WORKER_LABELS__HAS_STR_VALUE_STR_VALUE;
        out->str_value = cleat__message_text(failed, value->text);
    }
    return out;
}

void *cleat__worker_labels_write(bool *failed, const ProtobufCMessageDescriptor *type,
                                 const cleat__label *items, size_t count, size_t *written)
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
        made->value = write_value(failed, &items[i].value);
    }
    return list;
}

/* ---- The rest ---- */

static cleat_status read_actions(const request *message, cleat__worker_spec *out)
{
    cleat_slice *actions = cleat__calloc(message->n_actions + 1, sizeof(*actions));
    if (actions == NULL) {
        return cleat__fail_memory();
    }
    for (size_t i = 0; i < message->n_actions; i++) {
        actions[i] = cleat_slice_of(message->actions[i]);
    }
    out->actions = actions;
    out->action_count = message->n_actions;
    return CLEAT_OK;
}

/* Either form; neither: the default is left to whoever stores it. */
static cleat_status read_slots(const request *message, cleat__worker_spec *out)
{
    bool has_slots = message->has_slots_case != 0;
    if (has_slots && message->n_slot_config != 0) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT, "give either slots or slot_config");
    }
    size_t count = has_slots ? 1 : message->n_slot_config;
    cleat__slots *slots = cleat__calloc(count + 1, sizeof(*slots));
    if (slots == NULL) {
        return cleat__fail_memory();
    }
    if (has_slots) {
        slots[0] = (cleat__slots){cleat_slice_of("default"), message->slots};
    }
    for (size_t i = 0; i < message->n_slot_config; i++) {
        slots[i] =
            (cleat__slots){cleat_slice_of(message->slot_config[i]->key), message->slot_config[i]->value};
    }
    out->slots = slots;
    out->slot_count = count;
    return CLEAT_OK;
}

static void write_text(cleat__json_writer *writer, const char *key, bool is_there, const char *text)
{
    if (is_there && text[0] != '\0') {
        cleat__writer_string(writer, key, text);
    }
}

static cleat_status read_runtime(const runtime_info *info, cleat__worker_spec *out)
{
    static const char *const languages[] = {
        [CLEAT__SDKS__GO] = "GOLANG",
        [CLEAT__SDKS__PYTHON] = "PYTHON",
        [CLEAT__SDKS__TYPESCRIPT] = "TYPESCRIPT",
        [CLEAT__SDKS__RUBY] = "RUBY",
    };
    if (info == NULL) {
        return CLEAT_OK;
    }
    unsigned language = info->has_language_case != 0 ? (unsigned)info->language : 0;
    bool is_known = language > 0 && language < sizeof(languages) / sizeof(languages[0]);
    cleat__json_writer writer = {0};
    cleat__writer_begin_object(&writer, NULL);
    write_text(&writer, "sdkVersion", info->has_sdk_version_case != 0, info->sdk_version);
    write_text(&writer, "language", is_known, is_known ? languages[language] : NULL);
    write_text(&writer, "languageVersion", info->has_language_version_case != 0, info->language_version);
    write_text(&writer, "os", info->has_os_case != 0, info->os);
    write_text(&writer, "runtimeExtra", info->has_extra_case != 0, info->extra);
    cleat__writer_end_object(&writer);
    out->runtime.data = cleat__buffer_take_string(&writer.out);
    out->runtime.size = out->runtime.data != NULL ? strlen(out->runtime.data) : 0;
    return out->runtime.data != NULL ? CLEAT_OK : cleat__fail_memory();
}

cleat_status cleat__worker_read(const request *message, cleat__worker_spec *out)
{
    cleat__label *labels = NULL;
    *out = (cleat__worker_spec){.name = cleat_slice_of(message->worker_name)};
    cleat_status status = read_actions(message, out);
    if (status == CLEAT_OK) {
        status = read_slots(message, out);
    }
    if (status == CLEAT_OK) {
        status = read_labels(read_entry, message->labels, message->n_labels, &labels);
        out->labels = labels;
        out->label_count = labels != NULL ? message->n_labels : 0;
    }
    return status == CLEAT_OK ? read_runtime(message->runtime_info, out) : status;
}

void cleat__worker_read_end(cleat__worker_spec *spec)
{
    cleat__free((void *)(uintptr_t)spec->actions);
    cleat__free((void *)(uintptr_t)spec->slots);
    cleat__free((void *)(uintptr_t)spec->labels);
    cleat__free((void *)(uintptr_t)spec->runtime.data);
    *spec = (cleat__worker_spec){.name = {NULL, 0}};
}
