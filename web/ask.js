// A question before something is done that cannot be taken back.

import { h } from './dom.js';

// True when it is to be done.
export function ask(title, text, action, { isDanger = false } = {}) {
    return new Promise((resolve) => {
        const yes = h('button', { type: 'button', class: `button ${isDanger ? 'button-danger' : 'button-main'}`, onclick: () => dialog.close('yes') }, action);
        const dialog = h('dialog', {
            class: 'help ask', 'aria-label': title,
            onclose: () => {
                dialog.remove();
                resolve(dialog.returnValue === 'yes');
            },
        }, h('h2', null, title), h('p', null, text), h('div', { class: 'ask-buttons' },
            h('button', { type: 'button', class: 'button', onclick: () => dialog.close('no') }, 'Leave it'), yes));
        dialog.addEventListener('click', (event) => event.target === dialog && dialog.close('no'));
        document.body.append(dialog);
        dialog.showModal();
        yes.focus();
    });
}
