// The list of keys.

import { h } from './dom.js';

const keys = [
    ['/', 'to the filter'], ['j k ↓ ↑', 'through the rows'], ['Enter', 'opens what is chosen'],
    ['x', 'chooses a run to compare'], ['c', 'compares the two that are chosen'],
    ['← →', 'closes and opens, in a waterfall'], ['Space *', 'the same, and with all below'],
    ['+ - 0', 'zooms in, out, to all of it'], ['Shift+← Shift+→', 'moves the time that is seen'],
    ['z', 'zooms to what is chosen'], ['f b', 'follows a link, and back'], ['n N', 'to the next match, the one before'],
    ['r', 'looks for traces again'], ['Esc', 'leaves a field, closes a panel'], ['?', 'this list'],
];

export function showHelp() {
    const dialog = h('dialog', { class: 'help', 'aria-label': 'Keys', onclose: () => dialog.remove() },
        h('h2', null, 'Keys'),
        h('dl', null, keys.map(([key, text]) => [
            h('dt', null, key.split(' ').map((one) => h('kbd', null, one))), h('dd', null, text)])),
        h('button', { type: 'button', class: 'button', onclick: () => dialog.close() }, 'Close'));
    dialog.addEventListener('click', (event) => {
        if (event.target === dialog) {
            dialog.close();
        }
    });
    document.body.append(dialog);
    dialog.showModal();
}
