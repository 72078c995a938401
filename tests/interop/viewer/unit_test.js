'use strict';
// What the pages compute, without a browser.

const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { describe, test } = require('node:test');
const { load } = require('./lib/modules');

process.env.TZ = 'UTC';
const noon = Date.UTC(2026, 10, 26, 12, 0, 0);

describe('format', () => {
    const cases = async (name, rows) => {
        const format = await load('format.js');
        for (const [expected, ...given] of rows) {
            assert.strictEqual(format[name](...given), expected, `${name}(${given.join(', ')})`);
        }
    };

    test('a duration has three digits and one unit, or two units', () => cases('duration', [
        ['0', 0], ['1 ns', 1], ['999 ns', 999], ['1.00 µs', 1000], ['12.3 µs', 12345], ['123 µs', 123456],
        ['1.00 ms', 999600], ['9.99 ms', 9990000], ['10.0 ms', 9996000], ['1.00 s', 1e9], ['59.9 s', 59.9e9],
        ['1 m 00 s', 59.999e9], ['1 m 00 s', 59.96e9], ['1 m 05 s', 65e9], ['1 h 00 m', 3600e9], ['3 h 10 m', 11400e9], ['2 d 4 h', 187200e9],
        ['–', null], ['–', undefined], ['0', -5],
    ]));
    test('milliseconds do not pretend to be more exact', () => cases('durationMs', [
        ['38 ms', 38], ['999 ms', 999], ['1.00 s', 1000], ['0', 0], ['–', null],
    ]));
    test('durations are read as people write them', () => cases('parseDuration', [
        [250e6, '250ms'], [1.5e9, '1.5 s'], [120e9, '2m'], [3600e9, '1h'], [5e6, '5'], [7e3, '7us'], [7e3, '7µs'],
        [null, ''], [null, 'ms'], [null, '-5ms'], [null, '5 parsecs'], [null, '1e3'],
    ]));
    test('the day is told where it is not today', () => cases('time', [
        ['12:00:00', noon, noon], ['25 Nov 12:00:00', noon - 86400e3, noon], ['26 Nov 2025 12:00:00', noon - 365 * 86400e3, noon],
        ['12:00:00.000', noon, noon, { withMs: true }], ['–', null, noon],
    ]));
    test('how long ago', () => cases('ago', [
        ['now', noon, noon], ['59 s ago', noon - 59e3, noon], ['1 m ago', noon - 119e3, noon], ['3 h ago', noon - 3.5 * 3600e3, noon],
        ['in 2 d', noon + 2 * 86400e3, noon], ['–', null, noon],
    ]));
    test('numbers and sizes', async () => {
        await cases('count', [['0', 0], ['999', 999], ['1,000', 1000], ['1,234,567', 1234567]]);
        await cases('counted', [['1 span', 1, 'span'], ['0 spans', 0, 'span'], ['2 entries', 2, 'entry', 'entries']]);
        await cases('bytes', [['1023 B', 1023], ['1.0 KiB', 1024], ['100 KiB', 102400], ['1.0 MiB', 1048575]]);
    });
    test('what a run did with its time', async () => {
        const { runTimes } = await load('format.js');
        const run = { created_at_ms: 100, started_at_ms: null, finished_at_ms: null, attempt: 1, is_durable: false };
        assert.deepStrictEqual(runTimes(run, 150), { wait: 50, work: null, total: 50 });
        assert.deepStrictEqual(runTimes({ ...run, started_at_ms: 120 }, 150), { wait: 20, work: 30, total: 50 });
        assert.deepStrictEqual(runTimes({ ...run, finished_at_ms: 130 }, 150), { wait: 30, work: null, total: 30 });
        const started = { ...run, started_at_ms: 120, finished_at_ms: 130 };
        assert.deepStrictEqual(runTimes({ ...started, attempt: 2 }, 150), { wait: null, work: null, total: 30 });
        assert.deepStrictEqual(runTimes({ ...started, is_durable: true }, 150), { wait: null, work: null, total: 30 });
    });
    test('a name is not said twice', async () => {
        const { runNames } = await load('format.js');
        const named = (workflow, task) => Object.values(runNames({ workflow, task })).join('|');
        assert.strictEqual(named('page.leaf', 'leaf'), 'page.leaf|');
        assert.strictEqual(named('leaf', 'leaf'), 'leaf|');
        assert.strictEqual(named('order', 'charge'), 'order|charge');
        assert.strictEqual(named(null, 'leaf'), 'leaf|');
    });
    test('metadata without what carries traces', async () => {
        const { ownMetadata } = await load('format.js');
        assert.deepStrictEqual(ownMetadata({ traceparent: '00-..', a: '1', cleat__origin_traceparent: '', tracestate: '', baggage: '' }), [['a', '1']]);
        assert.deepStrictEqual(ownMetadata(null), []);
    });
    test('ticks are round times, as many as there is room for', async () => {
        const { timeTicks } = await load('format.js');
        for (const length of [50, 3e3, 90e3, 7200e3, 86400e3 * 3, 86400e3 * 400]) {
            const ticks = timeTicks(noon + 17, noon + 17 + length, 8);
            assert.ok(ticks.length >= 2 && ticks.length <= 9, `${ticks.length} ticks of ${length} ms`);
            ticks.reduce((before, { text }) => assert.notStrictEqual(text, before) ?? text, null);
        }
    });
});

describe('router', () => {
    test('a path is a page and its ids', async () => {
        const { findPage } = await load('router.js');
        const named = (path) => findPage(path) && [findPage(path).page.title, ...findPage(path).ids];
        assert.deepStrictEqual(named(''), ['Runs']);
        assert.deepStrictEqual(named('runs'), ['Runs']);
        assert.deepStrictEqual(named('runs/'), ['Runs']);
        assert.deepStrictEqual(named('runs/a-b'), ['Run', 'a-b']);
        assert.deepStrictEqual(named('traces/%41'), ['Trace', 'A']);
        assert.deepStrictEqual(named('compare'), ['Compare']);
        for (const path of ['runs/a/b', 'run', 'assets/app.js', 'runs/%zz', 'api/cleat/v1/runs']) {
            assert.strictEqual(named(path), null, path);
        }
    });
    test('only what lies below the root is ours', async () => {
        const { pathBelow } = await load('router.js');
        const root = new URL('https://host/ops/cleat/');
        assert.strictEqual(pathBelow(new URL('https://host/ops/cleat/runs/1?a=b'), root), 'runs/1');
        assert.strictEqual(pathBelow(new URL('https://host/ops/other'), root), null);
        assert.strictEqual(pathBelow(new URL('https://else/ops/cleat/runs'), root), null);
    });
    test('a query leaves out what is not set', async () => {
        const { href } = await load('router.js');
        assert.strictEqual(href('runs', { status: ['FAILED', 'QUEUED'], text: '', workflow: null }), 'runs?status=FAILED&status=QUEUED');
        assert.strictEqual(href('compare', { a: '1&2', b: '3' }), 'compare?a=1%262&b=3');
        assert.strictEqual(href(''), './');
    });
});

describe('a live list', () => {
    const rows = (...ids) => ids.map((id) => ({ id, status: 'RUNNING' }));
    const ids = (list) => list.rows.map((row) => row.id).join('');
    const none = new Set();

    async function listOf(...pages) {
        const { LiveList } = await load('live_list.js');
        const list = new LiveList();
        for (const [index, page] of pages.entries()) {
            list.append({ rows: rows(...page), next: index + 1 < pages.length ? page.at(-1) : null }, list.next);
        }
        return list;
    }

    test('new rows come on top, and rows change where they are', async () => {
        const list = await listOf('dc', 'ba');
        assert.ok(list.refreshTop({ rows: [{ id: 'e' }, { id: 'd', status: 'COMPLETED' }], next: 'd' }, 2, none));
        assert.strictEqual(ids(list), 'edcba');
        assert.strictEqual(list.rows[1].status, 'COMPLETED');
    });
    test('rows that match no more go, but for pinned ones', async () => {
        const list = await listOf('fedc', 'ba');
        list.refreshTop({ rows: rows('f', 'c'), next: 'c' }, 2, new Set(['d']));
        assert.strictEqual(ids(list), 'fdcba');
    });
    test('a list that ends with its first page is that page', async () => {
        const list = await listOf('cba');
        list.refreshTop({ rows: rows('d', 'b'), next: null }, 50, none);
        assert.strictEqual(ids(list), 'db');
        assert.strictEqual(list.next, null);
    });
    test('a page of nothing but new rows does not reach the list', async () => {
        const list = await listOf('cb', 'a');
        assert.strictEqual(list.refreshTop({ rows: rows('z', 'y'), next: 'y' }, 2, none), false);
        assert.strictEqual(ids(list), 'cba');
        list.reset({ rows: rows('z', 'y'), next: 'y' });
        assert.strictEqual(ids(list), 'zy');
    });
    test('a page that was cut short says nothing about the rest', async () => {
        const list = await listOf('dc', 'ba');
        assert.ok(list.refreshTop({ rows: rows('e'), next: 'e' }, 2, none));
        assert.strictEqual(ids(list), 'edcba');
    });
    test('what new rows push off the first page is still brought up to date', async () => {
        const list = await listOf('dc', 'ba');
        const open = (row) => row.status === 'RUNNING';
        list.refreshTop({ rows: rows('f', 'e'), next: 'e' }, 3, none);
        assert.strictEqual(ids(list), 'fedcba');
        list.refreshTop({ rows: rows('g', 'f'), next: 'f' }, 3, none);
        const [chunk, ...more] = list.chunksOf(new Set(['e', 'd', 'c']), open);
        assert.deepStrictEqual([chunk.before, chunk.ids, more], ['f', ['e', 'd', 'c'], []]);
        list.refreshChunk(chunk, { rows: [{ id: 'e', status: 'FAILED' }, { id: 'd', status: 'COMPLETED' }, { id: 'c', status: 'COMPLETED' }], next: 'c' }, none);
        assert.strictEqual(ids(list), 'gfedcba');
        assert.deepStrictEqual(list.chunksOf(new Set(['e', 'd', 'c']), open), []);
    });
    test('rows that nobody has seen yet do not push any away', async () => {
        const list = await listOf('cb', 'a');
        assert.ok(list.refreshTop({ rows: [...rows('e'), { id: 'c', status: 'FAILED' }], next: 'c' }, 2, none, (id) => id !== 'e'));
        assert.strictEqual(ids(list), 'cba');
        assert.strictEqual(list.rows[0].status, 'FAILED');
    });
    test('a row that is new in a later page does not take one away', async () => {
        const list = await listOf('f', 'dca');
        const [chunk] = list.chunksOf(new Set(['d']), () => true);
        list.refreshChunk(chunk, { rows: rows('d', 'c', 'b'), next: 'b' }, none);
        assert.strictEqual(ids(list), 'fdca');
    });
    test('a page that was asked for before the list became another is none of it', async () => {
        const list = await listOf('dc', 'ba');
        list.next = 'a';
        list.reset({ rows: rows('z', 'y'), next: 'y' });
        list.append({ rows: rows('_'), next: null }, 'a');
        assert.strictEqual(ids(list), 'zy');
        assert.strictEqual(list.next, 'y');
    });
    test('later pages are brought up to date', async () => {
        const list = await listOf('fe', 'dc', 'ba');
        const [chunk] = list.chunksOf(new Set(['c']), (row) => row.status === 'RUNNING');
        assert.strictEqual(chunk.before, 'e');
        list.refreshChunk(chunk, { rows: [{ id: 'd', status: 'FAILED' }, { id: 'b' }], next: 'b' }, none);
        assert.strictEqual(ids(list), 'fedba');
        assert.strictEqual(list.rows[2].status, 'FAILED');
        assert.deepStrictEqual(list.chunksOf(new Set(['d']), (row) => row.status === 'RUNNING'), []);
    });
});

describe('a token', () => {
    test('lasts as long as the page where nothing can be stored', async () => {
        const { token } = await load('api.js'); // Node has no storage of a tab
        assert.strictEqual(token.get(), null);
        token.set('abc');
        assert.strictEqual(token.get(), 'abc');
        token.clear();
        assert.strictEqual(token.get(), null);
    });
});

describe('colours', () => {
    const style = fs.readFileSync(path.join(__dirname, '..', '..', '..', 'web', 'style.css'), 'utf8');
    const colour = (name, index) => new RegExp(`--${name}: light-dark\\((#\\w{6}), (#\\w{6})\\)`).exec(style)[1 + index];
    const luminance = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    const contrast = (a, b) => {
        const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
        return (high + 0.05) / (low + 0.05);
    };
    for (const [index, scheme] of ['light', 'dark'].entries()) {
        test(`of texts can be told from what is behind them, ${scheme}`, () => {
            for (const text of ['text', 'text-2', 'text-3', 'accent', 'danger']) {
                for (const ground of ['bg', 'surface', 'raised', 'hover', 'chosen']) {
                    const found = contrast(colour(text, index), colour(ground, index));
                    assert.ok(found >= 4.5, `--${text} on --${ground}: ${found.toFixed(2)}`);
                }
            }
        });
    }
});

describe('charts', () => {
    test('an axis ends at a round number', async () => {
        const { roundUp } = await load('plot.js');
        assert.deepStrictEqual([0, 1, 3, 7, 10, 11, 4999].map(roundUp), [1, 1, 4, 8, 10, 20, 6000]);
    });
    test('durations lie within their decades', async () => {
        const { decades } = await load('scatter.js');
        assert.deepStrictEqual(decades([1500, 2e6]), [3, 7]);
        assert.deepStrictEqual(decades([1e6]), [6, 8]);
        assert.deepStrictEqual(decades([0]), [0, 2]);
    });
    test('the query of the page is that of the API', async () => {
        const { traceFilter } = await load('traces.js');
        const query = new URLSearchParams('service=mail&attribute=a=b&attribute=c=&min=10ms&max=nonsense&last=1h');
        assert.deepStrictEqual(traceFilter(query, noon), {
            service: 'mail', name: null, attribute: ['a=b', 'c='], status: null, min_duration_ns: 10e6, max_duration_ns: null,
            sort: null, since_ms: noon - 3600e3, until_ms: null,
        });
    });
});
