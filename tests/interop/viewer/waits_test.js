'use strict';
// What runs wait for, the tasks of a run of several, and what they are held back by: as a person finds it on the pages.

const assert = require('node:assert');
const path = require('node:path');
const { after, before } = require('node:test');
const { assertFits, assertNamed, refreshUntil, shot, suite, test, withPage } = require('./lib/browser');
const { eventually } = require('./lib/eventually');
const { program, start } = require('./lib/processes');
const { copyFile, open, seedFile, serve, trigger } = require('./lib/servers');

const panel = (page, title) => page.locator('.panel').filter({ has: page.getByRole('heading', { name: title, exact: true }) });

suite('what runs wait for', () => {
    let filled;
    let file;
    let runs;
    before(async () => {
        const name = path.resolve(`waits-${process.pid}.db`);
        filled = await start(program('waits'), [name]);
        runs = JSON.parse(filled.line);
        file = await open({ file: name });
    });
    after(async () => {
        await file?.stop();
        await filled?.stop();
    });
    const onRun = (name, options, check) => withPage(file.url, `runs/${runs[name]}`, options, check);
    const texts = (locator, expected) => eventually(() => locator.allTextContents(), expected);
    const cells = (locator, from, to, expected) => eventually(async () => (await locator.allTextContents()).slice(from, to), expected);

    for (const [name, words] of [
        ['failed', /its next attempt, in (1h|\d+m(\d+s)?)$/],
        ['sms', /2 units of the rate limit sms-gateway: 0 of 2 are left, all of them again in (24h|23h(\d+m)?)$/],
        ['push', /its batch of "north": 2 of 10 are here, it goes in (1h|\d+m(\d+s)?) at the latest$/],
        ['train', /a worker with a free slot that takes model:train, with gpu = a100$/],
        ['print', /a slot of input\.customer for "acme": 1 of 1 is taken$/],
        ['pour', /a slot of input\.customer for "acme": 1 of 1 is taken$/],
    ]) {
        test(`a run that waits says what for: ${name}`, () => onRun(name, {}, async (page) => {
            await page.getByText(words).waitFor();
            await assertFits(page);
        }));
    }

    test('the keys that it has, and its batch', async () => {
        await onRun('sms', {}, (page) => page.locator('.about').getByText('2 units of sms-gateway').waitFor());
        await onRun('failed', {}, (page) => page.locator('.wf-picture .is-backoff').first().waitFor());
        await onRun('push', {}, (page) => page.locator('.about').getByText('north').first().waitFor());
        await onRun('print', {}, (page) => page.locator('.about').getByText('key of input.customer').waitFor());
        await onRun('booked', {}, async (page) => {
            await page.locator('.about').getByText('paid-7').waitFor();
            await page.locator('.about').getByText('high').waitFor();
        });
    });

    test('those that are at a worker together lead to each other', () => onRun('merge', {}, async (page) => {
        await refreshUntil(page, () => page.locator('.about').getByText('together with').isVisible());
        await page.locator('.about').getByRole('link').click();
        await page.getByText(runs['merge 2'], { exact: true }).waitFor();
        await page.locator('.about').getByRole('link', { name: runs.merge.slice(-8) }).waitFor();
    }));

    test('tasks in the order of their declaration, each with its state and why', () => onRun('shipment', {}, async (page) => {
        const rows = panel(page, 'Tasks').locator('tbody tr');
        await refreshUntil(page, () => panel(page, 'Tasks').getByText('ship:signed').isVisible());
        await texts(rows.locator('.name'), ['receive-the-order', 'check', 'label', 'pack', 'wrap', 'weigh', 'photo',
            'insure', 'measure-each-of-the-boxes-on-all-sides', 'notify', 'sign', 'send', 'bill', 'thank', 'archive']);
        await eventually(() => panel(page, 'Children').count(), 0);
        await rows.nth(4).getByText('Skipped').waitFor();
        await rows.nth(9).getByText('Completed').waitFor();
        await rows.nth(10).getByText(/^waits for the event ship:signed or a time, in /).waitFor();
        await rows.nth(11).getByText('waits for the task sign').waitFor();
        await rows.nth(1).getByRole('link').click();
        await page.getByText('child of').waitFor();
    }));

    test('a task that failed, one that was cancelled with it, and the one for that', () => onRun('import', { scheme: 'dark' }, async (page) => {
        const rows = panel(page, 'Tasks').locator('tbody tr');
        await rows.first().waitFor();
        await texts(rows.locator('.c-status'), ['Failed', 'Cancelled', 'Completed', 'Completed']);
        await rows.first().getByText(/^the carrier's API said nein/).waitFor();
        await assertNamed(page);
    }));

    test('a long error does not push the rest away', async () => {
        for (const options of [{}, { width: 390, height: 780 }]) {
            await onRun('failed', options, async (page) => {
                const error = panel(page, 'Attempts').locator('.attempt-error');
                await error.waitFor();
                await eventually(() => error.boundingBox(), ({ height }) => height <= 120);
                await eventually(() => error.textContent(), (text) => text.length > 3500);
                await assertFits(page);
            });
        }
    });

    test('tasks fit a telephone, with what they wait for', () => onRun('shipment', { width: 390, height: 780 }, async (page) => {
        const note = panel(page, 'Tasks').getByText('waits for the task sign').first();
        await refreshUntil(page, () => panel(page, 'Tasks').getByText('ship:signed').isVisible());
        // In one step, as the node is another one after each answer.
        const sides = () => note.evaluate((node) => {
            node.scrollIntoView();
            const { left, right } = node.getBoundingClientRect();
            return [left, right];
        });
        await eventually(sides, ([left, right]) => left >= 0 && left < right && right <= 390);
        await assertFits(page);
        await shot(page, 'tasks-narrow', { fullPage: true });
    }));

    test('rate limits and filters of events', () => withPage(file.url, 'workflows', {}, async (page) => {
        const limit = panel(page, 'Rate limits').locator('tbody tr');
        await limit.getByText('sms-gateway').waitFor();
        await cells(limit.locator('td'), 1, 4, ['0', '2', '1 d 0 h']);
        const filter = panel(page, 'Event filters').locator('tbody tr');
        await cells(filter.locator('td'), 0, 5,
            ['order.thank', 'customer:7', 'input.total >= payload.least', '{"least":100}', 'its declaration']);
        const boxes = () => Promise.all(['thead', 'tbody'].map((part) => panel(page, 'Event filters').locator(part).boundingBox()));
        await eventually(boxes, ([heads, body]) => body.y >= heads.y + heads.height); // rows are below their heads
        await assertFits(page);
    }));
});

suite('a server says who would take what waits', () => {
    let seed;
    let server;
    before(async () => {
        seed = copyFile(seedFile());
        server = await serve(seed);
    });
    after(() => server?.stop());

    test('no worker, until one is there', async () => {
        const id = await trigger(server.url, 'page.leaf');
        await withPage(server.url, `runs/${id}`, {}, async (page) => {
            await page.locator('.waits').getByText('a worker with a free slot that takes page:leaf').waitFor();
            await page.locator('.waits').getByText('no worker takes it now').waitFor();
        });
    });

    test('a workflow that is paused', async () => {
        const { rows } = await (await fetch(new URL('api/cleat/v1/workflows', server.url))).json();
        const workflow = rows.find((row) => row.name === 'page.leaf');
        const answer = await fetch(new URL(`api/v1/workflows/${workflow.id}`, server.url), {
            method: 'PATCH', headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ pause: { action: 'pause', pausedWorkflowCronRunQueueBehavior: 'DROP', pausedWorkflowScheduledRunQueueBehavior: 'QUEUE' } }),
        });
        assert.strictEqual(answer.status, 200);
        const worker = await server.worker();
        try {
            const id = await trigger(server.url, 'page.leaf');
            await withPage(server.url, `runs/${id}`, {}, async (page) => {
                await page.locator('.waits').getByText('its workflow to go on, which is paused').waitFor();
                await eventually(() => page.locator('.waits').getByText('worker').count(), 0); // it does not lack one
            });
        } finally {
            await worker.stop();
        }
    });

    test('two runs that are compared are live until both have ended', async () => {
        const [a, b] = [await trigger(server.url, 'page.durable'), await trigger(server.url, 'page.durable')];
        await withPage(server.url, `compare?a=${a}&b=${b}`, {}, async (page) => {
            const statuses = () => page.locator('.compare-table .status').allTextContents();
            await page.getByRole('treegrid').nth(1).waitFor();
            await eventually(statuses, ['Queued', 'Queued']);
            await page.locator('.live').waitFor();
            const worker = await server.worker();
            try {
                await refreshUntil(page, statuses, ['Completed', 'Completed']);
                const took = page.locator('.compare-table tr').filter({ hasText: 'The run took' }).locator('strong');
                await refreshUntil(page, async () => (await took.allTextContents()).join(), /s.*s/);
                await refreshUntil(page, () => page.locator('.wf-corner').nth(1).textContent(), /trace/);
            } finally {
                await worker.stop();
            }
        });
    });
});
