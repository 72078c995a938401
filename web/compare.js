// Two runs side by side on one scale of time: /compare?a=RUN&b=RUN. What it is for is a run whose children continue its
// trace, and the same with links.

import { get, now, poll } from './api.js';
import { conclusion, factsOf, relationText } from './compare_facts.js';
import { h, renew } from './dom.js';
import { count, duration, hasEnded, shortId, shownStatus } from './format.js';
import { empty, spinner, statusLabel, timeNode } from './parts.js';
import { href } from './router.js';
import { Waterfall } from './waterfall.js';
import { withUnderWay } from './waterfall_live.js';

const interval = 2000;
const lateMs = 15000; // spans come in batches, so some do after a run has ended

export async function open(view) {
    const ids = [view.query.get('a'), view.query.get('b')];
    view.main.append(h('h1', { class: 'unseen' }, 'Two runs compared'));
    view.setTitle('Compare');
    if (ids.includes(null)) {
        view.main.append(empty('Which two runs?', h('p', null, 'Choose two in the list of runs (x), and compare them (c).'),
            h('a', { href: 'runs', class: 'button' }, 'All runs')));
        return null;
    }
    await new ComparePage(view, ids).start();
    // Other runs are another page.
    return null;
}

const isOver = ({ run }) => hasEnded(run.status) && now() - (run.finished_at_ms ?? run.created_at_ms) > lateMs;

class ComparePage {
    constructor(view, ids) {
        this.view = view;
        this.ids = ids;
        this.sides = null;
        this.shown = '';
        this.facts = h('div');
    }

    async start() {
        const { view } = this;
        const waiting = spinner('Loading …');
        view.main.append(waiting);
        this.sides = await Promise.all(this.ids.map((id) => this.load(id, view.signal)));
        waiting.remove();
        this.waterfalls = this.sides.map(({ run }, index) => new Waterfall({
            label: `Spans of ${index === 0 ? 'the first' : 'the second'} run, ${run.workflow ?? run.id}`, signal: view.signal,
            isSmall: true, kept: view.kept?.[index] ?? null,
        }));
        view.keep(() => this.waterfalls.map((one) => one.state()));
        view.main.append(h('section', { class: 'panel compare-facts', 'aria-label': 'Compared' }, this.facts),
            h('div', { class: 'sides' }, this.waterfalls.map((one, index) => h('section', { class: 'side', 'aria-label': index === 0 ? 'First run' : 'Second run' }, one.node))));
        this.show();
        let isFirst = true;
        poll(async () => {
            if (!isFirst) {
                await this.refresh();
            }
            isFirst = false;
            const isAllOver = this.sides.every(isOver);
            if (isAllOver) {
                view.tell({ error: null, retryAt: null, isOver: true });
            }
            return !isAllOver;
        }, { interval, signal: view.signal, tell: view.tell });
    }

    async load(id, signal) {
        const path = `runs/${encodeURIComponent(id)}`;
        const [run, data] = await Promise.all([get(path, {}, { signal }), get(`${path}/view`, {}, { signal })]);
        return { run, data, facts: factsOf(run, data) };
    }

    // One that is over is as it was.
    async refresh() {
        const { signal } = this.view;
        this.sides = await Promise.all(this.sides.map((side, index) => (isOver(side) ? side : this.load(this.ids[index], signal))));
        this.show();
    }

    // Nothing is drawn anew where it is the same.
    show() {
        const { sides } = this;
        const pictures = sides.map(({ data }) => withUnderWay(data, now()));
        const text = JSON.stringify([sides.map(({ run, facts }) => [run.status, facts]), pictures]);
        if (text === this.shown) {
            return;
        }
        this.shown = text;
        const [a, b] = sides;
        const words = conclusion(a.facts, b.facts);
        const longest = Math.max(...pictures.map((picture) => picture.duration_ns));
        renew(this.facts, table(sides), words !== null && h('p', { class: 'conclusion' }, words));
        for (const [index, picture] of pictures.entries()) {
            this.waterfalls[index].leastDuration = longest;
            this.waterfalls[index].update(picture);
        }
    }
}

function runHead({ run, facts }) {
    return h('div', { class: 'compare-run' }, h('a', { href: href(`runs/${run.id}`), class: 'name' }, run.workflow ?? run.task ?? run.id),
        h('span', { class: 'note' }, { parent: 'by parent', link: 'by link', mixed: 'mixed', alone: 'alone' }[facts.relation]), statusLabel(shownStatus(run)),
        h('span', { class: 'mono faint', title: run.id }, shortId(run.id)), timeNode(run.created_at_ms),
        h('div', { class: 'soft' }, relationText(facts.relation, { hasTasks: run.tasks !== null })));
}

function table(sides) {
    const row = (name, title, of, text, { grows = false } = {}) => {
        const values = sides.map(({ facts }) => of(facts));
        const most = Math.max(...values.map((value) => value ?? 0));
        return h('tr', null, h('th', { scope: 'row', title }, name), values.map((value, index) => h('td', null,
            h('div', { class: 'measure', style: { '--share': String(most > 0 ? (value ?? 0) / most : 0) } },
                h('strong', { class: 'num' }, value === null ? 'not yet' : text(value)), value !== null && h('span', { class: 'measure-bar' }),
                grows && value !== null && !hasEnded(sides[index].run.status) && h('span', { class: 'faint' }, 'so far')))));
    };
    return h('div', { class: 'scroll-x' }, h('table', { class: 'table compare-table' },
        h('thead', null, h('tr', null, h('td', null), sides.map((side) => h('th', { scope: 'col' }, runHead(side))))),
        h('tbody', null,
            row('Traces', 'In which there are spans of the run and of what it started', (facts) => facts.traces, count),
            row('Largest trace', 'Spans of the trace that has most', (facts) => facts.largest, (value) => `${count(value)} spans`),
            row('The run took', 'From its start to its end, without what it does not wait for', (facts) => facts.runNs, duration),
            row('Its trace was open for', 'From the first to the last span of the trace that the run is in', (facts) => facts.ownNs, duration, { grows: true }),
            row('All of it took', 'With all that it started', (facts) => facts.allNs, duration, { grows: true }))));
}
