#include "transport/grpc_register.h"

#include "base/alloc.h"
#include "base/error.h"
#include "wire/message.h"
#include "wire/worker.h"

static void write_slots(const cleat__remote_worker *worker, bool *failed,
                        Cleat__WorkerRegisterRequest *message)
{
    message->slot_config = cleat__calloc(worker->slots->count, sizeof(*message->slot_config));
    *failed = *failed || message->slot_config == NULL;
    for (size_t i = 0; !*failed && i < worker->slots->count; i++) {
        Cleat__WorkerRegisterRequest__SlotConfigEntry *entry =
            cleat__message_new(&cleat__worker_register_request__slot_config_entry__descriptor);
        if (entry == NULL) {
            *failed = true;
            return;
        }
        message->slot_config[message->n_slot_config++] = entry;
        entry->key = cleat__message_text(failed, worker->slots->items[i].type);
        entry->value = worker->slots->items[i].units;
    }
}

static void write_labels(const cleat__remote_worker *worker, bool *failed,
                         Cleat__WorkerRegisterRequest *message)
{
    if (worker->labels != NULL) {
        message->labels =
            cleat__worker_labels_write(failed, &cleat__worker_register_request__labels_entry__descriptor,
                                       worker->labels->items, worker->labels->count, &message->n_labels);
    }
}

static char **write_texts(const char *const *texts, size_t count, bool *failed, size_t *written)
{
    char **list = cleat__calloc(count, sizeof(*list));
    *failed = *failed || list == NULL;
    for (size_t i = 0; list != NULL && i < count; i++) {
        list[i] = cleat__message_string(failed, texts[i]);
    }
    *written = list != NULL ? count : 0;
    return list;
}

static void write_runtime(bool *failed, Cleat__WorkerRegisterRequest *message)
{
    Cleat__RuntimeInfo *info = cleat__message_new(&cleat__runtime_info__descriptor);
    if (info == NULL) {
        *failed = true;
        return;
    }
    info->has_sdk_version_case = CLEAT__RUNTIME_INFO__HAS_SDK_VERSION_SDK_VERSION;
    info->sdk_version = cleat__message_string(failed, cleat_version());
    info->has_language_version_case = CLEAT__RUNTIME_INFO__HAS_LANGUAGE_VERSION_LANGUAGE_VERSION;
    info->language_version = cleat__message_string(failed, "C11");
    info->has_os_case = CLEAT__RUNTIME_INFO__HAS_OS_OS;
    info->os = cleat__message_string(failed, "linux");
    message->runtime_info = info;
}

Cleat__WorkerRegisterRequest *cleat__remote_registration_write(const cleat__remote_worker *worker)
{
    static const char *const services[] = {"default"};
    bool failed = false;
    Cleat__WorkerRegisterRequest *message = cleat__message_new(&cleat__worker_register_request__descriptor);
    if (message == NULL) {
        return NULL;
    }
    message->worker_name = cleat__message_string(&failed, worker->name);
    message->actions =
        write_texts((const char *const *)worker->actions, worker->action_count, &failed, &message->n_actions);
    message->services = write_texts(services, 1, &failed, &message->n_services);
    write_slots(worker, &failed, message);
    write_labels(worker, &failed, message);
    write_runtime(&failed, message);
    if (failed) {
        cleat__message_free(message);
        return NULL;
    }
    return message;
}

cleat_status cleat__remote_registration_read(const Cleat__WorkerRegisterResponse *reply, cleat__uuid *id)
{
    if (cleat__uuid_parse(cleat_slice_of(reply->worker_id), id) != CLEAT_OK) {
        return cleat__fail(CLEAT_INVALID_ARGUMENT,
                           "the server gives the worker an id that is no UUID: \"%.64s\"", reply->worker_id);
    }
    return CLEAT_OK;
}

cleat_status cleat__remote_register(cleat__remote_worker *worker)
{
    /* A second registration would only be a worker that never listens. */
    static const cleat__method method = {"/Dispatcher/Register", &cleat__worker_register_response__descriptor,
                                         true, NULL};
    void *reply = NULL;
    Cleat__WorkerRegisterRequest *request = cleat__remote_registration_write(worker);
    if (request == NULL) {
        return cleat__fail_memory();
    }
    cleat_status status = cleat__link_call(worker->workers->link, &method, request, INT64_MAX, &reply);
    if (status == CLEAT_OK) {
        status = cleat__remote_registration_read(reply, &worker->id);
    }
    if (status == CLEAT_OK) {
        cleat__uuid_format(&worker->id, worker->current_id);
    }
    cleat__message_free(reply);
    cleat__message_free(request);
    return status;
}

/* ---- Names ---- */

/* The event's key as the program knows it. */
static void restore_event_key(const cleat__remote_worker *worker, cleat__assignment *assignment)
{
    const char *prefix = worker->workers->link->settings.prefix;
    size_t size = strlen(prefix);
    if (assignment->event_key.size > size && memcmp(assignment->event_key.data, prefix, size) == 0) {
        assignment->event_key.data += size;
        assignment->event_key.size -= size;
    }
}

/* The action as the SDK declared it. */
static void restore_action(const cleat__remote_worker *worker, cleat__assignment *assignment)
{
    for (size_t i = 0; i < worker->action_count; i++) {
        if (cleat_slice_equals(assignment->task, cleat_slice_of(worker->actions[i]))) {
            assignment->task.data += worker->own_offset[i];
            assignment->task.size -= worker->own_offset[i];
            return;
        }
    }
}

void cleat__remote_restore_names(const cleat__remote_worker *worker, cleat__assignment *assignment)
{
    restore_action(worker, assignment);
    restore_event_key(worker, assignment);
}

/* ---- What it offers ---- */

cleat_status cleat__remote_offer_init(cleat__remote_worker *worker, const cleat__worker_spec *spec)
{
    cleat__buffer text = {0};
    cleat__slots_encode(spec->slots, spec->slot_count, &text);
    cleat_status status =
        text.failed ? cleat__fail_memory() : cleat__slots_decode(cleat__buffer_slice(&text), &worker->slots);
    cleat__buffer_deinit(&text);
    if (status == CLEAT_OK && spec->label_count != 0) {
        worker->labels = cleat__labels_merge(NULL, spec->labels, spec->label_count);
        status = worker->labels != NULL ? CLEAT_OK : cleat__fail_memory();
    }
    return status;
}

cleat_status cleat__remote_send_labels(cleat__link *link, const char *worker_id, const cleat__label *labels,
                                       size_t count)
{
    static const cleat__method method = {"/Dispatcher/UpsertWorkerLabels",
                                         &cleat__upsert_worker_labels_response__descriptor, true, NULL};
    bool failed = false;
    void *reply = NULL;
    Cleat__UpsertWorkerLabelsRequest *request =
        cleat__message_new(&cleat__upsert_worker_labels_request__descriptor);
    if (request == NULL) {
        return cleat__fail_memory();
    }
    request->worker_id = cleat__message_string(&failed, worker_id);
    request->labels =
        cleat__worker_labels_write(&failed, &cleat__upsert_worker_labels_request__labels_entry__descriptor,
                                   labels, count, &request->n_labels);
    cleat_status status =
        failed ? cleat__fail_memory() : cleat__link_call(link, &method, request, INT64_MAX, &reply);
    cleat__message_free(reply);
    cleat__message_free(request);
    return status;
}
