'use strict';
// The page of a run, and of two runs compared: what is told of them, while they last and after; cancel and replay.

const assert = require('node:assert');
const { after, before } = require('node:test');
const { assertFits, clickDuring, refreshUntil, shot, suite, test, withPage } = require('./lib/browser');
const { eventually } = require('./lib/eventually');
const { copyFile, open, seedFile, serve, trigger } = require('./lib/servers');

const panel = (page, name) => page.locator('section.panel').filter({ has: page.getByRole('heading', { name, exact: true }) });
const status = (page, name) => page.locator('.page-title .status').filter({ hasText: name });
const button = (page, name) => page.locator('.page-actions').getByRole('button', { name });
const rowCount = async (page) => Number(await page.getByRole('treegrid').getAttribute('aria-rowcount'));
const texts = (locator, expected) => eventually(() => locator.allTextContents(), expected);
const count = (locator, expected) => eventually(() => locator.count(), expected);
const focused = (page) => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
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
        const input = page.getByRole('region', { name: 'Input' });
        await eventually(() => input.textContent(), /"needle": "in the haystack"/);
        await eventually(() => page.getByRole('region', { name: 'Output' }).textContent(), /"done": true/);
        await input.locator('.json-line').waitFor();
        await input.locator('.json-fold summary').click();
        await input.locator('.json-line').waitFor({ state: 'hidden' });
        await count(page.locator('.tags .tag').filter({ hasText: 'acme' }), 1);
        await eventually(() => page.title(), /^page\.leaf.*Completed/);
        await shot(page, 'run', { fullPage: true });
    }));

    test('a payload is shown as it is: exact numbers, and no text that turns the line', () => onRun('leaf', {}, async (page) => {
        await page.route(new RegExp(`/api/.*/runs/${seed.runs.leaf}$`), async (route) => route.fulfill({ json: {
            ...await (await route.fetch()).json(), input: '{"big":12345678901234567890,"one":1.0,"\u202ename":"\u202etxt.exe","list":[1e2,true]}',
        } }));
        await page.reload();
        const input = page.getByRole('region', { name: 'Input' });
        await input.getByText('12345678901234567890').waitFor();
        await texts(input.locator('.json span'), (shown) => ['1.0', '1e2', 'true', '"\\u202ename"', '"\\u202etxt.exe"']
            .every((text) => shown.includes(text)));
        await eventually(() => input.locator('.json-string').first().evaluate((node) => getComputedStyle(node).unicodeBidi), 'isolate');
    }));

    test('a long log is read to its end', () => onRun('leaf', {}, async (page) => {
        await page.route(new RegExp(`/api/.*/runs/${seed.runs.leaf}(\\?|$)`), async (route) => {
            const after = Number(new URL(route.request().url()).searchParams.get('logs_after') ?? 0);
            const logs = Array.from({ length: Math.min(1000, 5000 - after) }, (_, index) => ({ time_ms: after + index, level: 'info', message: `line ${after + index + 1}`, attempt: 1 }));
            await route.fulfill({ json: { ...await (await route.fetch()).json(), logs, logs_after: after, log_count: 5000 } });
        });
        await page.reload();
        await panel(page, 'Log').getByText('1–1,000 of 5,000 lines').waitFor();
        await panel(page, 'Log').getByRole('button', { name: 'Last' }).click();
        await panel(page, 'Log').getByText('4,001–5,000 of 5,000 lines').waitFor();
        await panel(page, 'Log').getByText('line 5000').waitFor();
        await panel(page, 'Log').getByRole('button', { name: 'Earlier' }).click();
        await panel(page, 'Log').getByText('3,001–4,000 of 5,000 lines').waitFor();
    }));

    test('attempts, events and the log of what failed', () => onRun('hostile', {}, async (page) => {
        await status(page, 'Failed').waitFor();
        await count(panel(page, 'Attempts').locator('tbody tr'), 2);
        await count(panel(page, 'Log').locator('li'), 2);
        const boxes = () => Promise.all(['Attempts', 'Log'].map((name) => panel(page, name).boundingBox()));
        await eventually(boxes, ([above, below]) => below.y - above.y - above.height > 8); // there is room between them
        await count(panel(page, 'Events').locator('li'), (events) => events >= 5);
    }));

    test('children, with how many of them are in which state, and the way back to the parent', () => onRun('parent', {}, async (page) => {
        await panel(page, 'Children').getByText('12 completed').waitFor();
        await count(panel(page, 'Children').locator('tbody tr'), 12);
        await panel(page, 'Children').getByRole('link').first().click();
        await page.getByText('child of').waitFor();
        await page.locator('.about').getByRole('link').click();
        await panel(page, 'Children').waitFor();
        await eventually(() => new URL(page.url()).pathname, `/runs/${seed.runs.parent}`);
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

    test('what was asked for before something was done does not come behind it', () =>
        withPage(server.url, `runs/${seed.runs['queued 2']}`, {}, async (page) => {
            await status(page, 'Queued').waitFor();
            let asked = 0;
            let release = () => {};
            const held = new Promise((done) => { release = done; });
            await page.route(new RegExp(`/api/.*/runs/${seed.runs['queued 2']}$`), async (route) => {
                const response = await route.fetch();
                if (++asked === 1) {
                    await held;
                }
                await route.fulfill({ response }).catch(() => {}); // it may be given up
            });
            await refreshUntil(page, () => asked, 1);
            await button(page, 'Cancel').click();
            await page.getByRole('dialog').getByRole('button', { name: 'Cancel the run' }).click();
            await status(page, 'Cancelled').waitFor();
            release();
            await page.unrouteAll({ behavior: 'wait' });
            await page.evaluate(() => new Promise((done) => { requestAnimationFrame(done); }));
            assert.ok(await status(page, 'Cancelled').isVisible());
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
            await page.getByText('line 59').waitFor();
            const before = await took.textContent();
            await button(page, 'Cancel').focus();
            // In one step, as the node is another one after each answer.
            await page.evaluate(() => { document.querySelector('.log').parentElement.scrollTop = 40; });
            await button(page, 'Cancel').evaluate((node) => { window.kept = node; });
            await refreshUntil(page, async () => await took.textContent() !== before && await page.getByText('line 61').count() > 0);
            await eventually(() => page.evaluate(() => document.activeElement === window.kept), true); // the same button, with the focus
            await eventually(() => page.evaluate(() => document.querySelector('.log').parentElement.scrollTop), 40);
        }));

    test('a trace that grows is followed, one that has long ended is not', () => withPage(server.url, '', {}, async (page) => {
        const { traces } = await (await fetch(new URL(`api/cleat/v1/runs/${seed.runs.parent}/view`, server.url))).json();
        const grid = page.getByRole('treegrid');
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
        await eventually(() => rowCount(page), 2);
        await page.locator('.live').waitFor();
        await page.getByRole('combobox', { name: 'Follow links' }).focus();
        isCut = false;
        await refreshUntil(page, () => rowCount(page), (rows) => rows > 2);
        await eventually(() => focused(page), 'Follow links');
        shift = 86400e3;
        await page.reload();
        await grid.getByRole('row').nth(2).waitFor();
        await page.locator('.live').waitFor({ state: 'hidden' });
        const asked = answers;
        await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        const answered = page.waitForResponse(/follow=1/);
        await page.getByRole('combobox', { name: 'Follow links' }).selectOption('1'); // asked for behind what would have been
        await page.waitForURL(/follow=1/);
        await answered;
        assert.strictEqual(answers, asked + 1);
    }));

    test('a link that is pressed while the page is brought up to date is followed', () => withPage(server.url, '', {}, async (page) => {
        const { rows } = await (await fetch(new URL(`api/cleat/v1/runs?parent=${seed.runs.parent}`, server.url))).json();
        let answers = 0;
        await page.route(new RegExp(`/api/.*/runs/${rows[0].id}$`), async (route) => {
            const run = await (await route.fetch()).json();
            await route.fulfill({ json: { ...run, status: 'RUNNING', finished_at_ms: null, output: `"${answers}"`, metadata: { answer: String(answers++) } } });
        });
        await page.goto(new URL(`runs/${rows[0].id}`, server.url).href);
        const output = page.getByRole('region', { name: 'Output' });
        await clickDuring(page, page.locator('.about').getByRole('link'), async () => {
            const before = await output.textContent();
            await refreshUntil(page, () => output.textContent(), (text) => text !== before);
        });
        await panel(page, 'Children').waitFor();
        await eventually(() => new URL(page.url()).pathname, `/runs/${seed.runs.parent}`);
    }));

    test('what cannot be done is told in the server\'s words', () => withPage(server.url, `runs/${seed.runs['queued 1']}`, { allowed: [/^40\d /, /status of 40\d/] }, async (page) => {
        await button(page, 'Cancel').waitFor();
        await page.route('**/cancel', (route) => route.fulfill({ status: 409, contentType: 'application/json', body: '{"message":"it has ended already"}' }));
        await button(page, 'Cancel').click();
        await page.getByRole('dialog').getByRole('button', { name: 'Cancel the run' }).click();
        await page.getByRole('status').filter({ hasText: 'it has ended already' }).waitFor();
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
                await refreshUntil(page, () => page.locator('.wf-corner').textContent(), /^13 traces/);
            } finally {
                await worker.stop();
            }
        });
    });

    test('what is chosen and zoomed stays so in a picture that goes on', () => onRun('link', {}, async (page) => {
        const { link: id } = seed.runs;
        let name = 'a name';
        await page.route(new RegExp(`/api/.*/runs/${id}(/view.*)?$`), async (route) => {
            const json = await (await route.fetch()).json();
            if (json.traces === undefined) {
                Object.assign(json, { status: 'RUNNING', finished_at_ms: null });
            } else {
                json.traces[2].task = name;
            }
            await route.fulfill({ json });
        });
        await page.reload();
        const bands = page.getByRole('treegrid').locator('[role=row].is-band');
        const isThere = () => bands.filter({ hasText: name }).first().waitFor({ state: 'attached' });
        await page.getByRole('button', { name: 'Collapse all' }).click();
        await isThere();
        await bands.nth(2).click();
        await page.keyboard.press('+');
        const state = () => page.evaluate(() => [document.querySelector('[role=treegrid] [aria-selected="true"]')?.id,
            ...[...document.querySelectorAll('.wf-axis text')].map((node) => node.textContent)]);
        const before = await eventually(state, ([chosen, from]) => chosen !== undefined && ![undefined, '0'].includes(from));
        name = 'another one';
        await refreshUntil(page, () => bands.filter({ hasText: name }).count(), 1);
        await eventually(state, before);
    }));

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
        await eventually(() => facts(page, 'Traces'), ['1', '13']);
        await eventually(async () => (await facts(page, 'Largest trace')).map((text) => parseInt(text, 10)), ([whole, part]) => whole > part);
        await eventually(async () => (await facts(page, 'Its trace was open for')).join(), /s,.*s$/);
        await page.getByText(/^With links the largest trace is [\d.]+ times smaller/).waitFor();
        await count(page.getByRole('treegrid'), 2);
        await page.getByRole('treegrid').nth(1).getByRole('row').first().waitFor();
        const ends = () => page.locator('.wf-axis').evaluateAll((axes) => axes.map((axis) => axis.lastElementChild?.textContent));
        await eventually(ends, ([a, b]) => a !== undefined && a === b); // both are on one scale
        await assertFits(page);
        await shot(page, 'compare');
    }));

    test('one below the other where there is no room', () => withPage(file.url, address(), { width: 390, height: 780, scheme: 'dark' }, async (page) => {
        await page.getByRole('treegrid').nth(1).getByRole('row').first().waitFor();
        const boxes = () => Promise.all([0, 1].map((index) => page.getByRole('treegrid').nth(index).boundingBox()));
        await eventually(boxes, ([a, b]) => b.y > a.y + a.height);
        await assertFits(page);
        await shot(page, 'compare-narrow', { fullPage: true });
    }));

    test('without two runs it says how to choose them', () => withPage(file.url, 'compare', {}, (page) => page.getByText('Which two runs?').waitFor()));
});
