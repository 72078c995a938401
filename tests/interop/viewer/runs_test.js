'use strict';
// The page of runs: on a file as it is, and while runs come.

const assert = require('node:assert');
const { after, before } = require('node:test');
const { assertFits, assertNamed, refreshUntil, shot, suite, test, withPage } = require('./lib/browser');
const { copyFile, emptyFile, hostile, open, seedFile, serve, trigger } = require('./lib/servers');

const rows = (page) => page.locator('.runs tbody [data-row]');
const row = (page, id) => page.locator(`.runs tbody [data-row="${id}"]`);
const chip = (page, name) => page.getByRole('group', { name: 'Status' }).getByRole('button', { name });
const query = (page) => new URL(page.url()).search;
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
        const ids = await rows(page).evaluateAll((nodes) => nodes.map((node) => node.dataset.row));
        assert.deepStrictEqual(ids, [...ids].sort().reverse());
        for (const [name, status] of [['leaf', 'Completed'], ['hostile', 'Failed'], ['waiting', 'Waiting'], ['queued 0', 'Queued'],
            ['cancelled', 'Cancelled']]) {
            assert.strictEqual(await row(page, seed.runs[name]).locator('.c-status').textContent(), status);
        }
        await row(page, seed.runs.hostile).getByText('attempt 2').waitFor();
        assert.match(await row(page, seed.runs.durable).locator('.c-took').textContent(), /ms|s/);
        await chip(page, 'Queued 3').waitFor();
        await chip(page, 'Completed').waitFor();
        assert.match(await page.locator('.over-time svg.chart').getAttribute('aria-label'), /^Runs over time: 35 runs/);
        await shot(page, 'runs');
    }));

    test('names, metadata and errors are text, whatever they look like', () => onPage('', {}, async (page) => {
        const line = row(page, seed.runs.hostile);
        await line.waitFor();
        assert.ok((await line.locator('.c-name').textContent()).includes(hostile));
        assert.ok((await line.locator('.error').textContent()).includes(hostile.slice(0, 20)));
        assert.ok((await line.locator('.tag').textContent()).includes('<b>bold</b>'));
        assert.strictEqual(await page.locator('main img, main b').count(), 0);
        assert.match(await page.title(), /^Runs/);
    }));

    test('each filter is in the URL and holds after a reload', () => onPage('', {}, async (page) => {
        const holds = async (search, ids) => {
            await page.waitForURL((url) => url.search === search);
            await foot(page, `All ${ids.length} run`);
            await page.reload();
            await foot(page, `All ${ids.length} run`);
            for (const id of ids) {
                assert.ok(await row(page, id).isVisible());
            }
            await page.getByRole('button', { name: 'Clear', exact: true }).click();
            await page.waitForURL((url) => url.search === '');
            await foot(page, 'All 35 runs');
        };
        await foot(page, 'All 35 runs');
        await chip(page, 'Failed').click();
        assert.strictEqual(await chip(page, 'Failed').getAttribute('aria-pressed'), 'true');
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
        const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
        await foot(page, 'All 35 runs');
        await page.getByLabel('Metadata, key:value').fill('customer:acme');
        await page.keyboard.press('Enter');
        await foot(page, 'All 1 run');
        assert.strictEqual(await focused(), 'Metadata, key:value');
        await page.getByRole('button', { name: 'Without customer:acme' }).press('Enter');
        await foot(page, 'All 35 runs');
        assert.strictEqual(await focused(), 'Metadata, key:value');
        await page.getByRole('combobox', { name: 'Time' }).selectOption('exact');
        await page.getByLabel('From', { exact: true }).evaluate((field) => { window.field = field; });
        await page.getByLabel('From', { exact: true }).fill('2020-01-02T03:04:05');
        await page.waitForURL(/since=\d+$/);
        assert.ok(await page.evaluate(() => document.activeElement === window.field)); // the same one, in the middle of a date
        await page.getByLabel('From', { exact: true }).fill('0002-01-02T03:04:05');
        assert.match(query(page), /since=1577/);
    }));

    test('a time that no clock has is none', () => onPage('runs?since=99999999999999999', {}, (page) => foot(page, 'All 35 runs')));

    test('what was typed counts for its own page only', () => onPage('', {}, async (page) => {
        await foot(page, 'All 35 runs');
        await page.getByLabel('Text in id').fill('late');
        await page.getByRole('link', { name: 'Workflows', exact: true }).click();
        await page.locator('.of-workflows tbody tr').first().waitFor();
        await page.evaluate(() => new Promise((done) => { setTimeout(done, 350); })); // behind the field's own timer
        assert.strictEqual(new URL(page.url()).pathname + query(page), '/workflows');
    }));

    test('a filter that nothing matches says so', () => onPage('runs?text=nothing-has-this', {}, async (page) => {
        await page.getByRole('heading', { name: 'No run matches' }).waitFor();
        await page.getByRole('button', { name: 'Clear the filters' }).click();
        await foot(page, 'All 35 runs');
    }));

    test('a drag over the histogram chooses the time, and the way back undoes it', () => onPage('', {}, async (page) => {
        await foot(page, 'All 35 runs');
        const bars = page.locator('.over-time [class^="fill-"]');
        const first = await bars.first().boundingBox();
        const last = await bars.last().boundingBox();
        await page.mouse.move(first.x + 1, first.y - 10);
        await page.mouse.down();
        await page.mouse.move((first.x + last.x) / 2, first.y - 5, { steps: 4 });
        await page.mouse.up();
        await page.waitForURL(/since=\d+&until=\d+/);
        await page.locator('.stretch .pill').waitFor();
        await page.locator('.foot').filter({ hasText: /All \d+ run/ }).waitFor();
        assert.ok(await rows(page).count() < 35);
        await page.goBack();
        await foot(page, 'All 35 runs');
        assert.strictEqual(query(page), '');
    }));

    test('keys go through the rows, choose two and compare them', () => onPage('', {}, async (page) => {
        await foot(page, 'All 35 runs');
        const ids = await rows(page).evaluateAll((nodes) => nodes.map((node) => node.dataset.row));
        const focused = () => page.evaluate(() => document.activeElement.dataset.row);
        await page.keyboard.press('j');
        assert.strictEqual(await focused(), ids[0]);
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('j');
        await page.keyboard.press('k');
        assert.strictEqual(await focused(), ids[1]);
        await page.keyboard.press('x');
        await page.getByText('Choose one more to compare').waitFor();
        await page.keyboard.press('j');
        await page.keyboard.press('x');
        const link = await page.getByRole('link', { name: 'Compare', exact: true }).getAttribute('href');
        assert.strictEqual(link, `compare?a=${ids[1]}&b=${ids[2]}`);
        assert.ok(await row(page, ids[2]).getByRole('checkbox').isChecked());
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
        assert.strictEqual(await row(page, seed.runs.link).count(), 1);
        assert.strictEqual(await rows(page).filter({ hasText: 'child' }).count(), 0);
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
            const focused = await page.evaluate(() => document.activeElement.dataset.row);
            const id = await trigger(server.url, 'page.durable', {}, { asked: 'by the test' });
            await refreshUntil(page, () => row(page, id).getByText('Completed').isVisible());
            await row(page, id).locator('.tag').filter({ hasText: 'by the test' }).waitFor();
            assert.strictEqual(await page.evaluate(() => document.activeElement.dataset.row), focused);
            await page.locator('.live').waitFor();
        }));

    test('who reads further down is told, and not moved', () => withPage(server.url, '', { height: 400 }, async (page) => {
        await rows(page).nth(10).waitFor();
        await rows(page).nth(20).scrollIntoViewIfNeeded();
        const place = await rows(page).nth(20).evaluate((node) => node.getBoundingClientRect().top);
        const id = await trigger(server.url, 'page.leaf');
        await refreshUntil(page, () => page.getByRole('button', { name: '1 new run' }).isVisible());
        assert.strictEqual(await row(page, id).count(), 0);
        assert.strictEqual(await rows(page).nth(20).evaluate((node) => node.getBoundingClientRect().top), place);
        await page.getByRole('button', { name: '1 new run' }).click();
        await row(page, id).waitFor();
    }));

    test('pages follow one another to the end', () => withPage(server.url, 'runs?workflow=page.leaf', {}, async (page) => {
        const before = await rows(page).count();
        await Promise.all(Array.from({ length: 60 }, () => trigger(server.url, 'page.leaf')));
        await page.reload();
        await rows(page).first().waitFor();
        await page.locator('.foot').scrollIntoViewIfNeeded();
        await page.locator('.foot').filter({ hasText: /All \d+ runs/ }).waitFor();
        const count = await rows(page).count();
        assert.ok(count > Math.max(before, 60), `${count} rows`);
        const place = await page.evaluate(() => scrollY);
        // A click of the mouse would scroll first, since the header is sticky.
        await page.getByRole('link', { name: 'Workflows', exact: true }).evaluate((link) => link.click());
        await page.locator('.of-workflows tbody tr').first().waitFor();
        await page.goBack();
        await page.waitForFunction((top) => scrollY === top, place); // with all its rows
        assert.strictEqual(await rows(page).count(), count);
    }));

    test('a server that went away is said to, and looked for', async () => {
        const other = await serve(copyFile(seedFile()));
        await withPage(other.url, '', { allowed: [/ERR_/, /failed/] }, async (page) => {
            await rows(page).first().waitFor();
            await other.stop();
            await refreshUntil(page, () => page.locator('.banner').filter({ hasText: /cannot be reached.*[Tt]rying again/ }).isVisible());
            assert.ok(await rows(page).count() > 0);
        });
    });
});

suite('no runs', () => {
    test('the page says how to make one', async () => {
        const server = await serve(emptyFile());
        try {
            await withPage(server.url, '', {}, async (page) => {
                await page.getByRole('heading', { name: 'No run yet' }).waitFor();
                assert.match(await page.locator('.command').textContent(), /^curl .*workflow-runs\/trigger/);
                await shot(page, 'runs-empty');
            });
        } finally {
            await server.stop();
        }
    });
});
