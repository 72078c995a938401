// Traces outside of a picture that have links with it, as panels.

import { h } from './dom.js';
import { count, counted, shortId } from './format.js';
import { href } from './router.js';
import { traceLabel } from './waterfall_model.js';

function row({ trace_id: id, name, task, count: links }) {
    return h('li', null,
        name === null ? h('span', { class: 'soft' }, 'not stored')
            : h('a', { href: href(`traces/${id}`), class: 'cut', title: name }, traceLabel(name, task)),
        h('span', { class: 'mono faint', title: id }, shortId(id)), h('span', { class: 'num soft' }, counted(links, 'link')));
}

const list = (title, rows, total) => rows.length > 0 && h('section', { class: 'panel' },
    h('header', { class: 'panel-head' }, h('h2', null, title), h('span', { class: 'soft num' }, count(total))),
    h('ul', { class: 'related-list' }, rows.map(row), total > rows.length && h('li', { class: 'faint' }, `and ${counted(total - rows.length, 'trace')} more`)));

export const hasRelated = (view) => view.links_to.length + view.linked_from.length > 0;

export function relatedPanels(view) {
    return [list('Links to', view.links_to, view.links_to_total), list('Linked from', view.linked_from, view.linked_from_total)];
}
