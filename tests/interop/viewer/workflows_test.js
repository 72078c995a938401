'use strict';
// Workflows, workers, schedules and the queue.

const assert = require('node:assert');
const { after, before } = require('node:test');
const { assertFits, assertNamed, refreshUntil, shot, suite, test, withPage } = require('./lib/browser');
const { eventually } = require('./lib/eventually');
const { copyFile, emptyFile, hostile, open, seedFile, serve } = require('./lib/servers');

const workflow = (page, name) => page.locator('.of-workflows tbody tr').filter({ hasText: name });

suite('workflows', () => {
    let seed;
    let file;
    let server;
    before(async () => {
        seed = seedFile();
        [file, server] = await Promise.all([open(seed), serve(copyFile(seed))]);
    });
    after(() => Promise.all([file, server].map((one) => one?.stop())));

    test('what a file has', () => withPage(file.url, 'workflows', {}, async (page) => {
        await workflow(page, 'page.durable').waitFor();
        await eventually(() => workflow(page, 'page.leaf').locator('td').nth(1).textContent(), '3');
        await eventually(() => workflow(page, 'page.waiting').locator('td').nth(3).textContent(), '1');
        await workflow(page, hostile).waitFor();
        assert.strictEqual(await page.locator('main img').count(), 0);
        await page.locator('.of-schedules tbody tr').filter({ hasText: '1 Jan 2100' }).waitFor();
        await page.locator('.of-crons tbody tr').filter({ hasText: '0 3 1 1 *' }).filter({ hasText: 'yearly' }).waitFor();
        await page.locator('.line.of-depth').waitFor();
        await eventually(() => page.locator('.queue-chart strong').first().textContent(), '3');
        await eventually(() => page.locator('.queue-chart svg').first().getAttribute('aria-label'), /^Runs in the queue: at most [1-9]/);
        await shot(page, 'workflows');
    }));

    test('a worker and its slots come and go', () => withPage(server.url, 'workflows', {}, async (page) => {
        await workflow(page, 'page.leaf').waitFor();
        const worker = await server.worker();
        const line = page.locator('.of-workers tbody tr.is-active').filter({ hasText: 'seed' });
        await refreshUntil(page, () => line.isVisible());
        await eventually(() => line.locator('.slots').first().textContent(), /\d+\/8$/);
        await shot(page, 'workers');
        await worker.stop();
        await refreshUntil(page, () => line.count(), 0);
    }));

    test('the filter and a row lead to the runs', () => withPage(file.url, 'workflows', {}, async (page) => {
        await workflow(page, 'page.leaf').waitFor();
        await page.keyboard.press('/');
        await page.keyboard.type('DURABLE');
        await workflow(page, 'page.leaf').waitFor({ state: 'detached' });
        await page.waitForURL(/text=DURABLE/);
        await page.keyboard.press('Escape');
        await page.keyboard.press('j');
        await page.keyboard.press('Enter');
        await page.waitForURL(/runs\?workflow=page\.durable$/);
        await page.locator('.foot').filter({ hasText: 'All 1 run' }).waitFor();
    }));

    test('the queue is shown for as long as was asked for', () => withPage(file.url, 'workflows', {}, async (page) => {
        await page.locator('.line.of-depth').waitFor();
        const asked = page.waitForRequest((request) => {
            const { pathname, searchParams } = new URL(request.url());
            return pathname.endsWith('queues/history') && Number(searchParams.get('until_ms')) - Number(searchParams.get('since_ms')) === 86400e3;
        });
        await page.getByRole('button', { name: '24 hours' }).click();
        await asked;
        await page.waitForURL(/last=24h/);
    }));

    test('everything that can be used has a name', () => withPage(file.url, 'workflows', {}, async (page) => {
        await workflow(page, 'page.leaf').waitFor();
        await assertNamed(page);
    }));

    for (const scheme of ['light', 'dark']) {
        test(`it fits a telephone, ${scheme}`, () => withPage(file.url, 'workflows', { width: 390, height: 844, scheme }, async (page) => {
            await workflow(page, 'page.leaf').waitFor();
            await assertFits(page);
            await shot(page, `workflows-narrow-${scheme}`);
        }));
    }

    test('where nothing is declared it says what to do', async () => {
        const other = await serve(emptyFile());
        try {
            await withPage(other.url, 'workflows', {}, async (page) => {
                await page.getByRole('heading', { name: 'No workflow is declared' }).waitFor();
                await page.getByText('No worker is known').waitFor();
            });
        } finally {
            await other.stop();
        }
    });
});
