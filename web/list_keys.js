// Moving through the rows of a table by keys: one row can be reached by Tab, j and k and the arrows go on from it.

// keys(view): to be given to view.keys. open(row) for Enter; the rows are the children of `body` with `data-row`.
export function listKeys(body, { open }) {
    const rows = () => [...body.querySelectorAll(':scope > [data-row]')];
    const current = () => document.activeElement?.closest?.('[data-row]');

    function focus(row) {
        if (row === undefined) {
            return;
        }
        body.querySelector(':scope > [data-row][tabindex="0"]')?.setAttribute('tabindex', '-1');
        row.setAttribute('tabindex', '0');
        row.focus();
        row.scrollIntoView({ block: 'nearest' });
    }

    function move(event, step) {
        if (event.key.startsWith('Arrow') && event.target.closest?.('button, a, summary, [role=slider]') &&
            !body.contains(event.target)) {
            return;
        }
        const all = rows();
        const at = all.indexOf(current());
        const last = all.findIndex((row) => row.getAttribute('tabindex') === '0');
        event.preventDefault();
        focus(at < 0 ? all[Math.max(0, last)] : all[Math.min(all.length - 1, Math.max(0, at + step))]);
    }

    return {
        j: (event) => move(event, 1), k: (event) => move(event, -1),
        ArrowDown: (event) => move(event, 1), ArrowUp: (event) => move(event, -1),
        Home: (event) => body.contains(event.target) && (event.preventDefault(), focus(rows()[0])),
        End: (event) => body.contains(event.target) && (event.preventDefault(), focus(rows().at(-1))),
        Enter(event) {
            const row = current();
            if (row !== null && row === event.target && body.contains(row)) {
                event.preventDefault();
                open(row);
            }
        },
    };
}

// A click anywhere in a row opens it, but for one on a link, or one that ends a selection of text.
export function listClicks(body, open) {
    body.addEventListener('click', (event) => {
        const row = event.target.closest('[data-row]');
        if (row !== null && event.target.closest('a, input, button, .c-box') === null && String(getSelection()) === '') {
            open(row);
        }
    });
}

// Makes sure that Tab gets into the list: after rows came and went.
export function keepReachable(body) {
    if (body.querySelector(':scope > [data-row][tabindex="0"]') === null) {
        body.querySelector(':scope > [data-row]')?.setAttribute('tabindex', '0');
    }
}
