'use strict';
// The search for traces.

const assert = require('node:assert');
const { after, before } = require('node:test');
const { assertFits, assertNamed, shot, suite, test, withPage } = require('./lib/browser');
const { eventually } = require('./lib/eventually');
const { emptyFile, hostile, open, seedFile } = require('./lib/servers');

const rows = (page) => page.locator('.traces tbody [data-row]');
const count = (locator, expected) => eventually(() => locator.count(), expected);
const state = (page, text) => page.locator('.search-state').filter({ hasText: text }).waitFor();

suite('traces', () => {
    let seed;
    let server;
    let total;
    before(async () => {
        seed = seedFile({ spans: 3000 });
        server = await open(seed);
        total = (await (await fetch(new URL('api/cleat/v1/traces?limit=500', server.url))).json()).rows.length;
    });
    after(() => server?.stop());
    const onPage = (address, options, check) => withPage(server.url, address, options, check);

    test('all are there, as rows and as points', () => onPage('traces', {}, async (page) => {
        await state(page, `${total} traces, all there are`);
        await count(rows(page), total);
        await count(page.locator('.point'), total);
        const starts = await rows(page).locator('time').evaluateAll((nodes) => nodes.map((node) => node.dateTime));
        assert.deepStrictEqual(starts, [...starts].sort().reverse());
        await shot(page, 'traces');
    }));

    test('each part of the search is in the URL and finds what it says', () => onPage('traces', {}, async (page) => {
        await state(page, 'all there are');
        await page.getByLabel('Name of a span or task').fill('part 2999');
        await page.waitForURL((url) => url.searchParams.get('name') === 'part 2999');
        await state(page, '1 trace,');
        await eventually(() => rows(page).locator('.c-spans').textContent(), /^3,\d\d\d$/);
        await page.reload();
        await state(page, '1 trace,');
        await page.getByRole('button', { name: 'Clear', exact: true }).click();
        await state(page, `${total} traces`);

        await page.getByLabel('Attribute, key=value').fill('leaf.kind=plain');
        await page.keyboard.press('Enter');
        await page.waitForURL((url) => url.searchParams.get('attribute') === 'leaf.kind=plain');
        await page.locator('.search-state').filter({ hasText: new RegExp(`^(?!${total} )\\d+ trace`) }).waitFor();
        await page.getByRole('button', { name: 'Clear', exact: true }).click();
        await state(page, `${total} traces`);

        await page.getByLabel('Status').selectOption('error');
        await page.waitForURL(/status=error/);
        await page.locator('.search-state').filter({ hasText: new RegExp(`^(?!${total} )\\d+ trace`) }).waitFor();
        await eventually(() => rows(page).locator('.c-errors').allTextContents(),
            (errors) => errors.length > 0 && errors.every((text) => Number(text) > 0));
    }));

    test('the longest come first when asked for, and a duration bounds them', () =>
        onPage('traces?sort=longest&min=100ms', {}, async (page) => {
            await rows(page).first().waitFor();
            await state(page, 'all there are');
            await count(rows(page), (shown) => shown < total);
            const shares = await page.locator('.share').evaluateAll((nodes) => nodes.map((node) => Number(node.style.getPropertyValue('--share'))));
            assert.deepStrictEqual(shares, [...shares].sort((a, b) => b - a));
            await page.getByLabel('Shortest duration').fill('nonsense');
            await page.keyboard.press('Enter');
            await eventually(() => page.getByLabel('Shortest duration').getAttribute('aria-invalid'), 'true');
            await eventually(() => page.url(), /min=100ms/);
        }));

    test('names are text', () => onPage(`traces?name=${encodeURIComponent(hostile)}`, {}, async (page) => {
        await rows(page).first().waitFor();
        assert.strictEqual(await page.locator('main img').count(), 0);
        await eventually(() => page.getByLabel('Name of a span or task').inputValue(), hostile);
        await eventually(() => page.title(), /^Traces/);
    }));

    // Answers of the test's own, in the place of the server's.
    async function answering(page, answer, check) {
        const pattern = '**/api/cleat/v1/traces?*';
        await page.route(pattern, (route) => answer(route, new URL(route.request().url()).searchParams));
        try {
            await page.getByRole('button', { name: 'Refresh' }).click();
            await check();
        } finally {
            await page.unroute(pattern);
        }
    }

    test('a search goes back piece by piece, says how far it is, and can be stopped', () => onPage('traces', {}, async (page) => {
        await state(page, 'all there are');
        const asked = [];
        const at = new Date(2026, 0, 2, 3, 4, 5).getTime();
        let release = () => {};
        const held = new Promise((done) => { release = done; });
        const answer = async (route, query) => {
            asked.push(query.get('before'));
            if (asked.length === 3) {
                await held;
            }
            await route.fulfill({ json: { rows: [], next: `cursor ${asked.length}`, searched_to_ms: at, searched_spans: 5000 } });
        };
        await answering(page, answer, async () => {
            await page.locator('.foot').filter({ hasText: /Searching back to 2 Jan.* 03:04:05/ }).waitFor();
            await state(page, '10,000 spans looked at');
            await page.getByRole('button', { name: 'Stop' }).click();
            release();
            await page.getByRole('button', { name: 'Search further' }).waitFor();
            assert.deepStrictEqual(asked, [null, 'cursor 1', 'cursor 2']);
        });
    }));

    test('what goes wrong is said, and can be tried again', () =>
        onPage('traces', { allowed: [/^503 /, /status of 503/] }, async (page) => {
            await state(page, 'all there are');
            const answer = (route) => route.fulfill({ status: 503, json: { message: 'the disk has gone' } });
            await answering(page, answer, () => page.getByRole('alert').filter({ hasText: 'the disk has gone' }).waitFor());
            await page.getByRole('button', { name: 'Try again' }).click();
            await state(page, `${total} traces`);
        }));

    test('a search that cannot be is told so in words, and not asked for', () => onPage('traces?min=10s&max=1ms', {}, async (page) => {
        await page.getByRole('alert').getByText('The shortest duration is longer than the longest.').waitFor();
        await count(page.getByRole('button', { name: 'Try again' }), 0);
        await page.getByLabel('Longest duration').fill('20m');
        await page.getByRole('alert').waitFor({ state: 'detached' });
        const attribute = page.getByLabel('Attribute, key=value');
        await attribute.fill('no value');
        await page.keyboard.press('Enter');
        const refusal = () => attribute.evaluate((field) => field.validationMessage);
        await eventually(refusal, 'To be written as Attribute, key=value');
        await attribute.fill('leaf.kind=plain');
        await eventually(refusal, '');
    }));

    test('what went wrong is no longer said once it goes on', () =>
        onPage('traces', { allowed: [/^503 /, /status of 503/] }, async (page) => {
            await state(page, 'all there are');
            let asked = 0;
            const row = { id: '0'.repeat(31) + '1', name: 'one', task: null, service: null, start_ms: 1, duration_ns: 1, span_count: 1, error_count: 0, links_out: 0, links_in: 0 };
            const answer = (route) => (++asked === 2 ? route.fulfill({ status: 503, json: { message: 'the disk has gone' } })
                : route.fulfill({ json: { rows: asked === 1 ? [row] : [], next: asked === 1 ? 'cursor' : null, searched_to_ms: null, searched_spans: 1 } }));
            await answering(page, answer, async () => {
                await page.getByRole('alert').filter({ hasText: 'the disk has gone' }).waitFor();
                await page.getByRole('button', { name: 'Search further' }).click();
                await state(page, '1 trace, all there are');
                await count(page.getByRole('alert'), 0);
            });
        }));

    test('nothing found', () => onPage('traces?service=nobody', {}, async (page) => {
        await page.getByRole('heading', { name: 'No trace matches' }).waitFor();
    }));

    test('everything that can be used has a name', () => onPage('traces', {}, async (page) => {
        await state(page, 'all there are');
        await assertNamed(page);
    }));

    for (const scheme of ['light', 'dark']) {
        test(`it fits a telephone, ${scheme}`, () => onPage('traces', { width: 390, height: 844, scheme }, async (page) => {
            await state(page, 'all there are');
            await assertFits(page);
            await shot(page, `traces-narrow-${scheme}`);
        }));
    }

    test('a file without spans says so', async () => {
        const other = await open(emptyFile());
        try {
            await withPage(other.url, 'traces', {}, async (page) => {
                await page.getByRole('heading', { name: 'This file has no spans' }).waitFor();
            });
        } finally {
            await other.stop();
        }
    });
});
