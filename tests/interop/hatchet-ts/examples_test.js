'use strict';
// The examples that the SDK is delivered with, as they are: one worker has them all, and each does here
// what its own comments promise. They wait for seconds, so eight go on side by side.

const assert = require('node:assert');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { Server, startWorker, until } = require('./lib/server');

const limit = { timeout: 300000 };
const root = path.dirname(require.resolve('@hatchet-dev/typescript-sdk/v1'));

let server;
let hatchet;
const workers = [];

const example = (name) => require(path.join(root, 'examples', name));
const idOf = (ref) => ref.getWorkflowRunId();
const statusOf = async (ref) => hatchet.runs.get_status(await idOf(ref));
const ends = async (ref, status) => until(async () => await statusOf(ref) === status);

// The outcome of each run of a crowd, in the order of the runs.
const outcomes = (refs) => Promise.all(refs.map(async (ref) => {
    await ref.output.catch(() => {});
    return statusOf(ref);
}));

// One after the other, so that the engine has them in this order.
async function startAll(workflow, inputs, options) {
    const refs = [];
    for (const input of inputs) {
        refs.push(await workflow.runNoWait(input, options));
    }
    return refs;
}

// In this order as well, and all there before the first of them has ended.
const startAtOnce = (workflow, inputs) => workflow.runNoWait(inputs);

// The times in which its tasks were at work: when the first began and the last ended.
async function windows(refs) {
    return Promise.all(refs.map(async (ref) => {
        await ref.output;
        const { tasks } = await hatchet.runs.get(await idOf(ref));
        return {
            start: Math.min(...tasks.map(({ startedAt }) => Date.parse(startedAt))),
            end: Math.max(...tasks.map(({ finishedAt }) => Date.parse(finishedAt))),
        };
    }));
}

const most = (times) => Math.max(...times.map(({ start }) =>
    times.filter((other) => other.start <= start && start < other.end).length));

// An event is for those who wait by then: pushed until the run is over.
async function pushUntilOver(ref, key, payload, options) {
    let isOver = false;
    const output = ref.output.finally(() => { isOver = true; });
    await until(async () => isOver || !(await hatchet.events.push(key, payload, options)));
    return output;
}

const registered = {
    batch_assign: ['batchSimple', 'batchKeyed', 'batchKeyedFailable', 'batchKeyedInterval', 'batchLarge', 'batchSingle',
        'batchOrdered', 'batchBroadcast', 'batchCancel', 'child', 'childBatch', 'batchChildSpawn',
        'batchChildBatchSpawn'],
    bulk_fanout: ['bulkChild', 'bulkParentWorkflow'],
    bulk_operations: ['bulkReplayTest1', 'bulkReplayTest2', 'bulkReplayTest3'],
    'cancellation/cancellation-workflow': ['cancellationWorkflow'],
    child_index: ['childIndexChild', 'childIndexParent', 'scenarioTask', 'orchestratorTask'],
    child_workflows: ['child', 'parent', 'parentSingleChild', 'withErrorHandling'],
    concurrency_cancel_in_progress: ['concurrencyCancelInProgressWorkflow'],
    concurrency_cancel_newest: ['concurrencyCancelNewestWorkflow'],
    concurrency_cancel_queued_except_newest: ['concurrencyCancelQueuedExceptNewestWorkflow'],
    concurrency_cancel_queued_except_oldest: ['concurrencyCancelQueuedExceptOldestWorkflow'],
    concurrency_dynamic: ['concurrencyDynamicWorkflow'],
    concurrency_multiple_keys: ['concurrencyMultipleKeysWorkflow'],
    concurrency_shared: ['concurrencySharedWorkflowA', 'concurrencySharedWorkflowB', 'concurrencySharedMixedWorkflow'],
    concurrency_workflow_level: ['concurrencyWorkflowLevelWorkflow'],
    'conditions/complex-workflow': ['taskConditionWorkflow'],
    dag: ['dag'],
    durable: ['durableWorkflow', 'waitForSleepTwice', 'spawnChildTask', 'durableWithSpawn', 'durableWithBulkSpawn',
        'durableSleepEventSpawn', 'durableWithExplicitSpawn', 'durableNonDeterminism', 'durableReplayReset',
        'waitForEventLookback', 'waitForOrEventLookback', 'waitForTwoEventsSecondPushedFirst', 'memoNowCaching',
        'dagChildWorkflow', 'durableSpawnDag', 'errorRaisingTask', 'errorRaisingDurableParent'],
    durable_callback_ordering: ['callbackOrderingLeaf', 'callbackOrderingMid', 'callbackOrderingRoot'],
    durable_event: ['durableEvent', 'durableEventWithFilter', 'durableEventWithLookback'],
    durable_eviction: ['childTask', 'evictableSleep', 'evictableMemoThenWaitForEvent', 'evictableChildSpawn'],
    idempotency: ['idempotentTask', 'idempotentTaskShortWindow', 'idempotentStatusBasedTask'],
    'inferred-typing': ['declaredType', 'inferredType', 'inferredTypeDurable', 'crazyWorkflow'],
    legacy: ['simple'],
    non_retryable: ['nonRetryableWorkflow'],
    on_cron: ['onCron'],
    on_event: ['lower', 'upper'],
    on_failure: ['failureWorkflow'],
    on_success: ['onSuccessDag'],
    pdf_pipeline: ['pdfPipeline'],
    priority: ['priority', 'priorityWf'],
    retries: ['retries', 'retriesWithCount'],
    return_exceptions: ['returnExceptionsTask'],
    run_details: ['runDetailTestWorkflow'],
    runtime_affinity: ['affinityExampleTask'],
    'simple/e2e-workflows': ['helloWorld', 'helloWorldDurable'],
    slot_cost: ['omega', 'weenie'],
    sticky: ['sticky'],
    streaming: ['streamingTask'],
    subscribe_to_stream: ['dagStream', 'longStream'],
    support_agent: ['supportAgent', 'triageTicket', 'generateReply', 'escalateTicket'],
    timeout: ['timeoutTask', 'refreshTimeoutTask'],
    webhooks: ['webhookWorkflow'],
    welcome_email: ['welcomeEmail'],
};

// Workers of one client share what listens for durable tasks: none is stopped before the end.
async function addWorker(client, name, workflows, options) {
    workers.push(await startWorker(client, name, workflows, options));
}

const moduleOf = (name) => example(name.includes('/') ? name : `${name}/workflow`);

describe('examples', { concurrency: 8 }, () => {
    // Their client is made when the first of them is loaded, of the environment.
    before(async () => {
        server = await new Server().start();
        Object.assign(process.env, server.environment(), { HATCHET_CLIENT_LOG_LEVEL: 'OFF' });
        console.info = () => {};
        console.log = () => {};
        ({ hatchet } = example('hatchet-client'));
        const workflows = Object.entries(registered).flatMap(([name, names]) =>
            names.map((each) => moduleOf(name)[each]));
        await addWorker(hatchet, 'e2e-test-worker', workflows, { slots: 100, durableSlots: 100 });
    });

    after(async () => {
        await Promise.all(workers.map((each) => each.stop()));
        await server.stop();
        setTimeout(() => process.exit(), 100);
    });

    test('batch_assign: a batch of three', limit, async () => {
        const { batchSimple } = moduleOf('batch_assign');
        assert.deepStrictEqual(await batchSimple.run(['a', 'b', 'c'].map((message) => ({ message }))),
            ['A', 'B', 'C'].map((text) => ({ transformed_message: text })));
    });

    test('batch_assign: batches are of one key', limit, async () => {
        const { batchKeyed, batchKeyedInterval } = moduleOf('batch_assign');
        const inputs = [0, 1, 2, 3, 4, 5].map((n) => ({ message: `m${n}`, group: `g${n % 2}` }));
        for (const [task, size] of [[batchKeyed, 2], [batchKeyedInterval, 3]]) {
            for (const [n, output] of (await task.run(inputs)).entries()) {
                assert.strictEqual(output.unique_keys, 1);
                assert.strictEqual(output.batch_key, `g${n % 2}`);
                assert.strictEqual(output.uppercase, `M${n}`);
                assert.ok(output.batch_size <= size);
            }
        }
    });

    test('batch_assign: one that has no message fails, those of other keys do not', limit, async () => {
        const { batchKeyedFailable } = moduleOf('batch_assign');
        const refs = await startAll(batchKeyedFailable, [{ group: 'bad' }, { group: 'good', message: 'fine' }]);
        assert.deepStrictEqual(await outcomes(refs), ['FAILED', 'COMPLETED']);
    });

    test('batch_assign: a hundred are one batch', limit, async () => {
        const { batchLarge } = moduleOf('batch_assign');
        const outputs = await batchLarge.run(Array.from({ length: 100 }, () => ({ data: 'x'.repeat(1000) })));
        assert.strictEqual(new Set(outputs.map((output) => output.batch_id)).size, 1);
        assert.ok(outputs.every((output) => output.batch_size === 100 && output.data_length === 1000));
    });

    test('batch_assign: a batch of one does not wait', limit, async () => {
        const { batchSingle } = moduleOf('batch_assign');
        assert.deepStrictEqual(await batchSingle.run([{ message: 'a' }, { message: 'b' }]),
            [{ original: 'a', batch_size: 1 }, { original: 'b', batch_size: 1 }]);
    });

    test('batch_assign: everyone gets what is its own', limit, async () => {
        const { batchOrdered } = moduleOf('batch_assign');
        const inputs = Array.from({ length: 20 }, (_, index) => ({ index }));
        assert.deepStrictEqual(await batchOrdered.run(inputs), inputs);
    });

    test('batch_assign: one output for all', limit, async () => {
        const { batchBroadcast } = moduleOf('batch_assign');
        const outputs = await batchBroadcast.run(Array.from({ length: 10 }, () => ({ message: 'abc' })));
        assert.deepStrictEqual(outputs, outputs.map(() => ({ sum: 30 })));
    });

    test('batch_assign: a batch that cancels itself', limit, async () => {
        const { batchCancel } = moduleOf('batch_assign');
        const refs = await startAll(batchCancel, Array.from({ length: 10 }, () => ({ message: 'abc' })));
        for (const ref of refs) {
            await ends(ref, 'CANCELLED');
        }
    });

    test('batch_assign: members of a batch start children, and those are a batch', limit, async () => {
        const { batchChildSpawn, batchChildBatchSpawn } = moduleOf('batch_assign');
        const inputs = Array.from({ length: 10 }, () => ({ message: 'abc' }));
        assert.deepStrictEqual(await batchChildSpawn.run(inputs), inputs.map(() => ({ message_len: 8 })));
        for (const { out } of await batchChildBatchSpawn.run(inputs)) {
            assert.strictEqual(Object.keys(out).length, 10);
        }
    });

    test('bulk_fanout', limit, async () => {
        const { bulkParentWorkflow } = moduleOf('bulk_fanout');
        const { spawn } = await bulkParentWorkflow.run({ n: 100 });
        assert.deepStrictEqual(spawn.results, Array.from({ length: 100 }, (_, i) => ({ i })));
    });

    test('bulk_operations: runs of several tasks are replayed by what is known of them', limit, async () => {
        const tasks = Object.values(moduleOf('bulk_operations'));
        const additionalMetadata = { bulk: 'yes' };
        const refs = (await Promise.all(tasks.map((task) =>
            startAll(task, Array.from({ length: 4 }, () => ({})), { additionalMetadata })))).flat();
        assert.deepStrictEqual(await outcomes(refs), refs.map(() => 'COMPLETED'));
        await hatchet.runs.replay({ filters: { since: new Date(Date.now() - 600000), additionalMetadata } });
        await until(async () => {
            const { rows } = await hatchet.runs.list({ onlyTasks: true, additionalMetadata });
            return rows.length === refs.length &&
                rows.every(({ status, attempt }) => status === 'COMPLETED' && attempt > 2);
        });
    });

    test('cancellation: a run that cancels itself', limit, async () => {
        const ref = await moduleOf('cancellation/cancellation-workflow').cancellationWorkflow.runNoWait({});
        await ends(ref, 'CANCELLED');
    });

    test('child_index: nothing is started twice, nothing mistaken for another', limit, async () => {
        const { childIndexParent, orchestratorTask } = moduleOf('child_index');
        const { 'mixed-spawn': mixed } = await childIndexParent.run({ n: 4 });
        assert.deepStrictEqual(mixed.ctxResults, ['ctx-0', 'ctx-1', 'ctx-2', 'ctx-3']);
        assert.deepStrictEqual(mixed.rnwResults, ['rnw-0', 'rnw-1', 'rnw-2', 'rnw-3']);
        assert.strictEqual(new Set(mixed.runIds).size, 4);
        const { total, expected, hasDuplicates } = await orchestratorTask.run({});
        assert.strictEqual(total, expected);
        assert.strictEqual(hasDuplicates, false);
    });

    test('child_workflows', limit, async () => {
        const { parent, parentSingleChild, withErrorHandling } = moduleOf('child_workflows');
        assert.deepStrictEqual(await parent.run({ N: 10 }), { Result: 45 });
        assert.deepStrictEqual(await parentSingleChild.run({}), { Result: 1 });
        assert.deepStrictEqual(await withErrorHandling.run({}), { Result: 1 });
    });

    test('concurrency_cancel_in_progress', limit, async () => {
        const { concurrencyCancelInProgressWorkflow: workflow } = moduleOf('concurrency_cancel_in_progress');
        const refs = await startAtOnce(workflow, Array.from({ length: 5 }, () => ({ group: 'A' })));
        assert.deepStrictEqual(await outcomes(refs), ['CANCELLED', 'CANCELLED', 'CANCELLED', 'CANCELLED', 'COMPLETED']);
    });

    test('concurrency_cancel_newest', limit, async () => {
        const { concurrencyCancelNewestWorkflow: workflow } = moduleOf('concurrency_cancel_newest');
        const refs = await startAtOnce(workflow, Array.from({ length: 5 }, () => ({ group: 'A' })));
        assert.deepStrictEqual(await outcomes(refs), ['COMPLETED', 'CANCELLED', 'CANCELLED', 'CANCELLED', 'CANCELLED']);
    });

    test('concurrency_cancel_queued_except_newest', limit, async () => {
        const { concurrencyCancelQueuedExceptNewestWorkflow: workflow } =
            moduleOf('concurrency_cancel_queued_except_newest');
        const refs = await startAtOnce(workflow, Array.from({ length: 5 }, () => ({ group: 'A' })));
        assert.deepStrictEqual(await outcomes(refs), ['COMPLETED', 'CANCELLED', 'CANCELLED', 'CANCELLED', 'COMPLETED']);
    });

    test('concurrency_cancel_queued_except_oldest', limit, async () => {
        const { concurrencyCancelQueuedExceptOldestWorkflow: workflow } =
            moduleOf('concurrency_cancel_queued_except_oldest');
        const refs = await startAtOnce(workflow, Array.from({ length: 5 }, () => ({ group: 'A' })));
        assert.deepStrictEqual(await outcomes(refs), ['COMPLETED', 'COMPLETED', 'CANCELLED', 'CANCELLED', 'CANCELLED']);
    });

    test('concurrency_dynamic: an account has as many slots as its tier', limit, async () => {
        const { concurrencyDynamicWorkflow: workflow } = moduleOf('concurrency_dynamic');
        const refs = await startAll(workflow, [{ account: 'a', tier: 'premium' }, { account: 'b', tier: 'free' },
            { account: 'b', tier: 'free' }]);
        const outputs = await Promise.all(refs.map((ref) => ref.output));
        assert.deepStrictEqual(outputs.map((each) => each['dynamic-task'].account), ['a', 'b', 'b']);
    });

    for (const [name, exported] of [['concurrency_multiple_keys', 'concurrencyMultipleKeysWorkflow'],
        ['concurrency_workflow_level', 'concurrencyWorkflowLevelWorkflow']]) {
        test(`${name}: a run has a slot of each of its keys`, limit, async () => {
            const { [exported]: workflow, DIGIT_MAX_RUNS: digits, NAME_MAX_RUNS: names } = moduleOf(name);
            const inputs = Array.from({ length: 12 }, (_, n) => ({ name: `n${n % 2}`, digit: `${n % 3}` }));
            const times = await windows(await startAll(workflow, inputs));
            const of = (key, value) => times.filter((_, n) => inputs[n][key] === value);
            assert.ok(['0', '1', '2'].every((digit) => most(of('digit', digit)) <= digits));
            assert.ok(['n0', 'n1'].every((each) => most(of('name', each)) <= names));
        });
    }

    test('concurrency_shared: one limit for several workflows', limit, async () => {
        const { concurrencySharedWorkflowA: a, concurrencySharedWorkflowB: b, concurrencySharedMixedWorkflow: c } =
            moduleOf('concurrency_shared');
        const refs = await Promise.all([a, b, c].map((each) => each.runNoWait({ group: 'g', inline: 'i' })));
        const times = (await Promise.all(refs.map((ref) => ref.output))).map(({ 'shared-task': { startMs, endMs } }) =>
            ({ start: startMs, end: endMs }));
        assert.strictEqual(most(times), 1);
    });

    test('conditions: sleeps, events and what parents said', limit, async () => {
        const { taskConditionWorkflow } = moduleOf('conditions/complex-workflow');
        const ref = await taskConditionWorkflow.runNoWait({});
        await hatchet.events.push('skip_on_event:skip', {});
        const output = await pushUntilOver(ref, 'wait_for_event:start', {});
        const { start, waitForSleep, waitForEvent, skipOnEvent, leftBranch, rightBranch, sum } = output;
        const [isLeft, isRight] = [leftBranch, rightBranch].map((each) => each?.randomNumber !== undefined);
        assert.deepStrictEqual([isLeft, isRight], [waitForSleep.randomNumber <= 50, waitForSleep.randomNumber > 50]);
        const numbers = [start, waitForEvent, waitForSleep, skipOnEvent, leftBranch, rightBranch];
        assert.strictEqual(sum.sum, numbers.reduce((total, each) => total + (each?.randomNumber ?? 0), 0));
    });

    test('dag', limit, async () => {
        const output = await moduleOf('dag').dag.run({ Message: 'HELLO' });
        assert.deepStrictEqual(output.reverse, { Original: 'HELLO', Transformed: 'olleh' });
        assert.deepStrictEqual(output['task-with-parent-output'], output.reverse);
    });

    test('durable: sleeps, events and groups of either', limit, async () => {
        const { durableWorkflow, EVENT_KEY, SLEEP_TIME_SECONDS } = moduleOf('durable');
        const output = await pushUntilOver(await durableWorkflow.runNoWait({}), EVENT_KEY, { test: 'test' });
        assert.strictEqual(output.durable_task.status, 'success');
        assert.strictEqual(output.durable_task.sleep_duration_ms, SLEEP_TIME_SECONDS * 1000);
        assert.strictEqual(output.wait_for_or_group_1.key, 'CREATE');
        assert.strictEqual(output.wait_for_or_group_2.key, 'CREATE');
        assert.ok(output.wait_for_multi_sleep.runtime >= 3 * SLEEP_TIME_SECONDS);
    });

    test('durable: children, one and many', limit, async () => {
        const { durableWithSpawn, durableWithBulkSpawn, durableWithExplicitSpawn } = moduleOf('durable');
        const hello = { message: 'hello from child 1' };
        assert.deepStrictEqual(await durableWithSpawn.run({}), { child_output: hello });
        assert.deepStrictEqual(await durableWithExplicitSpawn.run({}), { child_output: hello });
        const { child_outputs: outputs } = await durableWithBulkSpawn.run({ n: 25 });
        assert.deepStrictEqual(outputs, Array.from({ length: 25 }, (_, n) => ({ message: `hello from child ${n}` })));
    });

    test('durable: sleep, event and child in turn', limit, async () => {
        const { durableSleepEventSpawn, EVENT_KEY, SLEEP_TIME_SECONDS } = moduleOf('durable');
        const output = await pushUntilOver(await durableSleepEventSpawn.runNoWait({}), EVENT_KEY, { test: 'test' });
        assert.deepStrictEqual(output.child_output, { message: 'hello from child 1' });
        assert.ok(output.runtime >= SLEEP_TIME_SECONDS);
    });

    test('durable: what a child failed of', limit, async () => {
        const { errorRaisingDurableParent } = moduleOf('durable');
        const output = await errorRaisingDurableParent.run({ error_message: 'the cause of it' });
        assert.strictEqual(output.child_raised, true);
        assert.match(output.child_error_str, /the cause of it/);
    });

    test('durable: a workflow of several tasks as a child', limit, async () => {
        const { durableSpawnDag } = moduleOf('durable');
        const output = await durableSpawnDag.run({});
        assert.deepStrictEqual(output.spawn_result,
            { 'dag-child-1': { result: 'child1' }, 'dag-child-2': { result: 'child2' } });
        assert.ok(output.spawn_duration >= 3);
    });

    test('durable: another course is noticed, and told of', limit, async () => {
        const { durableNonDeterminism } = moduleOf('durable');
        const ref = await durableNonDeterminism.runNoWait({});
        assert.strictEqual((await ref.output).non_determinism_detected, false);
        const id = await idOf(ref);
        await hatchet.runs.replay({ ids: [id] });
        await until(async () => {
            const { tasks: [{ attempt, status }] } = await hatchet.runs.get(id);
            return attempt > 1 && status === 'COMPLETED';
        });
    });

    test('durable: a run that goes on from its second sleep has not slept the first again', limit, async () => {
        const { durableReplayReset, REPLAY_RESET_SLEEP_SECONDS: seconds } = moduleOf('durable');
        const ref = await durableReplayReset.runNoWait({});
        const first = await ref.output;
        assert.ok([1, 2, 3].every((n) => first[`sleep_${n}_duration`] >= seconds));
        const task = await hatchet.runs.getTaskExternalId(await idOf(ref));
        await hatchet.runs.branchDurableTask(task, 2);
        let output;
        await until(async () => {
            const { tasks: [{ status, output: last }] } = await hatchet.runs.get(await idOf(ref));
            output = last;
            return status === 'COMPLETED' && output.sleep_3_duration !== first.sleep_3_duration;
        });
        assert.ok(output.sleep_1_duration < seconds);
        assert.ok(output.sleep_3_duration >= seconds);
    });

    test('durable: events of before count within their window', limit, async () => {
        const { waitForEventLookback, waitForTwoEventsSecondPushedFirst, waitForOrEventLookback, EVENT_KEY } =
            moduleOf('durable');
        await hatchet.events.push('user:create', { user_id: 7, order: 'first' }, { scope: 'user_id:7' });
        const { event } = await waitForEventLookback.run({ userId: 7 });
        assert.strictEqual(event.order, 'first');
        await hatchet.events.push('key2', { order: 'second' }, { scope: 'two' });
        const ref = await waitForTwoEventsSecondPushedFirst.runNoWait({ scope: 'two' });
        await hatchet.events.push('key1', { order: 'first' }, { scope: 'two' });
        const two = await ref.output;
        assert.deepStrictEqual([two.event1.order, two.event2.order], ['first', 'second']);
        await hatchet.events.push(EVENT_KEY, {}, { scope: 'or' });
        await until(async () => (await waitForOrEventLookback.run({ scope: 'or' })).elapsed < 2); // not by its sleep
    });

    test('durable: a time that was asked for once stays', limit, async () => {
        const { memoNowCaching } = moduleOf('durable');
        const ref = await memoNowCaching.runNoWait({});
        const first = await ref.output;
        assert.ok(!Number.isNaN(Date.parse(first.start_time)));
    });

    test('durable_callback_ordering: evicted again and again, everything is told in its order', limit, async () => {
        const { callbackOrderingRoot, ROOT_DEFAULTS } = moduleOf('durable_callback_ordering');
        const output = await callbackOrderingRoot.run({});
        assert.deepStrictEqual(output.completedMids, Array.from({ length: ROOT_DEFAULTS.durables }, (_, n) => n));
        assert.ok(output.midInvocationCounts.every((count) => count > 1));
    });

    test('durable_event', limit, async () => {
        const { durableEvent, durableEventWithFilter, durableEventWithLookback, EVENT_KEY, SCOPE } =
            moduleOf('durable_event');
        const refs = await Promise.all([durableEvent, durableEventWithFilter].map((each) => each.runNoWait({})));
        for (const ref of refs) {
            assert.deepStrictEqual(await pushUntilOver(ref, EVENT_KEY, { userId: '1234' }), { Value: 'done' });
        }
        await hatchet.events.push(EVENT_KEY, { userId: '1' }, { scope: SCOPE });
        assert.deepStrictEqual(await durableEventWithLookback.run({}), { Value: 'done' });
    });

    test('durable_eviction: what waits goes away and comes back', limit, async () => {
        const { evictableSleep, evictableMemoThenWaitForEvent, evictableChildSpawn, MEMO_EVENT_KEY } =
            moduleOf('durable_eviction');
        const evicted = async (ref) => until(async () => (await hatchet.runs.get(await idOf(ref))).tasks[0].isEvicted);
        const [sleep, memo, child] = await Promise.all(
            [evictableSleep, evictableMemoThenWaitForEvent, evictableChildSpawn].map((each) => each.runNoWait({})));
        await Promise.all([sleep, memo, child].map(evicted));
        assert.strictEqual((await pushUntilOver(memo, MEMO_EVENT_KEY, {})).status, 'completed');
        assert.strictEqual((await sleep.output).status, 'completed');
        assert.deepStrictEqual(await child.output, { child: { child_status: 'completed' }, status: 'completed' });
    });

    test('idempotency: keys are of the tenant, for their time or as long as their run is', limit, async () => {
        const { idempotentTask, idempotentTaskShortWindow, idempotentStatusBasedTask } = moduleOf('idempotency');
        const { IdempotencyCollisionError } = require('@hatchet-dev/typescript-sdk/v1');
        const hello = (id) => ({ result: `Hello, world from task ${id}` });
        assert.deepStrictEqual(await idempotentTask.run({ id: '1' }), hello(1));
        await assert.rejects(idempotentTask.runNoWait({ id: '1' }), IdempotencyCollisionError);
        await assert.rejects(idempotentTaskShortWindow.runNoWait({ id: '1' }), IdempotencyCollisionError);
        for (const _ of [1, 2]) {
            assert.deepStrictEqual(await idempotentStatusBasedTask.run({ id: '2' }), hello(2));
        }
        assert.deepStrictEqual(await idempotentTaskShortWindow.run({ id: '3' }), hello(3));
        await until(() => idempotentTaskShortWindow.run({ id: '3' }).then(() => true, () => false));
    });

    test('inferred-typing: a task of its own is a task of a workflow, too', limit, async () => {
        const { declaredType, inferredTypeDurable, crazyWorkflow } = moduleOf('inferred-typing');
        assert.deepStrictEqual(await declaredType.run({ Message: 'Hi' }), { TransformedMessage: 'hi' });
        assert.deepStrictEqual(await inferredTypeDurable.run({ Message: 'Hi' }), { TransformedMessage: 'HI' });
        assert.deepStrictEqual(await crazyWorkflow.run({ Message: 'Hi' }),
            { 'declared-type': { TransformedMessage: 'hi' }, 'inferred-type': { TransformedMessage: 'HI' } });
    });

    test('legacy: the form of before', limit, async () => {
        const output = await hatchet.run(moduleOf('legacy').simple, { Message: 'hi' });
        assert.deepStrictEqual(output.step2, { step2: 'step1 output: original input: hi' });
    });

    test('middleware', limit, async () => {
        const { taskWithMiddleware } = moduleOf('middleware');
        await addWorker(example('middleware/client').hatchetWithMiddleware, 'middleware', [taskWithMiddleware], {});
        const output = await taskWithMiddleware.run({ message: 'hello', first: 1, second: 2 });
        assert.deepStrictEqual(output, { message: 'hello', extra: 1, additionalData: 2 });
    });

    test('non_retryable: only what may be tried again is', limit, async () => {
        const ref = await moduleOf('non_retryable').nonRetryableWorkflow.runNoWait({});
        await ends(ref, 'FAILED');
        const { tasks } = await hatchet.runs.get(await idOf(ref));
        assert.deepStrictEqual(Object.fromEntries(tasks.map(({ displayName, attempt, actionId }) =>
            [actionId.split(':')[1], attempt])),
        { 'should-not-retry': 1, 'should-retry-wrong-error-type': 2, 'should-not-retry-successful-task': 1 });
    });

    test('on_cron: its cron is there', limit, async () => {
        const { rows } = await hatchet.crons.list({});
        assert.deepStrictEqual(rows.map(({ workflowName, cron }) => [workflowName, cron]),
            [['on-cron-workflow', '*/15 * * * *']]);
    });

    test('on_event: one event starts all that wait for it', limit, async () => {
        const { SIMPLE_EVENT } = moduleOf('on_event');
        const { eventId } = await hatchet.events.push(SIMPLE_EVENT, { Message: 'Hello' });
        await until(async () => {
            const { rows } = await hatchet.runs.list({ triggeringEventExternalId: eventId, onlyTasks: false });
            return rows.length === 2 && rows.every(({ status }) => status === 'COMPLETED');
        });
    });

    test('on_failure: the last task is told of the first', limit, async () => {
        const { failureWorkflow, ERROR_TEXT } = moduleOf('on_failure');
        const ref = await failureWorkflow.runNoWait({});
        await assert.rejects(ref.output, ([error]) => error.includes(ERROR_TEXT));
        await until(async () => {
            const { tasks } = await hatchet.runs.get(await idOf(ref));
            return tasks.length === 2 && tasks.some(({ actionId, status }) =>
                actionId.endsWith(':on-failure-task') && status === 'COMPLETED');
        });
    });

    test('on_success: the last task comes after the others', limit, async () => {
        const ref = await moduleOf('on_success').onSuccessDag.runNoWait({});
        await ends(ref, 'COMPLETED');
        const { tasks } = await hatchet.runs.get(await idOf(ref));
        assert.ok(tasks.some(({ output }) => output?.['on-success'] === 'success'));
    });

    test('pdf_pipeline', limit, async () => {
        const { format_result: result } = await moduleOf('pdf_pipeline').pdfPipeline.run(
            { filename: 'invoice.pdf', contentBase64: Buffer.from('%PDF-1.4').toString('base64') });
        assert.strictEqual(result.filename, 'invoice.pdf');
        assert.strictEqual(result.category, 'invoice');
        assert.strictEqual(result.keywords.length, 6);
    });

    test('priority: tasks know theirs', limit, async () => {
        const { priority, priorityWf } = moduleOf('priority');
        assert.deepStrictEqual(await priority.run({}), { priority: 2 });
        assert.deepStrictEqual(await priority.run({}, { priority: 3 }), { priority: 3 });
        assert.deepStrictEqual(await priorityWf.run({}),
            { 'child-medium': { priority: 1 }, 'child-high': { priority: 1 } });
    });

    test('retries', limit, async () => {
        const { retries, retriesWithCount } = moduleOf('retries');
        const ref = await retries.runNoWait({});
        await ends(ref, 'FAILED');
        assert.strictEqual((await hatchet.runs.get(await idOf(ref))).tasks[0].attempt, 4);
        assert.deepStrictEqual(await retriesWithCount.run({}), { message: 'success' });
    });

    test('return_exceptions: failures among the results', limit, async () => {
        const { returnExceptionsTask } = moduleOf('return_exceptions');
        const results = await returnExceptionsTask.run(Array.from({ length: 10 }, (_, index) => ({ index })),
            { returnExceptions: true });
        assert.ok(results.every((result, index) => index % 2 === 0
            ? String(result).includes(`error in task with index ${index}`)
            : result.message === 'this is a successful task.'));
    });

    test('run_details: what became of each task', limit, async () => {
        const ref = await moduleOf('run_details').runDetailTestWorkflow.runNoWait({ foo: 'bar' });
        await outcomes([ref]);
        const details = await hatchet.runs.getDetails(ref);
        assert.deepStrictEqual(details.input, { foo: 'bar' });
        const of = Object.fromEntries(Object.entries(details.taskRuns).map(([name, run]) => [name, run.status]));
        assert.deepStrictEqual(of, { step1: 'COMPLETED', step2: 'COMPLETED', step3: 'COMPLETED', step4: 'COMPLETED',
            cancel_step: 'CANCELLED', fail_step: 'FAILED' });
    });

    test('runtime_affinity: a run chooses its worker', limit, async () => {
        const { affinityExampleTask } = moduleOf('runtime_affinity');
        for (const affinity of ['foo', 'bar']) {
            await addWorker(hatchet, `affinity-${affinity}`, [affinityExampleTask], { labels: { affinity } });
        }
        const { rows } = await hatchet.workers.list();
        for (const affinity of ['foo', 'bar']) {
            const { metadata: { id } } = rows.find(({ name }) => name === `affinity-${affinity}`);
            const output = await affinityExampleTask.run({},
                { desiredWorkerLabels: { affinity: { value: affinity, required: true } } });
            assert.deepStrictEqual(Object.values(output).map((each) => each.worker_id), [id, id]);
        }
    });

    test('simple', limit, async () => {
        const { helloWorld, helloWorldDurable } = moduleOf('simple/e2e-workflows');
        for (const task of [helloWorld, helloWorldDurable]) {
            assert.deepStrictEqual(await task.run({}), { result: 'Hello, world!' });
        }
    });

    test('slot_cost', limit, async () => {
        const { omega, weenie } = moduleOf('slot_cost');
        assert.deepStrictEqual(await outcomes(await Promise.all([omega, weenie].map((each) => each.runNoWait({})))),
            ['COMPLETED', 'COMPLETED']);
    });

    test('sticky: a child where its parent is', limit, async () => {
        assert.deepStrictEqual(await moduleOf('sticky').sticky.run({}), { result: { Value: 1 } });
    });

    test('streaming', limit, async () => {
        const ref = await moduleOf('streaming').streamingTask.runNoWait({});
        let text = '';
        for await (const chunk of hatchet.runs.subscribeToStream(await idOf(ref))) {
            text += chunk;
        }
        assert.match(text, /^\nHappy families are all alike;[^]*same house with him\.\n$/);
    });

    test('subscribe_to_stream: also of one task of several', limit, async () => {
        const { longStream, dagStream, STREAM_CHUNKS } = moduleOf('subscribe_to_stream');
        await Promise.all([longStream, dagStream].map(async (each) => {
            const ref = await each.runNoWait({});
            const chunks = [];
            for await (const chunk of hatchet.runs.subscribeToStream(await idOf(ref))) {
                chunks.push(chunk);
            }
            assert.strictEqual(chunks.join(''), STREAM_CHUNKS.join(''));
        }));
    });

    test('support_agent: a reply, and none', limit, async () => {
        const { supportAgent, REPLY_EVENT_KEY } = moduleOf('support_agent');
        const ticket = (ticketId) =>
            ({ ticketId, customerEmail: 'a@example.com', subject: 'Charged twice', body: 'My bill.' });
        const silent = await supportAgent.runNoWait(ticket('t1'));
        const answered = await supportAgent.runNoWait(ticket('t2'));
        await hatchet.events.push(REPLY_EVENT_KEY, { message: 'Thanks!' }, { scope: 't2' });
        const [first, second] = await Promise.all([silent.output, answered.output]);
        assert.deepStrictEqual([first.status, first.triageCategory, first.triagePriority],
            ['escalated', 'billing', 'medium']);
        assert.strictEqual(second.status, 'resolved');
    });

    test('timeout: a task is ended at its time, or later when it asks', limit, async () => {
        const { timeoutTask, refreshTimeoutTask } = moduleOf('timeout');
        const ref = await timeoutTask.runNoWait({});
        assert.deepStrictEqual(await refreshTimeoutTask.run({ Message: 'HI' }), { status: 'success', message: 'hi' });
        assert.deepStrictEqual(await outcomes([ref]), ['FAILED']);
    });

    test('webhooks: what its event says is its input', limit, async () => {
        const { eventId } = await hatchet.events.push('webhook:test', { type: 'test', n: 1 });
        await until(async () => {
            const { rows } = await hatchet.runs.list({ triggeringEventExternalId: eventId });
            return rows.length === 1 && rows[0].status === 'COMPLETED';
        });
    });

    test('welcome_email: onboarded, and not', limit, async () => {
        const { welcomeEmail, ONBOARDING_EVENT_KEY } = moduleOf('welcome_email');
        const silent = await welcomeEmail.runNoWait({ user_id: 'u1', email: 'a@example.com' });
        const done = await welcomeEmail.runNoWait({ user_id: 'u2', email: 'b@example.com' });
        await hatchet.events.push(ONBOARDING_EVENT_KEY, {}, { scope: 'u2' });
        assert.deepStrictEqual(await silent.output, { userId: 'u1', welcomeSent: true, followUpSent: true });
        assert.deepStrictEqual(await done.output, { userId: 'u2', welcomeSent: true, followUpSent: false });
    });
});
