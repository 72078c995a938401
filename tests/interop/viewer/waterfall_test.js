'use strict';
// The waterfall, on the pages of a run and of a trace: what is in it, links both ways, keys and pointer.

const assert = require('node:assert');
const { after, before } = require('node:test');
const { assertFits, refreshUntil, shot, suite, test, withPage } = require('./lib/browser');
const { hostile, open, seedFile } = require('./lib/servers');

const grid = (page) => page.getByRole('treegrid');
const rows = (page) => grid(page).getByRole('row');
const chosen = (page) => grid(page).locator('[role=row][aria-selected="true"]');
const named = (page, name) => rows(page).filter({ has: page.locator('.wf-text', { hasText: name }) });
const bands = (page) => grid(page).locator('[role=row].is-band');
const details = (page) => page.getByRole('complementary', { name: 'Details' });
const ticks = (page) => page.locator('.wf-axis text').allTextContents();
const names = (page) => rows(page).locator('.wf-text').allTextContents();
// Rows of the picture, in sight or not.
const rowCount = async (page) => Number(await grid(page).getAttribute('aria-rowcount'));
const count = async (locator, expected) => {
    await locator.nth(expected - 1).waitFor();
    assert.strictEqual(await locator.count(), expected);
};
// The name of the row that is chosen, once it is.
const chosenName = async (page) => {
    await chosen(page).waitFor();
    return chosen(page).locator('.wf-text').textContent();
};

async function zoomByDrag(page, from, to) {
    const box = await page.locator('.wf-axis').boundingBox();
    await page.mouse.move(box.x + box.width * from, box.y + 60);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * (from + to) / 2, box.y + 60);
    await page.mouse.move(box.x + box.width * to, box.y + 60);
    await page.mouse.up();
}

// Answers a run that goes on, with the beginning of its picture only, until grow() was called.
async function growing(page, id, limit) {
    let isCut = true;
    await page.route(new RegExp(`/api/.*/runs/${id}(/view.*)?$`), async (route) => {
        const url = new URL(route.request().url());
        if (!url.pathname.endsWith('/view')) {
            await route.fulfill({ json: { ...await (await route.fetch()).json(), status: 'RUNNING', finished_at_ms: null } });
            return;
        }
        if (isCut) {
            url.searchParams.set('limit', limit);
        }
        await route.fulfill({ json: await (await route.fetch({ url: url.href })).json() });
    });
    return () => { isCut = false; };
}

suite('the waterfall', () => {
    let seed;
    let server;
    before(async () => {
        seed = seedFile();
        server = await open(seed);
    });
    after(() => server?.stop());
    const onRun = (name, options, check) => withPage(server.url, `runs/${seed.runs[name]}`, options, async (page) => {
        await rows(page).first().waitFor();
        await check(page);
    });

    test('children that continue the trace are in one band, in their tree', () => onRun('parent', {}, async (page) => {
        await count(bands(page), 1);
        assert.match(await page.locator('.wf-corner').textContent(), /^1 trace/);
        assert.strictEqual((await names(page)).filter((name) => name === 'page:leaf').length, 12);
        assert.ok(await page.locator('.wf-picture .wf-bar').count() > 20);
        await shot(page, 'run-by-parent');
    }));

    test('linked children have bands of their own, and curves to what started them', () => onRun('link', {}, async (page) => {
        assert.match(await page.locator('.wf-corner').textContent(), /^13 traces.*24 links$/);
        await page.getByRole('button', { name: 'Collapse all' }).click();
        await count(bands(page), 13);
        assert.strictEqual(await rowCount(page), 13);
        const colours = await bands(page).evaluateAll((nodes) => nodes.map((node) => getComputedStyle(node).getPropertyValue('--band')));
        assert.ok(new Set(colours).size > 4, `${colours}`);
        await page.getByRole('button', { name: 'Expand all' }).click();
        await named(page, 'leaf work').first().waitFor();
        assert.ok(await page.locator('.wf-links path').count() > 0);
        await shot(page, 'run-by-link');
    }));

    test('the way back goes on in a picture that has grown meanwhile', () => withPage(server.url, '', {}, async (page) => {
        const id = seed.runs.link;
        const grow = await growing(page, id, '30');
        await page.goto(new URL(`runs/${id}`, server.url).href);
        await named(page, 'run workflows').first().click();
        await page.keyboard.press('b');
        const trace = details(page).locator('.facts a.mono');
        await details(page).getByRole('heading', { name: '2 links' }).waitFor();
        const first = await trace.textContent();
        const before = await rowCount(page);
        grow();
        await refreshUntil(page, async () => await rowCount(page) > before);
        assert.strictEqual(await trace.textContent(), first);
        assert.strictEqual(await grid(page).getAttribute('aria-activedescendant'), await chosen(page).getAttribute('id'));
        await page.keyboard.press('b');
        await page.waitForFunction((text) => ![text, undefined].includes(document.querySelector('.wf-detail .facts a.mono')?.textContent), first);
        assert.strictEqual(await chosenName(page), 'page:leaf');
        await page.unroute(/api/);
    }));

    test('a span of the URL that is not there yet is gone to when it comes', () => withPage(server.url, '', {}, async (page) => {
        const id = seed.runs.link;
        const view = await (await fetch(new URL(`api/cleat/v1/runs/${id}/view`, server.url))).json();
        const [trace, span, start] = ['trace', 'span_id', 'start_ns'].map((name) => view.span_columns.indexOf(name));
        const last = view.spans.reduce((a, b) => (b[start] > a[start] ? b : a));
        const grow = await growing(page, id, '5');
        await page.goto(new URL(`runs/${id}?span=${view.traces[last[trace]].id}-${last[span]}`, server.url).href);
        await rows(page).first().waitFor();
        assert.strictEqual(await chosen(page).count(), 0);
        grow();
        await refreshUntil(page, () => details(page).isVisible());
        await details(page).getByText(last[span]).waitFor();
        await page.unroute(/api/);
    }));

    test('a link is followed by f, and back by b, from one span that links here to the next', () => onRun('link', {}, async (page) => {
        await named(page, 'page:leaf').filter({ has: page.locator('.wf-links-of') }).first().click();
        await details(page).getByRole('heading', { name: '2 links' }).waitFor();
        assert.strictEqual(await chosenName(page), 'page:leaf');
        const first = await chosen(page).getAttribute('id');
        await page.keyboard.press('f');
        await details(page).getByRole('heading', { name: '12 spans link here' }).waitFor();
        assert.strictEqual(await chosenName(page), 'run workflows');
        await count(page.locator('.wf-active .wf-tip'), 12);
        await page.keyboard.press('b');
        await details(page).getByRole('heading', { name: '2 links' }).waitFor();
        const active = () => grid(page).getAttribute('aria-activedescendant');
        const back = new Set([await active()]);
        for (let i = 0; i < 12; i++) {
            await page.keyboard.press('b');
            back.add(await active());
        }
        assert.strictEqual(back.size, 12, 'it goes round');
        assert.ok(back.has(first));
        assert.strictEqual(await chosenName(page), 'page:leaf');
    }));

    test('links and back-links in the details lead to their span', () => onRun('link', {}, async (page) => {
        await named(page, 'run workflows').first().click();
        await details(page).getByRole('heading', { name: '12 spans link here' }).waitFor();
        await details(page).locator('.link-list a').nth(3).click();
        assert.strictEqual(await chosenName(page), 'page:leaf');
        await details(page).locator('.link-list li').filter({ hasText: 'spawn' }).getByRole('link').click();
        assert.strictEqual(await chosenName(page), 'run workflows');
        assert.match(new URL(page.url()).search, /^\?span=[0-9a-f]{32}-[0-9a-f]{16}$/);
        await page.reload();
        await details(page).getByRole('heading', { name: '12 spans link here' }).waitFor();
        assert.strictEqual(await chosenName(page), 'run workflows');
    }));

    test('a link that leaves the picture opens the trace of its span, whose page shows who links there', () => onRun('link', {}, async (page) => {
        await named(page, 'page:leaf').filter({ has: page.locator('.wf-links-of') }).first().click();
        await details(page).locator('a.mono').first().click();
        await page.waitForURL(/\/traces\/[0-9a-f]{32}\?span=/);
        await count(bands(page), 1);
        const related = page.getByRole('complementary', { name: 'Linked traces' });
        await related.getByRole('heading', { name: 'Links to' }).waitFor();
        await related.getByRole('link', { name: 'page:parent' }).waitFor(); // as its task is called
        await chosen(page).waitFor();
        const child = page.url();
        await page.keyboard.press('f');
        await page.waitForURL((url) => url.href !== child && url.searchParams.has('span'));
        assert.strictEqual(await chosenName(page), 'run workflows');
        await related.getByRole('heading', { name: 'Linked from' }).waitFor();
        await count(related.locator('.related-list li'), 12);
        await shot(page, 'trace');
        await page.getByLabel('Follow links').selectOption('1');
        await page.locator('.wf-corner').getByText('13 traces').waitFor();
        assert.strictEqual(new URL(page.url()).searchParams.get('follow'), '1');
        assert.strictEqual(await related.locator('li').count(), 0);
        await page.goBack();
        await page.waitForURL(child);
        await chosen(page).waitFor();
    }));

    test('a band and a subtree are collapsed and expanded, by pointer and by keys', () => onRun('link', {}, async (page) => {
        const all = await rowCount(page);
        await bands(page).nth(1).getByRole('button', { name: 'Collapse' }).click();
        assert.ok(await rowCount(page) < all);
        await page.locator('.wf-sum').first().waitFor();
        assert.strictEqual(await bands(page).nth(1).getAttribute('aria-expanded'), 'false');
        await bands(page).nth(1).getByRole('button', { name: 'Expand' }).click();
        assert.strictEqual(await rowCount(page), all);
        await page.keyboard.press('Home');
        await grid(page).locator('[aria-selected="true"][aria-level="1"]').waitFor();
        await page.keyboard.press('ArrowRight');
        await grid(page).locator('[aria-selected="true"][aria-level="2"]').waitFor();
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('ArrowUp');
        await page.keyboard.press('ArrowLeft');
        await grid(page).locator('[aria-selected="true"][aria-expanded="false"]').waitFor();
        assert.ok(await rowCount(page) < all);
        await page.keyboard.press('ArrowLeft');
        await grid(page).locator('[aria-selected="true"][aria-level="1"]').waitFor();
        await page.keyboard.press('Enter');
        await details(page).waitFor();
        await page.keyboard.press('Escape');
        await details(page).waitFor({ state: 'hidden' });
        await page.getByRole('button', { name: 'Collapse all' }).click();
        assert.strictEqual(await rowCount(page), 13);
        await page.getByRole('button', { name: 'Expand all' }).click();
        assert.strictEqual(await rowCount(page), all);
    }));

    test('time is zoomed by drag, wheel and keys, and moved', () => onRun('parent', {}, async (page) => {
        const whole = await ticks(page);
        const reset = page.getByRole('button', { name: 'Show all of the time (0)' });
        assert.ok(await reset.isDisabled());
        await zoomByDrag(page, 0.4, 0.6);
        await page.waitForFunction((text) => document.querySelector('.wf-axis text').textContent !== text, whole[0]);
        const near = await ticks(page);
        assert.notStrictEqual(near[0], '0');
        assert.strictEqual(await chosen(page).count(), 0, 'a drag is no click');
        await page.keyboard.press('Shift+ArrowLeft');
        await page.waitForFunction((text) => document.querySelector('.wf-axis text').textContent !== text, near[0]);
        await page.keyboard.press('0');
        await page.waitForFunction(() => document.querySelector('.wf-axis text').textContent === '0');
        assert.deepStrictEqual(await ticks(page), whole);
        await page.keyboard.press('+');
        await page.waitForFunction(() => document.querySelector('.wf-axis text').textContent !== '0');
        await page.locator('.wf-axis').dblclick();
        await page.waitForFunction(() => document.querySelector('.wf-axis text').textContent === '0');
        const box = await page.locator('.wf-axis').boundingBox();
        await page.mouse.move(box.x + box.width / 2, box.y + 50);
        await page.keyboard.down('Control');
        await page.mouse.wheel(0, -100);
        await page.keyboard.up('Control');
        await page.waitForFunction(() => document.querySelector('.wf-axis text').textContent !== '0');
        const strip = await page.locator('.wf-minimap').boundingBox();
        await page.mouse.dblclick(strip.x + 5, strip.y + 10);
        await page.waitForFunction(() => document.querySelector('.wf-axis text').textContent === '0');
    }));

    test('the search counts, goes from match to match, and leaves the rest out', () => onRun('parent', {}, async (page) => {
        await page.keyboard.press('/');
        await page.keyboard.type('leaf work');
        await page.getByText('12 found').waitFor();
        await page.keyboard.press('Enter');
        assert.strictEqual(await chosenName(page), 'leaf work');
        const first = `#${await chosen(page).getAttribute('id')}[aria-selected="true"]`;
        await page.getByRole('button', { name: 'Next match (n)' }).click();
        await page.locator(first).waitFor({ state: 'detached' });
        await chosen(page).waitFor();
        await page.getByRole('button', { name: 'Previous match (N)' }).click();
        await page.locator(first).waitFor();
        const all = await rowCount(page);
        await page.getByRole('button', { name: 'Show only what matches, and what is above it' }).click();
        await named(page, 'queued').first().waitFor({ state: 'detached' });
        assert.ok(await rowCount(page) < all);
        assert.ok(!(await names(page)).includes('queued'));
        await page.getByRole('searchbox', { name: 'Find spans' }).fill('no such span');
        await page.getByText('no match').waitFor();
        await page.keyboard.press('Escape');
        await named(page, 'queued').first().waitFor();
        assert.strictEqual(await rowCount(page), all);
    }));

    test('sleeps and back-off do not look like work', () => onRun('durable', {}, async (page) => {
        await named(page, 'waits').first().waitFor();
        assert.ok(await page.locator('.wf-wait.is-sleep').count() > 0);
        await shot(page, 'run-durable');
        await page.goto(new URL(`runs/${seed.runs.hostile}`, server.url).href);
        await named(page, 'back-off').waitFor();
        assert.ok(await page.locator('.wf-wait.is-backoff').count() > 0);
        await page.getByRole('button', { name: '4 errors' }).click();
        await page.getByText('4 found').waitFor();
        await chosen(page).waitFor();
    }));

    test('a bar tells its times', () => onRun('parent', {}, async (page) => {
        const box = await page.locator('.wf-picture .wf-bar.is-work').nth(2).boundingBox();
        await page.mouse.move(box.x + 1, box.y + box.height / 2);
        const tip = page.getByRole('tooltip');
        await tip.waitFor();
        assert.match(await tip.textContent(), /took[\d.]+ [mµ]s.*from\+[\d.]+ [mµ]s/);
    }));

    test('names, attributes, events and errors are text, whatever they look like', () => onRun('hostile', {}, async (page) => {
        await named(page, '<img src=x').first().click();
        await details(page).getByRole('heading', { name: /attribute/ }).waitFor();
        const text = await details(page).textContent();
        assert.ok(text.includes(hostile));
        assert.ok(await details(page).locator('.attributes dt').filter({ hasText: hostile }).count() > 0);
        assert.ok(await details(page).locator('.event-list strong').filter({ hasText: hostile }).count() > 0);
        assert.ok(await page.locator('.wf-error').count() > 0);
        assert.ok(await page.locator('.wf-ticks').count() > 0);
        assert.ok((await page.locator('main h1').textContent()).includes(hostile));
        assert.ok((await page.getByRole('region', { name: 'Error' }).textContent()).includes(hostile));
        assert.ok((await page.getByRole('region', { name: 'Input' }).textContent()).includes('<script>'));
        assert.strictEqual(await page.locator('main img, main script, main b').count(), 0);
        assert.ok(!(await page.title()).startsWith('taken'));
        await shot(page, 'run-hostile');
    }));

    test('it fits a telephone, in the dark', () => onRun('link', { width: 390, height: 780, scheme: 'dark' }, async (page) => {
        await assertFits(page);
        await named(page, 'run workflows').first().click();
        await details(page).getByRole('heading', { name: '12 spans link here' }).waitFor();
        await assertFits(page);
        assert.ok(await chosen(page).isVisible());
        await shot(page, 'run-narrow-dark');
    }));

    test('names have as much room as somebody gives them', () => onRun('parent', {}, async (page) => {
        const width = () => page.locator('.wf-chart').evaluate((node) => parseInt(node.style.getPropertyValue('--names'), 10));
        const before = await width();
        await page.getByRole('separator', { name: 'Width of the names' }).focus();
        await page.keyboard.press('ArrowRight');
        assert.strictEqual(await width(), before + 16);
    }));
});
