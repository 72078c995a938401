// Where a server asks for a token: it is kept for this tab only, and goes to nobody but this server.

import { get, isAbort, token } from './api.js';
import { h, replace } from './dom.js';
import { command } from './parts.js';

// message: why, in the server's words, or ''. done() once a token was taken.
export function showLogin(main, message, done) {
    const note = h('p', { class: 'login-note', role: 'alert' }, message);
    const input = h('input', {
        type: 'text', id: 'token', class: 'secret', autocomplete: 'off', spellcheck: 'false', required: true, 'aria-describedby': 'token-note',
    });
    note.id = 'token-note';
    const button = h('button', { type: 'submit', class: 'button button-main' }, 'Sign in');
    const form = h('form', { class: 'login', onsubmit: submit }, h('h1', null, 'Sign in'),
        h('label', { for: 'token' }, 'Token'), input, note, button,
        h('p', { class: 'faint' }, 'A token is made where the server runs:'), command('cleat token create'),
        h('p', { class: 'faint' }, 'It is kept for this tab only.'));

    async function submit(event) {
        event.preventDefault();
        const text = input.value.trim().replace(/^Bearer\s+/i, '');
        if (!/^[\x21-\x7e]+$/.test(text)) {
            note.textContent = 'That is no token: it has characters that none has.';
            input.select();
            return;
        }
        button.disabled = true;
        token.set(text);
        try {
            await get('session', {}, { isLogin: true });
            done();
        } catch (error) {
            token.clear();
            if (!isAbort(error)) {
                note.textContent = error.message;
            }
            button.disabled = false;
            input.focus();
            input.select();
        }
    }

    replace(main, form);
    input.focus();
}
