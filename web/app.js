// The shell of all pages: header, navigation, theme, login, keys, and which page is shown.
//
// A page is a module with open(view), which fills view.main and may be async. It may give back an object with
// query(), called when only the query of the URL has changed, instead of opening the page anew. The view:
//
//   main             the element that is the page's
//   ids              what stands in the path: ['ID'] of runs/ID
//   query            URLSearchParams, always the present ones
//   signal           aborted when the page is left: for fetches, listeners and timers
//   setQuery(query, {push})   changes the URL's query (an object as for href()) without opening the page anew
//   setTitle(text)   of the window
//   tell({error, retryAt})    shows in the header whether the page is live: give it to poll(); {error: null, isOver: true}
//                    when it has ended to be so
//   keys({KEY: f})   shortcuts of the page, by event.key; f(event) is not called where keys are text
//   keep(f)          f() is called when the page is left; what it gives back is `kept` when somebody comes back to
//   kept             this entry of the history; undefined otherwise

import { get, isAbort, onUnauthorized, root, server, token } from './api.js';
import { h, isTyping, replace, s } from './dom.js';
import { showHelp } from './help.js';
import { showLogin } from './login.js';
import { problem, spinner } from './parts.js';
import { findPage, onNavigate, pathBelow, toSearch } from './router.js';
import { applyTheme, nextTheme } from './theme.js';

const tabs = [['runs', 'Runs'], ['traces', 'Traces'], ['workflows', 'Workflows']];
const kept = new Map(); // {scroll, value} by the key of the entry of the history, of the last ones only
const keptMost = 20;

const main = h('main', { id: 'main', tabindex: '-1' });
const bannerText = h('span', { role: 'status' });
const banner = h('div', { class: 'banner', hidden: true });
const liveDot = h('span', { class: 'live', hidden: true }, h('span', { class: 'live-dot' }), h('span', null, 'live'));
const tenantName = h('span', { class: 'tenant' });
const readOnly = h('span', { class: 'badge', hidden: true, title: 'The file is served as it is: nothing can be cancelled or replayed' }, 'read-only');
const signOut = h('button', { type: 'button', class: 'button button-quiet', hidden: true, onclick: leave }, 'Sign out');
const links = new Map(tabs.map(([path, name]) => [path, h('a', { href: path, class: 'tab' }, name)]));

let current = null;     // {page, view, controller, opened}
let bannerTimer = null;

function themeButton() {
    const names = { auto: 'as the system', light: 'light', dark: 'dark' };
    const button = h('button', { type: 'button', class: 'button button-quiet theme' },
        s('svg', { viewBox: '0 0 16 16', width: 16, height: 16, 'aria-hidden': 'true' },
            s('circle', { cx: 8, cy: 8, r: 6 }), s('path', { d: 'M8 2a6 6 0 0 1 0 12z' })));
    const label = (choice) => {
        button.title = `Colours: ${names[choice]}`;
        button.setAttribute('aria-label', button.title);
    };
    button.addEventListener('click', () => label(nextTheme()));
    label(applyTheme());
    return button;
}

function helpButton() {
    return h('button', {
        type: 'button', class: 'button button-quiet', title: 'Keys (?)', 'aria-label': 'Keys', onclick: showHelp,
    }, '?');
}

function shell() {
    const logo = s('svg', { class: 'logo', viewBox: '0 0 32 32', width: 20, height: 20, 'aria-hidden': 'true' },
        s('path', { d: 'M3.5 11.5h25M11.5 12v11.5M20.5 12v11.5M7.5 25h17' }));
    document.body.append(
        h('a', { class: 'skip', href: '#main', onclick: skip }, 'To the content'),
        h('header', { class: 'top' },
            h('a', { class: 'brand', href: 'runs', 'aria-label': 'Cleat: runs' }, logo, h('span', null, 'Cleat')),
            h('nav', { 'aria-label': 'Pages' }, [...links.values()]),
            h('div', { class: 'top-end' }, liveDot, readOnly, tenantName, signOut, helpButton(), themeButton())),
        banner, main);
}

function skip(event) {
    event.preventDefault();
    main.focus();
}

// Whether the page is up to date, and if not why and when it tries again.
function tell({ error, retryAt, isOver = false }) {
    clearInterval(bannerTimer);
    liveDot.hidden = error !== null || isOver;
    banner.hidden = error === null;
    if (error === null) {
        return;
    }
    const rest = h('span', { 'aria-hidden': 'true' }); // else it would be read out each second
    const show = () => {
        const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
        rest.textContent = retryAt === null ? '' : seconds === 0 ? ' Trying again …' : ` Trying again in ${seconds} s.`;
    };
    if (bannerText.textContent !== error.message) {
        bannerText.textContent = error.message;
    }
    replace(banner, bannerText, rest);
    show();
    if (retryAt !== null) {
        bannerTimer = setInterval(show, 1000);
    }
}

function keep() {
    kept.delete(current.key);
    kept.set(current.key, { scroll: window.scrollY, value: current.keep?.() });
    if (kept.size > keptMost) {
        kept.delete(kept.keys().next().value);
    }
}

function close() {
    if (current !== null) {
        keep();
        current.controller.abort();
        current = null;
    }
    document.querySelectorAll('dialog[open]').forEach((dialog) => dialog.close()); // it asked about the page
    clearInterval(bannerTimer);
    banner.hidden = true;
    liveDot.hidden = true;
}

const newKey = () => `${Date.now()}-${Math.random()}`;

function makeView(found, controller, state) {
    const view = {
        main, ids: found.ids, signal: controller.signal, query: new URLSearchParams(location.search),
        kept: kept.get(state.key)?.value, keys: (map) => Object.assign(state.keys, map), tell,
        setTitle: (text) => { document.title = `${text} · Cleat`; }, keep: (make) => { state.keep = make; },
        // What was typed, or waited for, may come when the page is left: then the URL is another's.
        setQuery(query, { push = false } = {}) {
            if (controller.signal.aborted) {
                return;
            }
            view.query = toSearch(query);
            const url = new URL(location.href);
            url.search = view.query;
            if (push) {
                keep();
                state.key = newKey();
            }
            history[push ? 'pushState' : 'replaceState']({ key: state.key }, '', url);
        },
    };
    return view;
}

async function open(found, key) {
    const isMoved = current !== null;
    close();
    const controller = new AbortController();
    const state = { page: found.page, ids: found.ids, controller, key, keys: {}, keep: null, opened: null };
    current = state;
    const view = makeView(found, controller, state);
    state.view = view;
    for (const [path, link] of links) {
        if (path === found.page.tab) {
            link.setAttribute('aria-current', 'page');
        } else {
            link.removeAttribute('aria-current');
        }
    }
    main.className = `page-${found.page.title.toLowerCase()}`;
    view.setTitle(found.page.title);
    replace(main, spinner('Loading …'));
    try {
        const module = await found.page.load();
        if (!controller.signal.aborted) {
            replace(main);
            state.opened = await module.open(view) ?? null;
        }
        if (!controller.signal.aborted) {
            window.scrollTo(0, kept.get(key)?.scroll ?? 0);
            if (isMoved && document.activeElement === document.body) {
                main.focus({ preventScroll: true }); // what had the focus went with its page
            }
        }
    } catch (error) {
        if (!controller.signal.aborted && !isAbort(error)) {
            console.error(error);
            replace(main, problem(error, () => show()));
        }
    }
}

function show() {
    const url = new URL(location.href);
    const key = history.state?.key ?? newKey();
    history.replaceState({ key }, '', url);
    const found = findPage(pathBelow(url, root) ?? '');
    if (found === null) {
        close();
        document.title = 'Cleat';
        replace(main, h('div', { class: 'empty problem', role: 'alert' }, h('h2', null, 'There is no such page'),
            h('p', null, h('a', { href: 'runs' }, 'All runs'))));
        return;
    }
    const isSame = current !== null && current.page === found.page &&
        current.ids.join('/') === found.ids.join('/') && current.opened?.query !== undefined;
    if (isSame) {
        current.key = key;
        current.view.query = new URLSearchParams(url.search);
        current.opened.query();
    } else {
        open(found, key);
    }
}

function go(url, isReplaced) {
    if (pathBelow(url, root) === null) {
        location.href = url;
        return;
    }
    if (current !== null) {
        keep();
    }
    history[isReplaced ? 'replaceState' : 'pushState']({ key: newKey() }, '', url);
    show();
}

// Clicks on links of ours change the page without loading it, unless they are to open elsewhere.
function follow(event) {
    const link = event.target.closest?.('a[href]');
    if (link === null || link === undefined || event.defaultPrevented || event.button !== 0 || event.metaKey ||
        event.ctrlKey || event.shiftKey || event.altKey || link.target !== '' || link.hasAttribute('download')) {
        return;
    }
    const url = new URL(link.href?.baseVal ?? link.href, document.baseURI);
    const path = pathBelow(url, root);
    if (path !== null && findPage(path) !== null) {
        event.preventDefault();
        go(url, false);
    }
}

function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]') !== null) {
        return;
    }
    if (isTyping(event.target)) {
        if (event.key === 'Escape') {
            event.target.blur();
        }
        return;
    }
    const action = current?.keys[event.key];
    if (action !== undefined) {
        action(event);
    } else if (event.key === '/') {
        const filter = main.querySelector('[data-filter]');
        filter?.focus();
        filter?.select?.();
        event.preventDefault();
    } else if (event.key === '?') {
        showHelp();
    }
}

function leave() {
    token.clear();
    askForToken('');
}

// The login takes the place of the page, whose URL stays: after it one is where one was.
function askForToken(message) {
    close();
    signOut.hidden = true;
    tenantName.textContent = '';
    token.clear();
    document.title = 'Sign in · Cleat';
    replace(main);
    main.className = 'page-login';
    showLogin(main, message, start);
}

async function start() {
    replace(main, spinner('Loading …'));
    try {
        server.meta = await get('meta', {}, { isLogin: true });
        server.clockOffset = server.meta.now_ms - Date.now();
        readOnly.hidden = !server.meta.read_only;
        if (server.meta.needs_token && token.get() === null) {
            askForToken('');
            return;
        }
        server.tenant = (await get('session')).tenant;
    } catch (error) {
        if (!(error.status === 401 || error.status === 403)) {
            replace(main, problem(error, start));
        }
        return;
    }
    tenantName.textContent = server.tenant.name;
    tenantName.title = `Tenant ${server.tenant.id}`;
    signOut.hidden = token.get() === null;
    show();
}

document.querySelector('base').href = root.href; // whatever the URL becomes from here on
history.scrollRestoration = 'manual';
shell();
onUnauthorized((error) => askForToken(error.message));
onNavigate(go);
document.addEventListener('click', follow);
document.addEventListener('keydown', press);
window.addEventListener('popstate', show);
start();
