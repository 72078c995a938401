// Which page a path means, and how to get to another. Links are plain <a href="runs/ID">, relative to <base>.

// Pages by their path below the root. ids: what stands in the path. `tab` is the entry of the navigation that
// is lit. load() gives a module with open(view); app.js says what a view is.
export const pages = [
    { pattern: /^(?:runs)?$/, title: 'Runs', tab: 'runs', load: () => import('./runs.js') },
    { pattern: /^runs\/([^/]+)$/, title: 'Run', tab: 'runs', load: () => import('./run.js') },
    { pattern: /^traces$/, title: 'Traces', tab: 'traces', load: () => import('./traces.js') },
    { pattern: /^traces\/([^/]+)$/, title: 'Trace', tab: 'traces', load: () => import('./trace.js') },
    { pattern: /^workflows$/, title: 'Workflows', tab: 'workflows', load: () => import('./workflows.js') },
    { pattern: /^compare$/, title: 'Compare', tab: 'runs', load: () => import('./compare.js') },
];

// {page, ids}, or null where there is none.
export function findPage(path) {
    for (const page of pages) {
        const match = page.pattern.exec(path.replace(/\/$/, ''));
        if (match !== null) {
            try {
                return { page, ids: match.slice(1).map(decodeURIComponent) };
            } catch {
                return null; // a % that means nothing
            }
        }
    }
    return null;
}

// The path below the root, or null where the URL is not one of ours.
export function pathBelow(url, root) {
    return url.origin === root.origin && url.pathname.startsWith(root.pathname)
        ? url.pathname.slice(root.pathname.length) : null;
}

// href('runs/' + id), href('compare', {a, b}): what is null or '' is left out, arrays are repeated.
export function href(path, query = {}) {
    const search = toSearch(query).toString();
    return search === '' ? path || './' : `${path}?${search}`;
}

export function toSearch(query) {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
        for (const one of Array.isArray(value) ? value : [value]) {
            if (one !== null && one !== undefined && one !== '') {
                search.append(name, one);
            }
        }
    }
    return search;
}

let listener = () => {};

// app.js shows the page then.
export function onNavigate(show) {
    listener = show;
}

// Goes to a page as a click on a link does.
export function navigate(target, { replace = false } = {}) {
    listener(new URL(target, document.baseURI), replace);
}
