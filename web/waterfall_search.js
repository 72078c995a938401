// The search of a waterfall: what it looks for, how much there is, and the way from hit to hit.

import { h } from './dom.js';
import { count, counted } from './format.js';

export class Search {
    constructor(waterfall) {
        this.waterfall = waterfall;
        this.text = '';
        this.isOnly = false;
        this.timer = null;
        this.input = h('input', {
            type: 'search', 'data-filter': true, 'aria-label': 'Find spans', placeholder: 'Find spans: name, service, id, >10ms, is:error',
            spellcheck: 'false', autocomplete: 'off', oninput: () => this.typed(), onkeydown: (event) => this.press(event),
        });
        this.found = h('output', { class: 'wf-found num' });
        const button = (text, title, onclick) => h('button', { type: 'button', class: 'button button-quiet', title, 'aria-label': title, onclick }, text);
        this.steps = h('span', { class: 'wf-steps', hidden: true }, this.found,
            button('↑', 'Previous match (N)', () => waterfall.nextHit(-1)), button('↓', 'Next match (n)', () => waterfall.nextHit(1)));
        this.only = button('Only matches', 'Show only what matches, and what is above it', () => this.setOnly(!this.isOnly));
        this.only.setAttribute('aria-pressed', 'false');
        this.steps.append(this.only);
        this.errors = h('button', { type: 'button', class: 'button button-quiet bad', hidden: true, title: 'Find them', onclick: () => this.find('is:error') });
        this.node = h('div', { class: 'wf-search', role: 'search' }, this.input, this.errors, this.steps);
    }

    typed() {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.apply(), 120);
    }

    find(text) {
        this.input.value = text;
        this.apply();
        this.waterfall.nextHit(1);
    }

    apply() {
        clearTimeout(this.timer);
        if (this.text !== this.input.value && this.waterfall.picture !== null) {
            this.text = this.input.value;
            this.waterfall.searched();
        }
    }

    press(event) {
        if (event.key === 'Enter') {
            this.apply();
            this.waterfall.nextHit(event.shiftKey ? -1 : 1);
        } else if (event.key === 'Escape' && this.input.value !== '') {
            this.input.value = '';
            this.apply();
            event.stopPropagation();
        } else if (event.key === 'ArrowDown') {
            this.waterfall.scroll.focus();
        } else {
            return;
        }
        event.preventDefault();
    }

    setOnly(isOnly) {
        this.isOnly = isOnly;
        this.only.setAttribute('aria-pressed', String(isOnly));
        this.waterfall.searched();
    }

    // After the hits changed, or which of them is selected.
    show() {
        const list = this.waterfall.hitList;
        const errors = this.waterfall.picture.bands.reduce((sum, band) => sum + band.errors, 0);
        this.errors.hidden = errors === 0 || list !== null;
        this.errors.textContent = counted(errors, 'error');
        this.steps.hidden = list === null;
        this.found.textContent = list === null ? '' : list.length === 0 ? 'no match' : `${count(list.length)} found`;
    }
}
