/* Workers that register. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "again.h"
#include "support/failing_allocator.h"
#include "wire/worker.h"

#pragma GCC diagnostic ignored "-Wmissing-braces" /* in protobuf-c's initialisers of oneofs */

static char *text(const char *value)
{
    return (char *)(uintptr_t)value;
}

/* A request with everything in it. */
typedef struct rich {
    Cleat__WorkerRegisterRequest message;
    Cleat__WorkerRegisterRequest__SlotConfigEntry slots[2], *all_slots[2];
    Cleat__WorkerRegisterRequest__LabelsEntry labels[2], *all_labels[2];
    Cleat__WorkerLabels values[2];
    Cleat__RuntimeInfo runtime;
    char *actions[2];
} rich;

static rich *fill(rich *it)
{
    cleat__worker_register_request__init(&it->message);
    cleat__runtime_info__init(&it->runtime);
    for (int i = 0; i < 2; i++) {
        cleat__worker_register_request__slot_config_entry__init(&it->slots[i]);
        cleat__worker_register_request__labels_entry__init(&it->labels[i]);
        cleat__worker_labels__init(&it->values[i]);
        it->all_slots[i] = &it->slots[i];
        it->all_labels[i] = &it->labels[i];
        it->labels[i].key = text(i == 0 ? "gpu" : "memory");
        it->labels[i].value = &it->values[i];
        it->slots[i].key = text(i == 0 ? "default" : "durable");
        it->slots[i].value = 10 + i;
        it->actions[i] = text(i == 0 ? "archive:pack" : "archive:scan");
    }
    it->values[0].has_str_value_case = CLEAT__WORKER_LABELS__HAS_STR_VALUE_STR_VALUE;
    it->values[0].str_value = text("a100");
    it->values[1].has_int_value_case = CLEAT__WORKER_LABELS__HAS_INT_VALUE_INT_VALUE;
    it->values[1].int_value = 64;
    it->message.worker_name = text("one");
    it->message.actions = it->actions;
    it->message.slot_config = it->all_slots;
    it->message.labels = it->all_labels;
    it->message.n_actions = it->message.n_slot_config = it->message.n_labels = 2;
    it->message.runtime_info = &it->runtime;
    it->runtime.has_language_case = CLEAT__RUNTIME_INFO__HAS_LANGUAGE_LANGUAGE;
    it->runtime.language = CLEAT__SDKS__TYPESCRIPT;
    it->runtime.has_os_case = CLEAT__RUNTIME_INFO__HAS_OS_OS;
    it->runtime.os = text("\"linux\"");
    it->runtime.has_extra_case = CLEAT__RUNTIME_INFO__HAS_EXTRA_EXTRA;
    it->runtime.extra = text("");
    return it;
}

static void test_everything(void **state)
{
    rich it;
    cleat__worker_spec spec;
    (void)state;
    assert_int_equal(cleat__worker_read(&fill(&it)->message, &spec), CLEAT_OK);
    assert_int_equal(cleat__worker_check(&spec), CLEAT_OK);
    assert_slice(spec.name, "one");
    assert_int_equal(spec.action_count, 2);
    assert_slice(spec.actions[1], "archive:scan");
    assert_int_equal(spec.slot_count, 2);
    assert_slice(spec.slots[1].type, "durable");
    assert_int_equal(spec.slots[1].units, 11);
    assert_int_equal(spec.label_count, 2);
    assert_slice(spec.labels[0].value.text, "a100");
    assert_true(spec.labels[1].value.is_number);
    assert_int_equal(spec.labels[1].value.number, 64);
    assert_slice(spec.runtime, "{\"language\":\"TYPESCRIPT\",\"os\":\"\\\"linux\\\"\"}");
    cleat__worker_read_end(&spec);
}

static void test_little(void **state)
{
    Cleat__WorkerRegisterRequest message = CLEAT__WORKER_REGISTER_REQUEST__INIT;
    Cleat__RuntimeInfo runtime = CLEAT__RUNTIME_INFO__INIT;
    cleat__worker_spec spec;
    (void)state;
    assert_int_equal(cleat__worker_read(&message, &spec), CLEAT_OK);
    assert_int_equal(cleat__worker_check(&spec), CLEAT_OK);
    assert_int_equal(spec.action_count + spec.slot_count + spec.label_count, 0);
    assert_null(spec.runtime.data);
    cleat__worker_read_end(&spec);
    message.has_slots_case = CLEAT__WORKER_REGISTER_REQUEST__HAS_SLOTS_SLOTS; /* the older form */
    message.slots = 7;
    message.runtime_info = &runtime;
    runtime.has_language_case = CLEAT__RUNTIME_INFO__HAS_LANGUAGE_LANGUAGE;
    runtime.language = (Cleat__SDKS)-3; /* of a newer client */
    assert_int_equal(cleat__worker_read(&message, &spec), CLEAT_OK);
    assert_int_equal(spec.slot_count, 1);
    assert_slice(spec.slots[0].type, "default");
    assert_int_equal(spec.slots[0].units, 7);
    assert_slice(spec.runtime, "{}");
    cleat__worker_read_end(&spec);
}

static void check_refused(const rich *it, const char *sentence)
{
    cleat__worker_spec spec;
    cleat_status status = cleat__worker_read(&it->message, &spec);
    if (status == CLEAT_OK) {
        status = cleat__worker_check(&spec);
    }
    cleat__worker_read_end(&spec);
    assert_int_equal(status, CLEAT_INVALID_ARGUMENT);
    assert_non_null(strstr(cleat_error_message(), sentence));
}

static void test_refused(void **state)
{
    rich it;
    (void)state;
    fill(&it)->message.has_slots_case = CLEAT__WORKER_REGISTER_REQUEST__HAS_SLOTS_SLOTS;
    check_refused(&it, "either slots or slot_config");
    fill(&it)->labels[0].value = NULL;
    check_refused(&it, "label \"gpu\"");
    fill(&it)->values[1].has_int_value_case = CLEAT__WORKER_LABELS__HAS_INT_VALUE__NOT_SET;
    check_refused(&it, "label \"memory\"");
    fill(&it)->slots[1].value = 0;
    check_refused(&it, "\"durable\"");
    fill(&it)->slots[1].key = text("default");
    check_refused(&it, "twice");
    fill(&it)->actions[0] = text("pack");
    check_refused(&it, "\"pack\"");
}

static void test_without_memory(void **state)
{
    rich it;
    cleat__worker_spec spec;
    cleat_status status = CLEAT_NO_MEMORY;
    failing_allocator memory;
    (void)state;
    fill(&it);
    for (int blocks = 0; status != CLEAT_OK; blocks++) {
        assert_true(blocks < 20);
        failing_allocator_install(&memory, (size_t)blocks + 1);
        status = cleat__worker_read(&it.message, &spec);
        cleat__worker_read_end(&spec);
        cleat_set_allocator(NULL);
        assert_true(status == CLEAT_OK || status == CLEAT_NO_MEMORY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everything),
        cmocka_unit_test(test_little),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
