'use strict';
// What a waterfall computes, without a browser.

const assert = require('node:assert');
const { before, describe, test } = require('node:test');
const { load } = require('./lib/modules');

const columns = ['trace', 'span_id', 'parent', 'name', 'task', 'kind', 'status', 'service', 'start_ns', 'duration_ns', 'run', 'attempt',
    'events', 'links', 'back_links'];

// A VIEW of traces as text: {a: ['root 0 100', '  child 10 20', '! failed 30 5']}, where two blanks are a level.
function viewOf(traces, links = [], more = {}) {
    const spans = [];
    const ids = Object.keys(traces);
    const list = ids.map((id, trace) => {
        const first = spans.length;
        const above = [];
        for (const line of traces[id]) {
            const [, blanks, failed, name, start, length] = /^( *)(! )?(\S+) (\S+) (\S+)$/.exec(line);
            const depth = blanks.length / 2;
            const row = { trace, span_id: `${id}${spans.length}`, parent: depth === 0 ? -1 : above[depth - 1], name, task: null, kind: 1,
                status: failed === undefined ? 1 : 2, service: 0, start_ns: Number(start), duration_ns: Number(length), run: trace === 0 ? 0 : 1,
                attempt: 1, events: 0, links: 0, back_links: 0 };
            above[depth] = spans.length;
            spans.push(columns.map((column) => row[column]));
        }
        const own = spans.slice(first);
        const ends = own.map((span) => span[8] + span[9]);
        return { id, name: own[0][3], task: null, start_ns: Math.min(...own.map((span) => span[8])), end_ns: Math.max(...ends), span_count: own.length,
            shown: own.length, error_count: 0, run: trace === 0 ? 0 : 1, attempt: 1 };
    });
    for (const [from, to] of links) {
        spans[from][13]++;
        if (to >= 0) {
            spans[to][14]++;
        }
    }
    return {
        start_ms: 1000, start_ns: '1000000000', duration_ns: Math.max(...list.map((trace) => trace.end_ns)), total_spans: spans.length,
        shown_spans: spans.length, total_traces: list.length, runs: [], services: ['svc'], traces: list, span_columns: columns, spans,
        links: links.map(([from, to, kind = 'spawn']) => [from, to, kind, to < 0 ? 'outside' : null, to < 0 ? 'there' : null]),
        links_to: [], linked_from: [], ...more,
    };
}

const small = { a: ['root 0 100', '  left 5 10', '    leaf 6 2', '  right 20 50'], b: ['other 30 40', '  ! failed 35 5'] };

describe('a picture', () => {
    let model;
    before(async () => { model = await load('waterfall_model.js'); });
    const rowsOf = (rows) => Array.from(rows.list);

    test('bands are headings before their spans', () => {
        const picture = new model.Picture(viewOf(small));
        assert.deepStrictEqual(rowsOf(new model.Rows(picture)), [-1, 0, 1, 2, 3, -2, 4, 5]);
        assert.deepStrictEqual(Array.from(picture.depth), [0, 1, 2, 1, 0, 1]);
        assert.deepStrictEqual(Array.from(picture.size), [4, 2, 1, 1, 2, 1]);
        assert.deepStrictEqual(picture.bands.map((band) => [band.first, band.count, band.errors, band.colour]), [[0, 4, 0, 0], [4, 2, 1, 1]]);
    });
    test('columns are read by their name, in whatever order they come', () => {
        const view = viewOf(small);
        view.span_columns = [...columns].reverse();
        view.spans.forEach((span) => span.reverse());
        assert.deepStrictEqual(rowsOf(new model.Rows(new model.Picture(view))), [-1, 0, 1, 2, 3, -2, 4, 5]);
    });
    test('a parent that comes later is none', () => {
        const view = viewOf(small);
        view.spans[0][2] = 3;
        assert.deepStrictEqual(Array.from(new model.Picture(view).depth), [0, 1, 2, 1, 0, 1]);
    });
    test('what is collapsed hides what is below it', () => {
        const rows = new model.Rows(new model.Picture(viewOf(small)));
        assert.ok(rows.set(1, true));
        assert.deepStrictEqual(rowsOf(rows), [-1, 0, 1, 3, -2, 4, 5]);
        assert.strictEqual(rows.rowOf[2], rows.indexOf(1));
        assert.strictEqual(rows.indexOf(2), -1);
        assert.ok(rows.set(-1, true));
        assert.deepStrictEqual(rowsOf(rows), [-1, -2, 4, 5]);
        assert.strictEqual(rows.rowOf[3], 0);
        assert.strictEqual(rows.set(3, true), false, 'a leaf cannot be');
        assert.ok(rows.set(-1, false));
        assert.deepStrictEqual(rowsOf(rows), [-1, 0, 1, 3, -2, 4, 5]);
    });
    test('a span that is asked for opens what hides it', () => {
        const rows = new model.Rows(new model.Picture(viewOf(small)));
        rows.setEverything(true);
        assert.deepStrictEqual(rowsOf(rows), [-1, -2]);
        rows.set(1, true);
        assert.strictEqual(rows.reveal(2), 3);
        assert.deepStrictEqual(rowsOf(rows), [-1, 0, 1, 2, 3, -2]);
    });
    test('a band and all in it are closed and opened at once', () => {
        const rows = new model.Rows(new model.Picture(viewOf(small)));
        rows.setAll(-1, true);
        rows.set(-1, false);
        assert.deepStrictEqual(rowsOf(rows), [-1, 0, -2, 4, 5]);
        rows.setAll(-1, false);
        assert.deepStrictEqual(rowsOf(rows), [-1, 0, 1, 2, 3, -2, 4, 5]);
    });
    test('what was collapsed and how it was coloured outlives a newer view', () => {
        const old = new model.Picture(viewOf({ b: small.b }));
        const rows = new model.Rows(old);
        rows.set(-1, true);
        const picture = new model.Picture(viewOf({ a: small.a, b: small.b }), old.colours);
        assert.deepStrictEqual(picture.bands.map((band) => band.colour), [1, 0]);
        assert.deepStrictEqual(rowsOf(new model.Rows(picture, rows.collapsed)), [-1, 0, 1, 2, 3, -2]);
    });
    test('the way up from a row', () => {
        const rows = new model.Rows(new model.Picture(viewOf(small)));
        assert.deepStrictEqual([2, 1, 0, -1].map((row) => rows.parentRow(row)), [1, 0, -1, null]);
    });
    test('spans are found by their ids, keys are theirs', () => {
        const picture = new model.Picture(viewOf(small));
        assert.strictEqual(picture.find('b', 'b5'), 5);
        assert.strictEqual(picture.find('a', 'b5'), -1);
        assert.strictEqual(picture.keyOf(5), 'b/b5');
        assert.strictEqual(picture.keyOf(-2), 'b');
    });
    test('many bands are headings first, but for those of the run itself', () => {
        const many = Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`t${index}`, ['root 0 9', '  child 1 1']]));
        const picture = new model.Picture(viewOf(many));
        assert.strictEqual(new model.Rows(picture, model.initialCollapse(picture)).length, 60 + 2);
        const few = new model.Picture(viewOf(small));
        assert.strictEqual(model.initialCollapse(few).size, 0);
    });

    test('the search: words, states, lengths', () => {
        const picture = new model.Picture(viewOf(small, [[4, 1]]));
        for (const [text, expected] of [['lea', [2]], ['LEFT', [1]], ['svc right', [3]], ['nothing', []], ['', []], ['is:error', [5]], ['>40ns', [0, 3]],
            ['<6ns', [2, 5]], ['is:linked', [1, 4]], ['is:error >1ms', []], ['constructor', []], ['b4', [4]], ['>x', []]]) {
            assert.deepStrictEqual(model.search(picture, text), expected, text);
        }
    });
    test('only what matches, with what is above it', () => {
        const picture = new model.Picture(viewOf(small));
        const rows = new model.Rows(picture, new Set(), model.keepOf(picture, [2]));
        assert.deepStrictEqual(rowsOf(rows), [-1, 0, 1, 2]);
        assert.strictEqual(rows.rowOf[3], rows.indexOf(0), 'what is left out is where its parent is');
        assert.strictEqual(rows.rowOf[4], -1);
        assert.strictEqual(new model.Rows(picture, new Set(), model.keepOf(picture, [])).length, 0);
    });
    test('waits are known by their names', () => {
        for (const [name, kind] of [['hatchet.engine.queued', 'queue'], ['hatchet.engine.retry_backoff', 'backoff'], ['hatchet.engine.schedule_delay', 'delay'],
            ['hatchet.engine.durable_wait', 'sleep'], ['hatchet.durable.wait_for', 'sleep'], ['hatchet.engine.workflow_run', 'work'], ['queued', 'work'],
            ['constructor', 'work'], ['hatchet.engine.constructor', 'work'], ['', 'work']]) {
            assert.strictEqual(model.kinds[model.kindOf(name)], kind, name);
        }
    });
    test('names of rows', () => {
        for (const [given, text, note] of [[['hatchet.start_step_run', 'archive:pack', 1], 'archive:pack', ''],
            [['hatchet.start_step_run.archive:pack', 'archive:pack', 3], 'archive:pack', 'attempt 3'], [['hatchet.run_workflow', 'archive:pack', 0], 'run workflow', 'archive:pack'],
            [['hatchet.engine.queued', 'archive:pack', 1], 'queued', ''], [['GET /my_files', null, 0], 'GET /my_files', ''], [['', null, 0], '(no name)', ''], [['constructor', null, 0], 'constructor', '']]) {
            assert.deepStrictEqual(model.spanLabel(...given), { text, note });
        }
    });
    test('a name of blanks is none', () => {
        assert.strictEqual(model.spanLabel('   ', null, 0).text, '(no name)');
        assert.strictEqual(model.spanLabel(' a', null, 0).text, ' a');
    });
    test('events by their span', () => {
        const picture = new model.Picture(viewOf(small, [], { span_events: [[1, 2, 'one'], [1, 4, 'two'], [3, 1, 'three']] }));
        assert.deepStrictEqual([0, 1, 2, 3].map((span) => Array.from(picture.eventsOf(span))), [[], [2, 4], [], [1]]);
        assert.deepStrictEqual(picture.eventsAt(1, 8, 10), [{ name: 'two', offset: 4 }]);
    });
    test('a hundred thousand spans take no time to speak of', () => {
        const lines = Array.from({ length: 100000 }, (_, index) => `${'  '.repeat(index === 0 ? 0 : 1 + ((index - 1) % 9))}s${index} ${index} 10`);
        const view = viewOf({ a: lines });
        const start = process.cpuUsage(); // other programs may be busy too
        const picture = new model.Picture(view);
        const rows = new model.Rows(picture);
        rows.set(1, true);
        model.search(picture, 's99');
        const took = process.cpuUsage(start).user / 1000;
        console.log(`# 100,000 spans: ${took.toFixed(0)} ms`);
        assert.strictEqual(picture.count, 100000);
        assert.ok(took < 3000, `${took} ms`);
    });
});

describe('links', () => {
    let model;
    let links;
    let Scale;
    before(async () => {
        [model, links, { Scale }] = await Promise.all(['waterfall_model.js', 'waterfall_links.js', 'waterfall_scale.js'].map(load));
    });
    const drawn = (picture, rows) => new links.LinkPicture(picture, rows, new Scale(100, 100), { rowHeight: 10, barHeight: 4 });

    test('both ends of a link know it', () => {
        const picture = new model.Picture(viewOf(small, [[4, 1], [4, 0, 'origin'], [5, -1]]));
        assert.deepStrictEqual(Array.from(picture.linksFrom(4)), [0, 1]);
        assert.deepStrictEqual(Array.from(picture.linksTo(1)), [0]);
        assert.deepStrictEqual(Array.from(picture.linksTo(4)), []);
        assert.deepStrictEqual(links.outside(picture, 5), { out: 1, back: 0 });
        assert.deepStrictEqual(links.outside(picture, 4), { out: 0, back: 0 });
    });
    test('a link leads from the start of a span to where the other was at that time', () => {
        const picture = new model.Picture(viewOf(small, [[4, 1], [4, 0]]));
        const rows = new model.Rows(picture);
        const ends = drawn(picture, rows).ends(0);
        assert.deepStrictEqual(ends, { from: { x: 30, y: 65 }, to: { x: 15, y: 25 } });
        assert.deepStrictEqual(drawn(picture, rows).ends(1).to, { x: 30, y: 15 });
    });
    test('what hides an end is where the link leads', () => {
        const picture = new model.Picture(viewOf(small, [[4, 2]]));
        const rows = new model.Rows(picture);
        rows.set(-1, true);
        assert.strictEqual(drawn(picture, rows).ends(0).to.y, 5);
        const inside = new model.Picture(viewOf(small, [[3, 2]]));
        const closed = new model.Rows(inside);
        closed.set(-1, true);
        assert.strictEqual(drawn(inside, closed).ends(0), null, 'both ends in one row');
    });
    test('only links of rows in sight are drawn, those of one colour as one path', () => {
        const picture = new model.Picture(viewOf(small, [[4, 1], [4, 0, 'origin'], [5, 1]]));
        const rows = new model.Rows(picture);
        const all = drawn(picture, rows).inWindow(0, rows.length);
        assert.deepStrictEqual(all.paths.map(({ colour, isOrigin, leaves }) => [colour, isOrigin, leaves]), [[1, false, false], [1, true, false]]);
        assert.strictEqual(all.count, 3);
        assert.strictEqual(drawn(picture, rows).inWindow(3, 5).count, 0);
        assert.deepStrictEqual(drawn(picture, rows).inWindow(0, 3).paths.map(({ leaves }) => leaves), [true, true]);
        assert.strictEqual(drawn(picture, rows).inWindow(0, rows.length, 4).count, 1);
        assert.strictEqual(drawn(picture, rows).ofSpan(4, 0).length, 2);
    });
    test('of very many links as many are drawn as can be told apart', () => {
        const lines = Array.from({ length: 9001 }, (_, index) => (index === 0 ? 'root 0 100' : '  x 1 1'));
        const picture = new model.Picture(viewOf({ a: lines }, Array.from({ length: 9000 }, (_, index) => [index + 1, 0])));
        const { count, cut } = drawn(picture, new model.Rows(picture)).inWindow(0, 9002);
        assert.strictEqual(count + cut, 9000);
        assert.ok(count <= 4000);
    });
});

describe('the axis', () => {
    let axis;
    before(async () => { axis = await load('waterfall_scale.js'); });
    const texts = (from, to) => axis.axisTicks(from, to, 6).map((tick) => tick.text).join(' ');

    test('ticks are round, and tell neighbours apart', () => {
        assert.strictEqual(texts(0, 1e9), '0 200 ms 400 ms 600 ms 800 ms 1.0 s');
        assert.strictEqual(texts(0, 90e9), '0 15 s 30 s 45 s 1 m 1 m 15 s 1 m 30 s');
        assert.strictEqual(texts(0, 7200e9), '0 30 m 1 h 1 h 30 m 2 h');
        assert.strictEqual(texts(0, 500), '0 100 ns 200 ns 300 ns 400 ns 500 ns');
        assert.strictEqual(texts(1.2034e9, 1.2035e9), '1.20340 s 1.20342 s 1.20344 s 1.20346 s 1.20348 s 1.20350 s');
        assert.match(texts(0, 400 * 86400e9), /^0 .* d/);
    });
    test('exact lengths have all their digits, and no more', () => {
        for (const [ns, text] of [[0, '0 ns'], [812, '812 ns'], [100, '100 ns'], [1000, '1 µs'], [812345, '812.345 µs'], [12345678, '12.345678 ms'], [1e9, '1 s'],
            [61.5e9, '1 m 01 s (61.5 s)']]) {
            assert.strictEqual(axis.exactDuration(ns), text);
        }
    });
    test('zooming keeps what is at the pointer, and stays in the picture', () => {
        const scale = new axis.Scale(1000, 100);
        scale.zoom(0.5, 30);
        assert.deepStrictEqual([scale.from, scale.to], [150, 650]);
        assert.strictEqual(scale.ns(30), 300);
        scale.zoom(100, 30);
        assert.deepStrictEqual([scale.from, scale.to, scale.isWhole], [0, 1000, true]);
        scale.set(990, 2000);
        assert.ok(scale.to <= 1000 && scale.from >= 0);
        scale.set(500, 500);
        assert.strictEqual(scale.span, 100);
        scale.pan(-100);
        assert.strictEqual(scale.from, 0);
    });
    test('a picture that grows stays whole, or where one is in it', () => {
        const scale = new axis.Scale(1000, 100);
        scale.resize(5000);
        assert.strictEqual(scale.to, 5000);
        scale.set(1000, 2000);
        scale.resize(9000);
        assert.deepStrictEqual([scale.from, scale.to], [1000, 2000]);
        assert.strictEqual(scale.show(1500, 1600), false);
        assert.strictEqual(scale.show(5000, 5100), true);
        assert.ok(scale.from < 5000 && scale.to > 5100);
    });
});

describe('what else is drawn', () => {
    test('the strip has few pieces, however many spans there are', async () => {
        const [{ Picture }, { cells }] = await Promise.all(['waterfall_model.js', 'waterfall_minimap.js'].map(load));
        const lines = Array.from({ length: 5000 }, (_, index) => (index === 0 ? 'root 0 5000' : `  x ${index} 1`));
        const picture = new Picture(viewOf({ a: lines }));
        const { paths, lanes } = cells(picture, 5000, 400, 40);
        assert.strictEqual(lanes, 40);
        assert.deepStrictEqual([...paths.keys()], [1]);
        assert.ok(paths.get(1).length < 10000);
    });
    test('what has not ended stands in a band of its own', async () => {
        const [{ Picture }, { withUnderWay }] = await Promise.all(['waterfall_model.js', 'waterfall_live.js'].map(load));
        const run = (status, started) => ({ id: status, workflow: 'w', task: 'w:t', status, parent: -1, created_at_ms: 1000, started_at_ms: started, finished_at_ms: null });
        const view = viewOf(small, [], { runs: [run('COMPLETED', 1000), run('RUNNING', 1200), run('QUEUED', null), run('EVICTED', 1100)] });
        view.spans.forEach((span) => { span[10] = 0; });
        const picture = new Picture(withUnderWay(view, 2000));
        assert.strictEqual(picture.duration, 1000e6);
        assert.deepStrictEqual([6, 7, 8, 9].map((span) => [picture.label(span).note, picture.start[span] / 1e6, picture.end[span] / 1e6, picture.isOpen(span)]),
            [['works', 200, 1000, true], ['', 0, 200, false], ['queued', 0, 1000, true], ['waits', 100, 1000, true]]);
        const ended = { ...view, runs: [run('FAILED', 1)] };
        assert.strictEqual(withUnderWay(ended, 2000), ended);
    });
    test('two pictures of the same work compared', async () => {
        const { conclusion, factsOf } = await load('compare_facts.js');
        const run = { created_at_ms: 0, started_at_ms: 10, finished_at_ms: 30 };
        const whole = viewOf({ a: ['scan 0 10', ...Array.from({ length: 9 }, () => '  pack 5 100')] }, [], { runs: [{}, {}] });
        whole.spans.slice(1).forEach((span) => { span[10] = 1; });
        const parts = viewOf({ a: ['scan 0 10'], b: ['pack 5 100'], c: ['pack 6 100'] }, [[1, 0], [2, 0]], { runs: [{}, {}] });
        const [a, b] = [factsOf(run, whole), factsOf(run, parts)];
        assert.deepStrictEqual([a.relation, a.traces, a.largest, a.ownNs, a.runNs], ['parent', 1, 10, 105, 20e6]);
        assert.deepStrictEqual([b.relation, b.traces, b.largest, b.ownNs, b.links], ['link', 3, 1, 10, 2]);
        assert.match(conclusion(a, b), /^With links the largest trace is 10 times smaller, and .* open for 10 ns instead of 105 ns/);
        assert.strictEqual(conclusion(a, b), conclusion(b, a));
        assert.strictEqual(conclusion(a, a), null);
    });
});
