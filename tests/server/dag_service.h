/* A workflow of several tasks, declared over gRPC, and the worker of all of these. */
#ifndef CLEAT_TESTS_DAG_SERVICE_H
#define CLEAT_TESTS_DAG_SERVICE_H

#include "server/service_test.h"

#define W_DETAILS "/v1.AdminService/GetRunDetails"

/* A task of the workflow "w". */
typedef struct dag_task {
    const char *name, *parent; /* NULL: it has none */
    const char *skip_if;       /* an expression over the parent's output; NULL: nothing makes it be skipped */
} dag_task;

enum { DAG_TASKS_MOST = 8 };

/* What the message of one refers to. */
typedef struct dag_message {
    Cleat__V1__CreateTaskOpts task;
    Cleat__V1__TaskConditions conditions;
    Cleat__V1__ParentOverrideMatchCondition skip, *skips[1];
    Cleat__V1__BaseMatchCondition base;
    char action[64], *parents[1];
} dag_message;

static inline void dag_message_init(dag_message *it, const dag_task *like)
{
    cleat__v1__create_task_opts__init(&it->task);
    cleat__v1__task_conditions__init(&it->conditions);
    cleat__v1__parent_override_match_condition__init(&it->skip);
    cleat__v1__base_match_condition__init(&it->base);
    snprintf(it->action, sizeof(it->action), "w:%s", like->name);
    it->parents[0] = text_(like->parent);
    it->task.readable_id = text_(like->name);
    it->task.action = it->action;
    it->task.timeout = text_("60s");
    it->task.parents = it->parents;
    it->task.n_parents = like->parent != NULL;
    if (like->skip_if != NULL) {
        it->base.readable_data_key = text_("skip");
        it->base.or_group_id = text_(NO_ID);
        it->base.expression = text_(like->skip_if);
        it->base.action = CLEAT__V1__ACTION__SKIP;
        it->skip.base_ = &it->base;
        it->skip.parent_readable_id = text_(like->parent);
        it->skips[0] = &it->skip;
        it->conditions.parent_override_conditions = it->skips;
        it->conditions.n_parent_override_conditions = 1;
        it->task.conditions = &it->conditions;
    }
}

static inline void declare_dag(service_world *it, const dag_task *tasks, size_t count)
{
    Cleat__V1__CreateWorkflowVersionRequest request = CLEAT__V1__CREATE_WORKFLOW_VERSION_REQUEST__INIT;
    dag_message messages[DAG_TASKS_MOST];
    Cleat__V1__CreateTaskOpts *list[DAG_TASKS_MOST];
    for (size_t i = 0; i < count; i++) {
        dag_message_init(&messages[i], &tasks[i]);
        list[i] = &messages[i].task;
    }
    request.name = text_("w");
    request.tasks = list;
    request.n_tasks = count;
    cleat__message_free(ask(it, "/v1.AdminService/PutWorkflow", &request.base,
                            &cleat__v1__create_workflow_version_response__descriptor));
}

/* A worker of all of them, that listens. */
static inline rpc_stream *serve_dag(service_world *it, const dag_task *tasks, size_t count)
{
    Cleat__WorkerRegisterRequest request = CLEAT__WORKER_REGISTER_REQUEST__INIT;
    char actions[DAG_TASKS_MOST][64], *list[DAG_TASKS_MOST];
    id_text id;
    for (size_t i = 0; i < count; i++) {
        snprintf(actions[i], sizeof(actions[i]), "w:%s", tasks[i].name);
        list[i] = actions[i];
    }
    request.worker_name = text_("w");
    request.actions = list;
    request.n_actions = count;
    request.has_slots_case = CLEAT__WORKER_REGISTER_REQUEST__HAS_SLOTS_SLOTS;
    request.slots = 100;
    Cleat__WorkerRegisterResponse *reply =
        ask(it, "/Dispatcher/Register", &request.base, &cleat__worker_register_response__descriptor);
    snprintf(id.text, sizeof(id.text), "%s", reply->worker_id);
    cleat__message_free(reply);
    return stay_as(it, id);
}

/* The next task, which ends so. */
static inline void end_next(service_world *it, rpc_stream *worker, const char *name,
                            Cleat__StepActionEventType how, const char *payload)
{
    Cleat__AssignedAction *action = next_action(worker);
    assert_string_equal(action->task_name, name);
    send_event(it, action, how, payload, true);
    cleat__message_free(action);
}

#endif
