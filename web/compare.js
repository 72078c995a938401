// Two runs side by side on one scale of time: /compare?a=RUN&b=RUN. What it is for is a run whose children continue its
// trace, and the same with links.

import { get } from './api.js';
import { conclusion, factsOf, relationText } from './compare_facts.js';
import { h } from './dom.js';
import { count, duration, shortId } from './format.js';
import { empty, spinner, statusLabel, timeNode } from './parts.js';
import { href } from './router.js';
import { Waterfall } from './waterfall.js';

export async function open(view) {
    const ids = [view.query.get('a'), view.query.get('b')];
    view.main.append(h('h1', { class: 'unseen' }, 'Two runs compared'));
    if (ids.includes(null)) {
        view.main.append(empty('Which two runs?', h('p', null, 'Choose two in the list of runs (x), and compare them (c).'),
            h('a', { href: 'runs', class: 'button' }, 'All runs')));
        return null;
    }
    const waiting = spinner('Loading …');
    view.main.append(waiting);
    const { signal } = view;
    const sides = await Promise.all(ids.map(async (id) => {
        const path = `runs/${encodeURIComponent(id)}`;
        const [run, data] = await Promise.all([get(path, {}, { signal }), get(`${path}/view`, {}, { signal })]);
        return { run, data, facts: factsOf(run, data) };
    }));
    waiting.remove();
    show(view, sides);
    // Other runs are another page.
    return null;
}

function show(view, sides) {
    const [a, b] = sides;
    const longest = Math.max(...sides.map(({ data }) => data.duration_ns));
    const waterfalls = sides.map(({ run }, index) => new Waterfall({
        label: `Spans of ${index === 0 ? 'the first' : 'the second'} run, ${run.workflow ?? run.id}`, signal: view.signal, duration: longest,
        isSmall: true, kept: view.kept?.[index] ?? null,
    }));
    view.keep(() => waterfalls.map((one) => one.state()));
    view.setTitle('Compare');
    const text = conclusion(a.facts, b.facts);
    view.main.append(h('section', { class: 'panel compare-facts', 'aria-label': 'Compared' }, table(sides),
        text !== null && h('p', { class: 'conclusion' }, text)),
        h('div', { class: 'sides' }, sides.map((side, index) => h('section', { class: 'side', 'aria-label': index === 0 ? 'First run' : 'Second run' },
            waterfalls[index].node))));
    sides.forEach(({ data }, index) => waterfalls[index].update(data));
}

function runHead({ run, facts }) {
    return h('div', { class: 'compare-run' }, h('a', { href: href(`runs/${run.id}`), class: 'name' }, run.workflow ?? run.task ?? run.id),
        h('span', { class: 'note' }, { parent: 'by parent', link: 'by link', mixed: 'mixed', alone: 'alone' }[facts.relation]), statusLabel(run.status),
        h('span', { class: 'mono faint', title: run.id }, shortId(run.id)), timeNode(run.created_at_ms),
        h('div', { class: 'soft' }, relationText(facts.relation)));
}

function table(sides) {
    const row = (name, title, of, text) => {
        const values = sides.map(({ facts }) => of(facts));
        const most = Math.max(...values.map((value) => value ?? 0));
        return h('tr', null, h('th', { scope: 'row', title }, name), values.map((value) => h('td', null,
            h('div', { class: 'measure', style: { '--share': String(most > 0 ? (value ?? 0) / most : 0) } },
                h('strong', { class: 'num' }, value === null ? 'not yet' : text(value)), h('span', { class: 'measure-bar' })))));
    };
    return h('div', { class: 'scroll-x' }, h('table', { class: 'table compare-table' },
        h('thead', null, h('tr', null, h('td', null), sides.map((side) => h('th', { scope: 'col' }, runHead(side))))),
        h('tbody', null,
            row('Traces', 'In which there are spans of the run and of what it started', (facts) => facts.traces, count),
            row('Largest trace', 'Spans of the trace that has most', (facts) => facts.largest, (value) => `${count(value)} spans`),
            row('The run took', 'From its start to its end, without what it does not wait for', (facts) => facts.runNs, duration),
            row('Its trace was open for', 'From the first to the last span of the trace that the run is in', (facts) => facts.ownNs, duration),
            row('All of it took', 'With all that it started', (facts) => facts.allNs, duration))));
}
