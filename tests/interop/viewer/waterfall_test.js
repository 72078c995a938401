'use strict';
// The waterfall, on the pages of a run and of a trace: what is in it, links both ways, keys and pointer.

const assert = require('node:assert');
const { after, before } = require('node:test');
const { assertFits, boxOf, clickDuring, refreshUntil, shot, suite, test, withPage } = require('./lib/browser');
const { eventually } = require('./lib/eventually');
const { hostile, open, seedFile } = require('./lib/servers');

const grid = (page) => page.getByRole('treegrid');
const rows = (page) => grid(page).getByRole('row');
const chosen = (page) => grid(page).locator('[role=row][aria-selected="true"]');
const named = (page, name) => rows(page).filter({ has: page.locator('.wf-text', { hasText: name }) });
const bands = (page) => grid(page).locator('[role=row].is-band');
const details = (page) => page.getByRole('complementary', { name: 'Details' });
const trace = (page) => details(page).locator('.facts a.mono');
const ticks = (page) => page.locator('.wf-axis text').allTextContents();
const names = (page) => rows(page).locator('.wf-text').allTextContents();
// Rows of the picture, in sight or not.
const rowCount = async (page) => Number(await grid(page).getAttribute('aria-rowcount'));
const count = (locator, expected) => eventually(() => locator.count(), expected);
const isThere = (locator) => locator.first().waitFor({ state: 'attached' });
// The row that is chosen has this name, and is the one that those who hear the page are told of. Gives its id.
const isChosen = async (page, name) => {
    await eventually(() => chosen(page).locator('.wf-text').allTextContents(), [name]);
    return activeId(page);
};
// The same where all have one name: another row than `other` is chosen.
const activeId = async (page, other = null) => {
    const ids = () => page.evaluate(() => {
        const node = document.querySelector('[role=treegrid]');
        return [node.querySelector('[role=row][aria-selected="true"]')?.id, node.getAttribute('aria-activedescendant')];
    });
    return (await eventually(ids, ([row, active]) => row !== undefined && row === active && row !== other))[0];
};
// The details of a span, and of no other one before it.
const detailsOf = (page, heading) => details(page).getByRole('heading', { name: heading }).waitFor();

async function zoomByDrag(page, from, to) {
    const box = await boxOf(page.locator('.wf-axis'));
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
        await eventually(() => page.locator('.wf-corner').textContent(), /^1 trace/);
        await eventually(async () => (await names(page)).filter((name) => name === 'page:leaf').length, 12);
        await isThere(page.locator('.wf-picture .wf-bar').nth(20));
        await shot(page, 'run-by-parent');
    }));

    test('linked children have bands of their own, and curves to what started them', () => onRun('link', {}, async (page) => {
        await eventually(() => page.locator('.wf-corner').textContent(), /^13 traces.*24 links$/);
        await page.getByRole('button', { name: 'Collapse all' }).click();
        await count(bands(page), 13);
        await eventually(() => rowCount(page), 13);
        const colours = () => bands(page).evaluateAll((nodes) => nodes.map((node) => getComputedStyle(node).getPropertyValue('--band')));
        await eventually(colours, (values) => new Set(values).size > 4);
        await page.getByRole('button', { name: 'Expand all' }).click();
        await named(page, 'leaf work').first().waitFor();
        await isThere(page.locator('.wf-links path'));
        await shot(page, 'run-by-link');
    }));

    test('the way back goes on in a picture that has grown meanwhile', () => withPage(server.url, '', {}, async (page) => {
        const id = seed.runs.link;
        const grow = await growing(page, id, '30');
        await page.goto(new URL(`runs/${id}`, server.url).href);
        await named(page, 'run workflows').first().click();
        await page.keyboard.press('b');
        await detailsOf(page, '2 links');
        const first = await trace(page).textContent();
        const before = await rowCount(page);
        grow();
        await refreshUntil(page, () => rowCount(page), (rows) => rows > before);
        await eventually(() => trace(page).textContent(), first);
        await isChosen(page, 'page:leaf');
        await page.keyboard.press('b');
        await eventually(() => trace(page).textContent(), (text) => text !== first);
        await isChosen(page, 'page:leaf');
    }));

    test('the row that is pressed is the one that is chosen, also when the picture grows until it is let go', () => withPage(server.url, '', {}, async (page) => {
        const id = seed.runs.link;
        const grow = await growing(page, id, '30');
        await page.goto(new URL(`runs/${id}`, server.url).href);
        const pressed = named(page, 'page:leaf').last();
        const idOfBand = (row) => {
            while (!row.classList.contains('is-band')) {
                row = row.previousElementSibling;
            }
            return row.querySelector('.wf-id').textContent;
        };
        const traceId = (await eventually(() => pressed.evaluate(idOfBand), /^…/)).slice(1);
        const before = await rowCount(page);
        await clickDuring(page, pressed, async () => {
            grow();
            await refreshUntil(page, () => rowCount(page), (now) => now > before);
        });
        await eventually(() => trace(page).textContent(), (text) => text.endsWith(traceId));
        await isChosen(page, 'page:leaf');
    }));

    test('a span of the URL that is not there yet is gone to when it comes', () => withPage(server.url, '', {}, async (page) => {
        const id = seed.runs.link;
        const view = await (await fetch(new URL(`api/cleat/v1/runs/${id}/view`, server.url))).json();
        const [traceAt, span, start] = ['trace', 'span_id', 'start_ns'].map((name) => view.span_columns.indexOf(name));
        const last = view.spans.reduce((a, b) => (b[start] > a[start] ? b : a));
        const grow = await growing(page, id, '5');
        await page.goto(new URL(`runs/${id}?span=${view.traces[last[traceAt]].id}-${last[span]}`, server.url).href);
        await rows(page).first().waitFor();
        assert.strictEqual(await chosen(page).count(), 0);
        grow();
        await refreshUntil(page, () => details(page).isVisible());
        await details(page).getByText(last[span]).waitFor();
    }));

    test('a link is followed by f, and back by b, from one span that links here to the next', () => onRun('link', {}, async (page) => {
        await named(page, 'page:leaf').filter({ has: page.locator('.wf-links-of') }).first().click();
        await detailsOf(page, '2 links');
        const first = await isChosen(page, 'page:leaf');
        await page.keyboard.press('f');
        await detailsOf(page, '12 spans link here');
        await isChosen(page, 'run workflows');
        await count(page.locator('.wf-active .wf-tip'), 12);
        await page.keyboard.press('b');
        await detailsOf(page, '2 links');
        let last = await isChosen(page, 'page:leaf');
        const back = new Set([last]);
        for (let i = 0; i < 12; i++) {
            await page.keyboard.press('b');
            last = await activeId(page, last);
            back.add(last);
        }
        assert.strictEqual(back.size, 12, 'it goes round');
        assert.ok(back.has(first));
        await isChosen(page, 'page:leaf');
    }));

    test('links and back-links in the details lead to their span', () => onRun('link', {}, async (page) => {
        await named(page, 'run workflows').first().click();
        await detailsOf(page, '12 spans link here');
        await details(page).locator('.link-list a').nth(3).click();
        await detailsOf(page, '2 links');
        await isChosen(page, 'page:leaf');
        await details(page).locator('.link-list li').filter({ hasText: 'spawn' }).getByRole('link').click();
        await detailsOf(page, '12 spans link here');
        await isChosen(page, 'run workflows');
        await eventually(() => new URL(page.url()).search, /^\?span=[0-9a-f]{32}-[0-9a-f]{16}$/);
        await page.reload();
        await detailsOf(page, '12 spans link here');
        await isChosen(page, 'run workflows');
    }));

    test('a link that leaves the picture opens the trace of its span, whose page shows who links there', () => onRun('link', {}, async (page) => {
        await named(page, 'page:leaf').filter({ has: page.locator('.wf-links-of') }).first().click();
        await trace(page).click();
        await page.waitForURL(/\/traces\/[0-9a-f]{32}\?span=/);
        await count(bands(page), 1);
        const related = page.getByRole('complementary', { name: 'Linked traces' });
        await related.getByRole('heading', { name: 'Links to' }).waitFor();
        await related.getByRole('link', { name: 'page:parent' }).waitFor(); // as its task is called
        await chosen(page).waitFor();
        const child = page.url();
        await page.keyboard.press('f');
        await page.waitForURL((url) => url.href !== child && url.searchParams.has('span'));
        await isChosen(page, 'run workflows');
        await related.getByRole('heading', { name: 'Linked from' }).waitFor();
        await count(related.locator('.related-list li'), 12);
        await shot(page, 'trace');
        await page.getByLabel('Follow links').selectOption('1');
        await page.locator('.wf-corner').getByText('13 traces').waitFor();
        await eventually(() => new URL(page.url()).searchParams.get('follow'), '1');
        await count(related.locator('li'), 0);
        await page.goBack();
        await page.waitForURL(child);
        await chosen(page).waitFor();
    }));

    test('a band and a subtree are collapsed and expanded, by pointer and by keys', () => onRun('link', {}, async (page) => {
        const all = await rowCount(page);
        const areFewer = () => eventually(() => rowCount(page), (rows) => rows < all);
        await bands(page).nth(1).getByRole('button', { name: 'Collapse' }).click();
        await areFewer();
        await page.locator('.wf-sum').first().waitFor();
        await eventually(() => bands(page).nth(1).getAttribute('aria-expanded'), 'false');
        await bands(page).nth(1).getByRole('button', { name: 'Expand' }).click();
        await eventually(() => rowCount(page), all);
        await page.keyboard.press('Home');
        await grid(page).locator('[aria-selected="true"][aria-level="1"]').waitFor();
        await page.keyboard.press('ArrowRight');
        await grid(page).locator('[aria-selected="true"][aria-level="2"]').waitFor();
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('ArrowUp');
        await page.keyboard.press('ArrowLeft');
        await grid(page).locator('[aria-selected="true"][aria-expanded="false"]').waitFor();
        await areFewer();
        await page.keyboard.press('ArrowLeft');
        await grid(page).locator('[aria-selected="true"][aria-level="1"]').waitFor();
        await page.keyboard.press('Enter');
        await details(page).waitFor();
        await page.keyboard.press('Escape');
        await details(page).waitFor({ state: 'hidden' });
        await page.getByRole('button', { name: 'Collapse all' }).click();
        await eventually(() => rowCount(page), 13);
        await page.getByRole('button', { name: 'Expand all' }).click();
        await eventually(() => rowCount(page), all);
    }));

    test('time is zoomed by drag, wheel and keys, and moved', () => onRun('parent', {}, async (page) => {
        const isWhole = () => eventually(() => ticks(page), ([first]) => first === '0');
        const isPart = (but = '0') => eventually(() => ticks(page), ([first]) => !['0', but, undefined].includes(first));
        const whole = await isWhole();
        const reset = page.getByRole('button', { name: 'Show all of the time (0)' });
        await eventually(() => reset.isDisabled(), true);
        await zoomByDrag(page, 0.4, 0.6);
        const near = await isPart();
        assert.strictEqual(await chosen(page).count(), 0, 'a drag is no click');
        await page.keyboard.press('Shift+ArrowLeft');
        await isPart(near[0]);
        await page.keyboard.press('0');
        await eventually(() => ticks(page), whole);
        await page.keyboard.press('+');
        await isPart();
        await page.locator('.wf-axis').dblclick();
        await isWhole();
        const box = await boxOf(page.locator('.wf-axis'));
        await page.mouse.move(box.x + box.width / 2, box.y + 50);
        await page.keyboard.down('Control');
        await page.mouse.wheel(0, -100);
        await page.keyboard.up('Control');
        await isPart();
        const strip = await boxOf(page.locator('.wf-minimap'));
        await page.mouse.dblclick(strip.x + 5, strip.y + 10);
        await isWhole();
    }));

    test('the search counts, goes from match to match, and leaves the rest out', () => onRun('parent', {}, async (page) => {
        await page.keyboard.press('/');
        await page.keyboard.type('leaf work');
        await page.getByText('12 found').waitFor();
        await page.keyboard.press('Enter');
        const first = await isChosen(page, 'leaf work');
        await page.getByRole('button', { name: 'Next match (n)' }).click();
        const second = await activeId(page, first);
        await page.getByRole('button', { name: 'Previous match (N)' }).click();
        assert.strictEqual(await activeId(page, second), first);
        const all = await rowCount(page);
        await page.getByRole('button', { name: 'Show only what matches, and what is above it' }).click();
        await named(page, 'queued').first().waitFor({ state: 'detached' });
        await eventually(() => rowCount(page), (rows) => rows < all);
        await eventually(() => names(page), (texts) => texts.includes('leaf work') && !texts.includes('queued'));
        await page.getByRole('searchbox', { name: 'Find spans' }).fill('no such span');
        await page.getByText('no match').waitFor();
        await page.keyboard.press('Escape');
        await named(page, 'queued').first().waitFor();
        await eventually(() => rowCount(page), all);
    }));

    test('sleeps and back-off do not look like work', () => onRun('durable', {}, async (page) => {
        await named(page, 'waits').first().waitFor();
        await isThere(page.locator('.wf-wait.is-sleep'));
        await shot(page, 'run-durable');
        await page.goto(new URL(`runs/${seed.runs.hostile}`, server.url).href);
        await named(page, 'back-off').waitFor();
        await isThere(page.locator('.wf-wait.is-backoff'));
        await page.getByRole('button', { name: '4 errors' }).click();
        await page.getByText('4 found').waitFor();
        await chosen(page).waitFor();
    }));

    test('a bar tells its times', () => onRun('parent', {}, async (page) => {
        const box = await boxOf(page.locator('.wf-picture .wf-bar.is-work').nth(2));
        await page.mouse.move(box.x + 1, box.y + box.height / 2);
        await eventually(() => page.getByRole('tooltip').textContent(), /took[\d.]+ [mµ]s.*from\+[\d.]+ [mµ]s/);
    }));

    test('names, attributes, events and errors are text, whatever they look like', () => onRun('hostile', {}, async (page) => {
        await named(page, '<img src=x').first().click();
        await details(page).getByRole('heading', { name: /attribute/ }).waitFor();
        await isThere(details(page).getByRole('heading').filter({ hasText: hostile }));
        await isThere(details(page).locator('.attributes dt').filter({ hasText: hostile }));
        await isThere(details(page).locator('.event-list strong').filter({ hasText: hostile }));
        await isThere(page.locator('.wf-error'));
        await isThere(page.locator('.wf-ticks'));
        await isThere(page.locator('main h1').filter({ hasText: hostile }));
        await isThere(page.getByRole('region', { name: 'Error' }).filter({ hasText: hostile }));
        await isThere(page.getByRole('region', { name: 'Input' }).filter({ hasText: '<script>' }));
        assert.strictEqual(await page.locator('main img, main script, main b').count(), 0);
        assert.ok(!(await page.title()).startsWith('taken'));
        await shot(page, 'run-hostile');
    }));

    test('it fits a telephone, in the dark', () => onRun('link', { width: 390, height: 780, scheme: 'dark' }, async (page) => {
        await assertFits(page);
        await named(page, 'run workflows').first().click();
        await detailsOf(page, '12 spans link here');
        await assertFits(page);
        await chosen(page).waitFor();
        await shot(page, 'run-narrow-dark');
    }));

    test('names have as much room as somebody gives them', () => onRun('parent', {}, async (page) => {
        const width = () => page.locator('.wf-chart').evaluate((node) => parseInt(node.style.getPropertyValue('--names'), 10));
        const before = await width();
        await page.getByRole('separator', { name: 'Width of the names' }).focus();
        await page.keyboard.press('ArrowRight');
        await eventually(width, before + 16);
    }));
});
