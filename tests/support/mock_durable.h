/* What the mock engine says of durable tasks: answers as they come, and those a test sends itself. */
#ifndef CLEAT_TESTS_MOCK_DURABLE_H
#define CLEAT_TESTS_MOCK_DURABLE_H

#include "support/mock_engine.h"

/* As an engine would whose log is empty; of the mock itself. */
void mock_durable_answer(mock_engine *engine, cleat__rpc_call *call, const ProtobufCMessage *request);

/* The echo of a registration. */
void mock_send_echo(mock_engine *engine);
/* `value` NULL: the memo has none. */
void mock_send_memo(mock_engine *engine, const char *task_id, int32_t count, int64_t node, bool existed,
                    const char *value);
/* One run. */
void mock_send_run(mock_engine *engine, const char *task_id, int32_t count, int64_t node, const char *run_id);
void mock_send_wait(mock_engine *engine, const char *task_id, int32_t count, int64_t node);
void mock_send_evicted(mock_engine *engine, const char *task_id, int32_t count);
/* `error` NULL: it has ended well. */
void mock_send_ended(mock_engine *engine, const char *task_id, int32_t count, int64_t node,
                     const char *payload, const char *error);
/* With a payload, and the order in which it has ended. */
void mock_send_ended_in_order(mock_engine *engine, const char *task_id, int32_t count, int64_t node,
                              const char *payload, int64_t order);
/* `status` 0: as an engine that is not Cleat's. */
void mock_send_error(mock_engine *engine, const char *task_id, int32_t count, bool is_order, int32_t status,
                     const char *text);
void mock_send_server_evict(mock_engine *engine, const char *task_id, int32_t count, const char *reason);

#endif
