'use strict';
// The page of a run, and of two runs compared: what is told of them, while they last and after; cancel and replay.

const assert = require('node:assert');
const { after, before } = require('node:test');
const { assertFits, refreshUntil, shot, suite, test, withPage } = require('./lib/browser');
const { copyFile, open, seedFile, serve, trigger } = require('./lib/servers');

const panel = (page, name) => page.locator('section.panel').filter({ has: page.getByRole('heading', { name, exact: true }) });
const status = (page, name) => page.locator('.page-title .status').filter({ hasText: name });
const button = (page, name) => page.locator('.page-actions').getByRole('button', { name });
const missing = [/^404 /, /status of 404/, /ApiError: not found/];

suite('the page of a run', () => {
    let seed;
    let server;
    let file;
    before(async () => {
        seed = seedFile();
        [server, file] = await Promise.all([serve(copyFile(seed)), open(seed)]);
    });
    after(() => Promise.all([server, file].map((one) => one?.stop())));
    const onRun = (name, options, check) => withPage(file.url, `runs/${seed.runs[name]}`, options, check);

    test('input and output are JSON that can be folded', () => onRun('leaf', {}, async (page) => {
        await status(page, 'Completed').waitFor();
        assert.match(await page.getByRole('region', { name: 'Input' }).textContent(), /"needle": "in the haystack"/);
        assert.match(await page.getByRole('region', { name: 'Output' }).textContent(), /"done": true/);
        const line = page.getByRole('region', { name: 'Input' }).locator('.json-line');
        assert.ok(await line.isVisible());
        await page.getByRole('region', { name: 'Input' }).locator('.json-fold summary').click();
        assert.ok(!(await line.isVisible()));
        assert.strictEqual(await page.locator('.tags .tag').filter({ hasText: 'acme' }).count(), 1);
        assert.match(await page.title(), /^page\.leaf.*Completed/);
        await shot(page, 'run', { fullPage: true });
    }));

    test('attempts, events and the log of what failed', () => onRun('hostile', {}, async (page) => {
        await status(page, 'Failed').waitFor();
        assert.strictEqual(await panel(page, 'Attempts').locator('tbody tr').count(), 2);
        assert.strictEqual(await panel(page, 'Log').locator('li').count(), 2);
        assert.ok(await panel(page, 'Events').locator('li').count() >= 5);
    }));

    test('children, with how many of them are in which state, and the way back to the parent', () => onRun('parent', {}, async (page) => {
        await panel(page, 'Children').getByText('12 completed').waitFor();
        assert.strictEqual(await panel(page, 'Children').locator('tbody tr').count(), 12);
        await panel(page, 'Children').getByRole('link').first().click();
        await page.getByText('child of').waitFor();
        await page.locator('.about').getByRole('link').click();
        await panel(page, 'Children').waitFor();
        assert.strictEqual(new URL(page.url()).pathname, `/runs/${seed.runs.parent}`);
    }));

    test('what it waits for, and that it still does', () => onRun('waiting', {}, async (page) => {
        await status(page, 'Waiting').waitFor();
        await page.locator('.about').getByText('page:never').waitFor();
        await page.getByRole('treegrid').getByRole('row').filter({ hasText: 'under way' }).waitFor();
    }));

    test('a file cannot be changed, so there is nothing to change it with', () => onRun('waiting', {}, async (page) => {
        await status(page, 'Waiting').waitFor();
        assert.strictEqual(await page.locator('.page-actions').count(), 0);
    }));

    test('a run that is not there', () => withPage(file.url, 'runs/01900000-0000-7000-8000-000000000000', { allowed: missing }, async (page) => {
        await page.getByRole('alert').waitFor();
    }));

    test('a run is cancelled after it was asked, and replayed', () => withPage(server.url, `runs/${seed.runs.waiting}`, {}, async (page) => {
        await button(page, 'Cancel').click();
        const dialog = page.getByRole('dialog');
        await dialog.getByRole('button', { name: 'Leave it' }).click();
        await dialog.waitFor({ state: 'detached' });
        await status(page, 'Waiting').waitFor();
        await button(page, 'Cancel').click();
        await dialog.getByRole('button', { name: 'Cancel the run' }).click();
        await page.getByRole('status').filter({ hasText: 'The run is cancelled' }).waitFor();
        await refreshUntil(page, () => status(page, 'Cancelled').isVisible());
        await button(page, 'Replay').click();
        await dialog.getByRole('button', { name: 'Replay' }).click();
        await page.getByRole('status').filter({ hasText: 'queued once more' }).waitFor();
        await refreshUntil(page, () => status(page, 'Queued').isVisible());
    }));

    test('a question goes with its page', () => withPage(server.url, '', {}, async (page) => {
        await page.locator(`[data-row="${seed.runs['queued 0']}"] a`).first().click();
        await button(page, 'Cancel').click();
        await page.getByRole('dialog').waitFor();
        await page.goBack();
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await page.locator('.runs tbody [data-row]').first().waitFor();
    }));

    test('what goes on is counted on, and who reads or is about to press is left alone', () =>
        withPage(server.url, `runs/${seed.runs['queued 0']}`, { height: 600 }, async (page) => {
            const started = Date.now() - 5000;
            let lines = 60;
            await page.route(new RegExp(`/runs/${seed.runs['queued 0']}$`), async (route) => {
                if (route.request().resourceType() === 'document') {
                    await route.continue();
                    return;
                }
                const run = await (await route.fetch()).json();
                const logs = Array.from({ length: lines++ }, (_, index) => ({ time_ms: started + index, level: 'info', message: `line ${index}`, attempt: 1 }));
                await route.fulfill({ json: {
                    ...run, status: 'RUNNING', started_at_ms: started, logs, log_count: logs.length,
                    attempts: [{ number: 1, outcome: 'RUNNING', started_at_ms: started, finished_at_ms: null, replayed_at_ms: null, error: null }],
                } });
            });
            await page.reload();
            const took = page.locator('.attempts tbody td').nth(3);
            const before = await took.textContent();
            await button(page, 'Cancel').focus();
            const log = page.locator('.log').locator('..');
            await log.evaluate((node) => { node.scrollTop = 40; });
            await button(page, 'Cancel').evaluate((node) => { window.kept = node; });
            await refreshUntil(page, async () => await took.textContent() !== before && page.getByText('line 61').isVisible());
            assert.ok(await page.evaluate(() => document.activeElement === window.kept), 'the same button, with the focus');
            assert.strictEqual(await log.evaluate((node) => node.scrollTop), 40);
            await page.unroute(/runs/);
        }));

    test('a trace that grows is followed, one that has long ended is not', () => withPage(server.url, '', {}, async (page) => {
        const { traces } = await (await fetch(new URL(`api/cleat/v1/runs/${seed.runs.parent}/view`, server.url))).json();
        const grid = page.getByRole('treegrid');
        const rowCount = async () => Number(await grid.getAttribute('aria-rowcount'));
        let answers = 0;
        let isCut = true;
        let shift = 0;
        await page.route(/\/view\?/, async (route) => {
            const url = new URL(route.request().url());
            answers++;
            if (isCut) {
                url.searchParams.set('limit', '1');
            }
            const view = await (await route.fetch({ url: url.href })).json();
            await route.fulfill({ json: { ...view, start_ms: Date.now() - shift } });
        });
        await page.goto(new URL(`traces/${traces[0].id}`, server.url).href);
        await grid.getByRole('row').first().waitFor();
        assert.strictEqual(await rowCount(), 2);
        await page.locator('.live').waitFor();
        await page.getByRole('combobox', { name: 'Follow links' }).focus();
        isCut = false;
        await refreshUntil(page, async () => await rowCount() > 2);
        assert.strictEqual(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Follow links');
        shift = 86400e3;
        await page.reload();
        await grid.getByRole('row').nth(2).waitFor();
        await page.locator('.live').waitFor({ state: 'hidden' });
        const asked = answers;
        await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        await page.getByRole('combobox', { name: 'Follow links' }).selectOption('1'); // asked for behind what would have been
        await page.waitForURL(/follow=1/);
        await page.waitForResponse(/follow=1/);
        assert.strictEqual(answers, asked + 1);
        await page.unroute(/\/view\?/);
    }));

    test('what cannot be done is told in the server\'s words', () => withPage(server.url, `runs/${seed.runs['queued 1']}`, { allowed: [/^40\d /, /status of 40\d/] }, async (page) => {
        await button(page, 'Cancel').waitFor();
        await page.route('**/cancel', (route) => route.fulfill({ status: 409, contentType: 'application/json', body: '{"message":"it has ended already"}' }));
        await button(page, 'Cancel').click();
        await page.getByRole('dialog').getByRole('button', { name: 'Cancel the run' }).click();
        await page.getByRole('status').filter({ hasText: 'it has ended already' }).waitFor();
        await page.unroute('**/cancel');
    }));

    test('it is live until it has ended, and what is chosen and zoomed stays so', async () => {
        const id = await trigger(server.url, 'page.parent', { relation: 'link' });
        await withPage(server.url, `runs/${id}`, {}, async (page) => {
            await status(page, 'Queued').waitFor();
            const grid = page.getByRole('treegrid');
            await grid.getByRole('row').filter({ hasText: 'queued' }).first().waitFor();
            const worker = await server.worker();
            try {
                await refreshUntil(page, () => status(page, 'Completed').isVisible());
                await refreshUntil(page, async () => (await page.locator('.wf-corner').textContent()).startsWith('13 traces'));
                await grid.locator('[role=row].is-band').nth(2).click();
                await page.keyboard.press('+');
                const axis = () => page.locator('.wf-axis text').allTextContents();
                await page.waitForFunction(() => document.querySelector('.wf-axis text').textContent !== '0');
                const before = [await grid.locator('[aria-selected="true"]').getAttribute('id'), await axis()];
                await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
                await page.waitForResponse(/\/view/);
                assert.deepStrictEqual([await grid.locator('[aria-selected="true"]').getAttribute('id'), await axis()], before);
            } finally {
                await worker.stop();
            }
        });
    });

    test('all of it fits a telephone', () => onRun('hostile', { width: 390, height: 780 }, async (page) => {
        await panel(page, 'Attempts').waitFor();
        await assertFits(page);
        await shot(page, 'run-narrow', { fullPage: true });
    }));
});

suite('two runs compared', () => {
    let seed;
    let file;
    before(async () => {
        seed = seedFile();
        file = await open(seed);
    });
    after(() => file?.stop());
    const address = () => `compare?a=${seed.runs.parent}&b=${seed.runs.link}`;
    const facts = (page, name) => page.locator('.compare-table tr').filter({ hasText: name }).locator('strong').allTextContents();

    test('by parent and by link: traces, the largest of them, how long they were open', () => withPage(file.url, address(), {}, async (page) => {
        await page.getByText('by parent').waitFor();
        await page.getByText('by link').waitFor();
        assert.deepStrictEqual(await facts(page, 'Traces'), ['1', '13']);
        const [whole, part] = (await facts(page, 'Largest trace')).map((text) => parseInt(text, 10));
        assert.ok(whole > part, `${whole} spans, ${part} spans`);
        assert.match((await facts(page, 'Its trace was open for')).join(), /s,.*s$/);
        await page.getByText(/^With links the largest trace is [\d.]+ times smaller/).waitFor();
        assert.strictEqual(await page.getByRole('treegrid').count(), 2);
        await page.getByRole('treegrid').nth(1).getByRole('row').first().waitFor();
        const ends = await page.locator('.wf-axis').evaluateAll((axes) => axes.map((axis) => axis.lastElementChild.textContent));
        assert.strictEqual(ends[0], ends[1], 'both are on one scale');
        await assertFits(page);
        await shot(page, 'compare');
    }));

    test('one below the other where there is no room', () => withPage(file.url, address(), { width: 390, height: 780, scheme: 'dark' }, async (page) => {
        await page.getByRole('treegrid').nth(1).getByRole('row').first().waitFor();
        const [a, b] = await Promise.all([0, 1].map((index) => page.getByRole('treegrid').nth(index).boundingBox()));
        assert.ok(b.y > a.y + a.height);
        await assertFits(page);
        await shot(page, 'compare-narrow', { fullPage: true });
    }));

    test('without two runs it says how to choose them', () => withPage(file.url, 'compare', {}, (page) => page.getByText('Which two runs?').waitFor()));
});
