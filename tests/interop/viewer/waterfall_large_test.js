'use strict';
// Large pictures: ten thousand spans at once, and what is shown of a hundred thousand.

const assert = require('node:assert');
const { after, before } = require('node:test');
const { shot, suite, test, withPage } = require('./lib/browser');
const { eventually } = require('./lib/eventually');
const { open, seedFile } = require('./lib/servers');

const grid = (page) => page.getByRole('treegrid');
const rowCount = async (page) => Number(await grid(page).getAttribute('aria-rowcount'));

// Milliseconds from the beginning of the navigation until bars are drawn.
const opened = async (page) => (await page.waitForFunction(
    () => document.querySelector('.wf-picture .wf-bar') !== null && performance.now(), null, { polling: 'raf' })).jsonValue();

// Scrolls through all of it, and tells how long frames took.
const scrolled = (page) => page.evaluate(() => new Promise((done) => {
    const node = document.querySelector('.wf-scroll');
    const step = node.scrollHeight / 50;
    const frames = [];
    let most = 0;
    let last = performance.now();
    requestAnimationFrame(function next() {
        const now = performance.now();
        frames.push(now - last);
        last = now;
        most = Math.max(most, node.querySelectorAll('[role=row]').length);
        node.scrollTop += step;
        if (frames.length < 60) {
            requestAnimationFrame(next);
        } else {
            frames.sort((a, b) => a - b);
            done({ median: frames[30], slow: frames[57], most, isEnd: node.scrollTop + node.clientHeight >= node.scrollHeight - 1 });
        }
    });
}));

for (const [name, spans] of [['ten thousand spans', 9990], ['a hundred thousand spans', 100000]]) {
    suite(name, () => {
        let seed;
        let server;
        before(async () => {
            seed = seedFile({ spans });
            server = await open(seed);
        });
        after(() => server?.stop());
        const onRun = (check) => withPage(server.url, `runs/${seed.runs.large}`, {}, check);

        test('the page opens, and only what is in sight is there', () => onRun(async (page) => {
            const took = await opened(page);
            console.log(`# ${name}: drawn ${took.toFixed(0)} ms after the navigation began`);
            await eventually(() => grid(page).locator('[role=row]').count(), (rows) => rows > 10 && rows < 120);
            await eventually(() => page.locator('.wf-picture *').count(), (nodes) => nodes < 1000);
            const total = async () => Number(/([\d,]+) spans/.exec(await page.locator('.wf-corner').textContent())[1].replaceAll(',', ''));
            await eventually(total, (shown) => shown >= spans);
            await shot(page, `spans-${spans}`);
        }));

        test('it scrolls, however far', () => onRun(async (page) => {
            await opened(page);
            const { median, slow, most, isEnd } = await scrolled(page);
            console.log(`# ${name}: a frame while scrolling takes ${median.toFixed(0)} ms, one of twenty more than ${slow.toFixed(0)} ms`);
            assert.ok(isEnd);
            assert.ok(most < 200, `${most} rows`);
        }));

        test('the search finds what is far away, and goes there', () => onRun(async (page) => {
            await opened(page);
            await page.keyboard.press('/');
            await page.keyboard.type('part 9');
            await page.getByText(/[\d,]+ found/).waitFor();
            await page.keyboard.press('Shift+Enter');
            const row = grid(page).locator('[role=row][aria-selected="true"]');
            await row.waitFor();
            await eventually(() => row.textContent(), /part 9/);
            await eventually(async () => Number(await row.getAttribute('aria-rowindex')), (index) => index > 5000);
        }));
    });
}

suite('more than is shown', () => {
    let seed;
    let server;
    before(async () => {
        seed = seedFile({ spans: 20500 });
        server = await open(seed);
    });
    after(() => server?.stop());

    test('it says how much that is, and shows more of it when it is asked to', () => withPage(server.url, `runs/${seed.runs.large}`, {}, async (page) => {
        await opened(page);
        await page.getByText(/^Showing the first 10,000 of 20,5\d\d spans/).waitFor();
        await eventually(() => rowCount(page), 10001);
        await page.getByRole('button', { name: 'Show more' }).click();
        await page.getByText(/^Showing the first 20,000 of 20,5\d\d spans/).waitFor();
        await eventually(() => rowCount(page), 20001);
        await eventually(() => page.getByRole('button', { name: 'Show more' }).count(), 0);
    }));
});
