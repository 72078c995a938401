'use strict';
// The page of runs: on a file as it is, and while runs come.

const assert = require('node:assert');
const { after, before } = require('node:test');
const { assertFits, assertNamed, boxOf, clickDuring, refreshUntil, shot, suite, test, withPage } = require('./lib/browser');
const { eventually } = require('./lib/eventually');
const { copyFile, emptyFile, hostile, open, seedFile, serve, trigger } = require('./lib/servers');

const rows = (page) => page.locator('.runs tbody [data-row]');
const row = (page, id) => page.locator(`.runs tbody [data-row="${id}"]`);
const chip = (page, name) => page.getByRole('group', { name: 'Status' }).getByRole('button', { name });
const idsOf = (page) => rows(page).evaluateAll((nodes) => nodes.map((node) => node.dataset.row));
const count = (locator, expected) => eventually(() => locator.count(), expected);
const isQuery = (page, expected) => eventually(() => new URL(page.url()).search, expected);
const focusIsOn = (page, label) => eventually(() => page.evaluate(() => document.activeElement.getAttribute('aria-label')), label);
const focusedRow = (page) => page.evaluate(() => document.activeElement.dataset.row);
const topOf = (locator) => locator.evaluate((node) => node.getBoundingClientRect().top);
const foot = (page, text) => page.locator('.foot').filter({ hasText: text }).waitFor();

suite('runs of a file', () => {
    let seed;
    let server;
    before(async () => {
        seed = seedFile();
        server = await open(seed);
    });
    after(() => server?.stop());
    const onPage = (address, options, check) => withPage(server.url, address, options, check);

    test('all are there, the newest first, with their status', () => onPage('', {}, async (page) => {
        await foot(page, 'All 35 runs');
        const ids = await idsOf(page);
        assert.deepStrictEqual(ids, [...ids].sort().reverse());
        for (const [name, status] of [['leaf', 'Completed'], ['hostile', 'Failed'], ['waiting', 'Waiting'], ['queued 0', 'Queued'],
            ['cancelled', 'Cancelled']]) {
            await eventually(() => row(page, seed.runs[name]).locator('.c-status').textContent(), status);
        }
        await row(page, seed.runs.hostile).getByText('attempt 2').waitFor();
        await eventually(() => row(page, seed.runs.durable).locator('.c-took').textContent(), /ms|s/);
        await chip(page, 'Queued 3').waitFor();
        await chip(page, 'Completed').waitFor();
        await eventually(() => page.locator('.over-time svg.chart').getAttribute('aria-label'), /^Runs over time: 35 runs/);
        await shot(page, 'runs');
    }));

    test('names, metadata and errors are text, whatever they look like', () => onPage('', {}, async (page) => {
        const line = row(page, seed.runs.hostile);
        await line.locator('.c-name').filter({ hasText: hostile }).waitFor();
        await line.locator('.error').filter({ hasText: hostile.slice(0, 20) }).waitFor();
        await line.locator('.tag').filter({ hasText: '<b>bold</b>' }).waitFor();
        assert.strictEqual(await page.locator('main img, main b').count(), 0);
        await eventually(() => page.title(), /^Runs/);
    }));

    test('each filter is in the URL and holds after a reload', () => onPage('', {}, async (page) => {
        const holds = async (search, ids) => {
            await page.waitForURL((url) => url.search === search);
            await foot(page, `All ${ids.length} run`);
            await page.reload();
            await foot(page, `All ${ids.length} run`);
            for (const id of ids) {
                await row(page, id).waitFor();
            }
            await page.getByRole('button', { name: 'Clear', exact: true }).click();
            await page.waitForURL((url) => url.search === '');
            await foot(page, 'All 35 runs');
        };
        await foot(page, 'All 35 runs');
        await chip(page, 'Failed').click();
        await eventually(() => chip(page, 'Failed').getAttribute('aria-pressed'), 'true');
        await chip(page, 'Cancelled').click();
        await holds('?status=FAILED&status=CANCELLED', [seed.runs.hostile, seed.runs.cancelled]);
        await page.getByLabel('Text in id').fill('in the haystack');
        await holds('?text=in+the+haystack', [seed.runs.leaf]);
        await page.getByRole('combobox', { name: 'Workflow' }).fill('page:durable'); // as the task is called in C
        await page.keyboard.press('Enter');
        await holds('?workflow=page.durable', [seed.runs.durable]);
        await page.getByLabel('Metadata, key:value').fill('customer:acme');
        await page.keyboard.press('Enter');
        await page.locator('.pill').filter({ hasText: 'customer:acme' }).waitFor();
        await holds('?metadata=customer%3Aacme', [seed.runs.leaf]);
    }));

    test('who has set a filter goes on where it was', () => onPage('', {}, async (page) => {
        await foot(page, 'All 35 runs');
        await page.getByLabel('Metadata, key:value').fill('customer:acme');
        await page.keyboard.press('Enter');
        await foot(page, 'All 1 run');
        await focusIsOn(page, 'Metadata, key:value');
        await page.getByRole('button', { name: 'Without customer:acme' }).press('Enter');
        await foot(page, 'All 35 runs');
        await focusIsOn(page, 'Metadata, key:value');
        await page.getByRole('combobox', { name: 'Time' }).selectOption('exact');
        await page.getByLabel('From', { exact: true }).evaluate((field) => { window.field = field; });
        await page.getByLabel('From', { exact: true }).fill('2020-01-02T03:04:05');
        await page.waitForURL(/since=\d+$/);
        await eventually(() => page.evaluate(() => document.activeElement === window.field), true); // the same one, in the middle of a date
        await page.getByLabel('From', { exact: true }).fill('0002-01-02T03:04:05');
        await isQuery(page, /since=1577/);
    }));

    test('a time that no clock has is none', () => onPage('runs?since=99999999999999999', {}, (page) => foot(page, 'All 35 runs')));

    test('what was typed counts for its own page only', () => onPage('', {}, async (page) => {
        await foot(page, 'All 35 runs');
        await page.getByLabel('Text in id').fill('late');
        await page.getByRole('link', { name: 'Workflows', exact: true }).click();
        await page.locator('.of-workflows tbody tr').first().waitFor();
        await page.evaluate(() => new Promise((done) => { setTimeout(done, 350); })); // behind the field's own timer
        await eventually(() => new URL(page.url()).pathname + new URL(page.url()).search, '/workflows');
    }));

    test('a filter that nothing matches says so', () => onPage('runs?text=nothing-has-this', {}, async (page) => {
        await page.getByRole('heading', { name: 'No run matches' }).waitFor();
        await page.getByRole('button', { name: 'Clear the filters' }).click();
        await foot(page, 'All 35 runs');
    }));

    test('a drag over the histogram chooses the time, and the way back undoes it', async () => {
        const { rows: all } = await (await fetch(new URL('api/cleat/v1/runs?limit=100', server.url))).json();
        const times = all.map((run) => run.created_at_ms);
        // Without an end it would be drawn up to now, all in one column once that is long after it.
        const search = `?since=${Math.min(...times)}&until=${Math.max(...times) + 1}`;
        await onPage(`runs${search}`, {}, async (page) => {
            await foot(page, 'All 35 runs');
            const bars = page.locator('.over-time [class^="fill-"]');
            await chip(page, 'Queued 3').waitFor(); // what is counted behind the drawing
            const first = await boxOf(bars.first());
            const last = await boxOf(bars.last());
            await page.mouse.move(first.x + 1, first.y - 10);
            await page.mouse.down();
            await page.mouse.move((first.x + last.x) / 2, first.y - 5, { steps: 4 });
            await page.mouse.up();
            await page.waitForURL((url) => url.search !== search && /since=\d+&until=\d+/.test(url.search));
            await page.locator('.stretch .pill').waitFor();
            await page.locator('.foot').filter({ hasText: /All \d+ run/ }).waitFor();
            await count(rows(page), (shown) => shown > 0 && shown < 35);
            await page.goBack();
            await foot(page, 'All 35 runs');
            await isQuery(page, search);
        });
    });

    test('keys go through the rows, choose two and compare them', () => onPage('', {}, async (page) => {
        await foot(page, 'All 35 runs');
        const ids = await idsOf(page);
        await page.keyboard.press('j');
        await eventually(() => focusedRow(page), ids[0]);
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('j');
        await page.keyboard.press('k');
        await eventually(() => focusedRow(page), ids[1]);
        await page.keyboard.press('x');
        await page.getByText('Choose one more to compare').waitFor();
        await page.keyboard.press('j');
        await page.keyboard.press('x');
        const link = page.getByRole('link', { name: 'Compare', exact: true });
        await eventually(() => link.getAttribute('href'), `compare?a=${ids[1]}&b=${ids[2]}`);
        await eventually(() => row(page, ids[2]).getByRole('checkbox').isChecked(), true);
    }));

    test('children of a run alone', () => onPage(`runs?parent=${seed.runs.link}`, {}, async (page) => {
        await foot(page, 'All 12 runs');
        await page.getByRole('button', { name: 'Not only children' }).click();
        await foot(page, 'All 35 runs');
    }));

    test('runs without those that others started', () => onPage('', {}, async (page) => {
        await foot(page, 'All 35 runs');
        await page.getByLabel('without children').check();
        await page.waitForURL(/parent=none/);
        await foot(page, 'All 11 runs');
        await count(row(page, seed.runs.link), 1);
        await count(rows(page).filter({ hasText: 'child' }), 0);
        await chip(page, 'Completed 5').waitFor();
        await page.reload();
        await foot(page, 'All 11 runs');
        await page.getByLabel('without children').uncheck();
        await foot(page, 'All 35 runs');
    }));

    test('everything that can be used has a name', () => onPage('', {}, async (page) => {
        await foot(page, 'All 35 runs');
        await assertNamed(page);
    }));

    for (const scheme of ['light', 'dark']) {
        test(`it fits a telephone, ${scheme}`, () => onPage('', { width: 390, height: 844, scheme }, async (page) => {
            await row(page, seed.runs.cancelled).waitFor();
            await foot(page, 'All 35 runs');
            await assertFits(page);
            await shot(page, `runs-narrow-${scheme}`);
        }));
    }
});

suite('runs that come', () => {
    let server;
    let worker;
    before(async () => {
        server = await serve(copyFile(seedFile()));
        worker = await server.worker();
        await eventually(async () => { // it takes what is queued in the file
            const query = new URL('api/cleat/v1/runs?status=QUEUED&status=RUNNING', server.url);
            return (await (await fetch(query)).json()).rows.length;
        }, 0);
    });
    after(async () => {
        await worker?.stop();
        await server?.stop();
    });

    test('they show up and change without a reload, and what has the focus keeps it', () =>
        withPage(server.url, '', {}, async (page) => {
            await rows(page).first().waitFor();
            await page.keyboard.press('j');
            await page.keyboard.press('j');
            const focused = await eventually(() => focusedRow(page), (row) => row !== undefined);
            const id = await trigger(server.url, 'page.durable', {}, { asked: 'by the test' });
            await refreshUntil(page, () => row(page, id).getByText('Completed').isVisible());
            await row(page, id).locator('.tag').filter({ hasText: 'by the test' }).waitFor();
            await eventually(() => focusedRow(page), focused);
            await page.locator('.live').waitFor();
        }));

    test('a row that is pressed while it changes is opened', () => withPage(server.url, '', {}, async (page) => {
        let attempts = 1;
        await page.route(/\/api\/.*\/runs\?/, async (route) => {
            const answer = await (await route.fetch()).json();
            answer.rows.forEach((row) => Object.assign(row, { status: 'RUNNING', finished_at_ms: null, attempt: ++attempts }));
            await route.fulfill({ json: answer });
        });
        await page.reload();
        const mark = (index) => rows(page).nth(index).locator('.notes').textContent();
        await clickDuring(page, rows(page).nth(2).locator('.c-status .status'), async () => {
            const before = await mark(1);
            await refreshUntil(page, () => mark(1), (text) => text !== before);
        });
        await page.waitForURL(/\/runs\/[-0-9a-f]+$/);
    }));

    test('who reads further down is told, and not moved', () => withPage(server.url, '', { height: 400 }, async (page) => {
        await rows(page).nth(10).waitFor();
        await rows(page).nth(20).scrollIntoViewIfNeeded();
        const place = await topOf(rows(page).nth(20));
        const id = await trigger(server.url, 'page.leaf');
        await refreshUntil(page, () => page.getByRole('button', { name: '1 new run' }).isVisible());
        assert.strictEqual(await row(page, id).count(), 0);
        await eventually(() => topOf(rows(page).nth(20)), place);
        await page.getByRole('button', { name: '1 new run' }).click();
        await row(page, id).waitFor();
    }));

    test('pages follow one another to the end', () => withPage(server.url, 'runs?workflow=page.leaf', {}, async (page) => {
        await Promise.all(Array.from({ length: 60 }, () => trigger(server.url, 'page.leaf')));
        await page.reload();
        await rows(page).first().waitFor();
        await page.locator('.foot').scrollIntoViewIfNeeded();
        await page.locator('.foot').filter({ hasText: /All \d+ runs/ }).waitFor();
        const shown = await count(rows(page), (found) => found > 60);
        // A click of the mouse would scroll first, since the header is sticky.
        const place = await page.getByRole('link', { name: 'Workflows', exact: true }).evaluate((link) => {
            const top = scrollY;
            link.click();
            return top;
        });
        await page.locator('.of-workflows tbody tr').first().waitFor();
        await page.goBack();
        await eventually(() => page.evaluate(() => scrollY), place); // with all its rows
        await count(rows(page), shown);
    }));

    test('a server that went away is said to, and looked for', async () => {
        const other = await serve(copyFile(seedFile()));
        await withPage(other.url, '', { allowed: [/ERR_/, /failed/] }, async (page) => {
            await rows(page).first().waitFor();
            await other.stop();
            await refreshUntil(page, () => page.locator('.banner').filter({ hasText: /cannot be reached.*[Tt]rying again/ }).isVisible());
            await count(rows(page), (shown) => shown > 0);
        });
    });
});

suite('no runs', () => {
    test('the page says how to make one', async () => {
        const server = await serve(emptyFile());
        try {
            await withPage(server.url, '', {}, async (page) => {
                await page.getByRole('heading', { name: 'No run yet' }).waitFor();
                await eventually(() => page.locator('.command').textContent(), /^curl .*workflow-runs\/trigger/);
                await shot(page, 'runs-empty');
            });
        } finally {
            await server.stop();
        }
    });
});
