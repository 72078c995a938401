// The JSON API: where it is, the token, errors, lists that go on, and polling.

// Where the pages are, which the server wrote into <base>: works behind any prefix of a proxy.
export const root = new URL(document.baseURI);

export class ApiError extends Error {
    constructor(status, message) {
        super(message);
        this.name = 'ApiError';
        this.status = status; // of HTTP; 0 where no answer came
    }
}

const tokenKey = `cleat-token:${root.pathname}`;

let lastToken = null; // where storage is forbidden, it lasts as long as the page

// f of the tab's storage; `other` where there is none.
function stored(f, other) {
    try {
        return f(sessionStorage);
    } catch {
        return other;
    }
}

export const token = {
    get: () => stored((storage) => storage.getItem(tokenKey), lastToken),
    set(text) {
        lastToken = text;
        stored((storage) => storage.setItem(tokenKey, text));
    },
    clear() {
        lastToken = null;
        stored((storage) => storage.removeItem(tokenKey));
    },
};

// What /meta said: {version, needs_token, read_only, now_ms}, and the tenant of /session.
export const server = { meta: null, tenant: null, clockOffset: 0 };

// The server's time: durations of what has not ended are counted by it.
export const now = () => Date.now() + server.clockOffset;

// What the API says of a failure, in one sentence.
function sentence(body, status) {
    const text = body?.message ?? body?.errors?.map((error) => error.description).join('; ');
    return typeof text === 'string' && text !== '' ? text : `The server answered ${status}.`;
}

let unauthorized = () => {};

// app.js leads to the login then, with the server's sentence.
export function onUnauthorized(listener) {
    unauthorized = listener;
}

// query: values are text, numbers, or arrays for what is repeated; null, undefined and '' are left out.
export function apiUrl(path, query = {}) {
    const url = new URL(`api/cleat/v1/${path}`, root);
    for (const [name, value] of Object.entries(query)) {
        for (const one of Array.isArray(value) ? value : [value]) {
            if (one !== null && one !== undefined && one !== '') {
                url.searchParams.append(name, one);
            }
        }
    }
    return url;
}

async function answer(response) {
    let body = null;
    try {
        body = await response.json();
    } catch (error) {
        if (error.name === 'AbortError') {
            throw error;
        }
    }
    if (!response.ok) {
        throw new ApiError(response.status, sentence(body, response.status));
    }
    if (body === null) {
        throw new ApiError(response.status, 'The answer is no JSON: is something between this page and the server?');
    }
    return body;
}

async function send(url, options, isLogin) {
    const headers = { ...options.headers };
    const text = token.get();
    if (text !== null) {
        headers.authorization = `Bearer ${text}`;
    }
    try {
        return await answer(await fetch(url, { ...options, headers, cache: 'no-store', credentials: 'omit' }));
    } catch (error) {
        if (error instanceof ApiError) {
            if (!isLogin && [401, 403].includes(error.status)) {
                unauthorized(error);
            }
            throw error;
        }
        if (error.name === 'AbortError') {
            throw error;
        }
        throw new ApiError(0, 'The server cannot be reached.');
    }
}

// await get('runs/' + id, {limit: 10}, {signal}): throws ApiError, or AbortError once the signal is.
export function get(path, query, { signal, isLogin = false } = {}) {
    return send(apiUrl(path, query), { signal }, isLogin);
}

export function post(path, body = {}, { signal } = {}) {
    const headers = { 'content-type': 'application/json' };
    return send(apiUrl(path), { method: 'POST', body: JSON.stringify(body), headers, signal }, false);
}

export const isAbort = (error) => error.name === 'AbortError';

// Looks further until `limit` rows are there or there are no more: an answer with fewer rows and a `next` was
// cut to a bounded amount of work. progress({rows, next, searched_to_ms, ...}) hears of each answer, with all rows up
// to it; when it answers false the search stops there. Gives back the same.
export async function getRows(path, query, { limit, signal, progress = () => true }) {
    const rows = [];
    let before = query.before;
    for (;;) {
        const part = await get(path, { ...query, before, limit: limit - rows.length }, { signal });
        rows.push(...part.rows);
        before = part.next;
        const state = { ...part, rows };
        if (progress(state) === false || part.next === null || rows.length >= limit) {
            return state;
        }
    }
}

const pause = (ms, signal) => new Promise((resolve) => {
    if (signal.aborted) {
        resolve();
        return;
    }
    const timer = setTimeout(done, ms);
    function done() {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        document.removeEventListener('visibilitychange', shown);
        resolve();
    }
    function shown() {
        if (!document.hidden) {
            done();
        }
    }
    signal.addEventListener('abort', done);
    document.addEventListener('visibilitychange', shown);
});

// Does step() now and `interval` ms after each end of it, not while the page is hidden, until the signal is
// aborted or step() answers false. What takes long is done less often: a tenth of the time at most. After errors it
// waits longer and longer, up to 30 s. tell({error, retryAt}) hears of each outcome, error null when it went well.
// 4xx end it: they would not go away.
export async function poll(step, { interval, signal, tell = () => {} }) {
    let failures = 0;
    while (!signal.aborted) {
        let wait = interval;
        if (!document.hidden) {
            const start = performance.now();
            try {
                if (await step() === false || signal.aborted) {
                    return;
                }
                failures = 0;
                wait = Math.max(interval, 9 * (performance.now() - start));
                tell({ error: null, retryAt: null });
            } catch (error) {
                if (isAbort(error) || signal.aborted) {
                    return;
                }
                const isFinal = error instanceof ApiError && error.status >= 400 && error.status < 500 &&
                    error.status !== 429;
                wait = Math.min(30000, interval * 2 ** ++failures);
                tell({ error, retryAt: isFinal ? null : Date.now() + wait });
                if (isFinal) {
                    return;
                }
                if (!(error instanceof ApiError)) {
                    console.error(error); // a mistake of the page
                }
            }
        } else {
            wait = 3600e3;
        }
        await pause(wait, signal);
    }
}
