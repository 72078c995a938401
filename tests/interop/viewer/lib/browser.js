'use strict';
// One browser, and one tab of it, for all tests of a suite. A test fails when anything is written to the
// console, when a request fails or when one goes elsewhere than to where the page came from.

const assert = require('node:assert');
const { execFileSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { after, before, describe, test } = require('node:test');
const { eventually, patience } = require('./eventually');
const { makeSlow } = require('./slow');

const executable = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((name) => {
    try {
        return [execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim()];
    } catch {
        return [];
    }
})[0];
const shots = path.join(process.env.CLEAT_PROGRAMS ?? '.', 'shots');
let browser = null;
let page = null;

// Once for all suites of a file.
async function launch() {
    const { chromium } = require('playwright-core');
    // The sandbox needs what containers do not give; nothing but the pages under test is opened.
    browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox', '--disable-gpu'] });
    const context = await browser.newContext({ serviceWorkers: 'block' });
    context.setDefaultTimeout(patience);
    page = await context.newPage();
    await makeSlow(page);
}

// Tests of pages: skipped where there is no browser, unless CLEAT_INTEROP says that there has to be one.
function suite(name, define) {
    const skip = executable === undefined && process.env.CLEAT_INTEROP !== 'required' && 'there is no chromium';
    describe(name, { skip }, () => {
        before(async () => browser ?? launch());
        define();
    });
}

after(async () => browser?.close());

// What the page does that it should not; `allowed` are patterns of what a test brings about itself. {wrong, stop()}
function watch(page, origin, allowed) {
    const wrong = [];
    const tell = (text) => {
        if (!allowed.some((pattern) => pattern.test(text))) {
            wrong.push(text);
        }
    };
    const listeners = {
        console: (message) => message.type() !== 'debug' && tell(`console: ${message.text()} ${message.location().url}`),
        pageerror: (error) => tell(`error: ${error.message}`),
        dialog(dialog) {
            tell(`dialog: ${dialog.message()}`);
            dialog.dismiss();
        },
        request(request) {
            if (!request.url().startsWith('data:') && new URL(request.url()).origin !== origin) {
                tell(`request to ${request.url()}`);
            }
        },
        requestfailed(request) {
            const why = request.failure()?.errorText;
            if (why !== 'net::ERR_ABORTED') { // a page that was left gives up what it had asked for
                tell(`${request.url()} failed: ${why}`);
            }
        },
        response: (response) => response.status() >= 400 && tell(`${response.status()} ${response.url()}`),
    };
    Object.entries(listeners).forEach(([name, listener]) => page.on(name, listener));
    return { wrong, stop: () => Object.entries(listeners).forEach(([name, listener]) => page.off(name, listener)) };
}

// Opens `address` below `url` and runs check(page). options: width, height, scheme (light or dark), allowed. It is
// the same tab for all tests, without what the test before has left in it: its storage, and answers of its own.
async function withPage(url, address, options, check) {
    const { width = 1280, height = 800, scheme = 'light', allowed = [] } = options;
    await page.setViewportSize({ width, height });
    await page.emulateMedia({ colorScheme: scheme });
    const { wrong, stop } = watch(page, new URL(url).origin, allowed);
    try {
        await page.goto(new URL(address, url).href);
        try {
            await check(page);
        } catch (error) {
            await shot(page, `failed-${Date.now()}`).catch(() => {});
            error.message += wrong.length > 0 ? `\n${wrong.join('\n')}` : '';
            throw error;
        }
        assert.deepStrictEqual(wrong, []);
    } finally {
        stop();
        await page.unrouteAll({ behavior: 'ignoreErrors' });
        await page.evaluate(() => {
            sessionStorage.clear();
            localStorage.clear();
        });
        await page.goto('about:blank');
    }
}

// Brings a page that is live up to date now, instead of when its time has come, until what read() gives is `expected`,
// as for eventually().
async function refreshUntil(page, read, expected = true) {
    return eventually(async () => {
        await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
        return read();
    }, expected, { every: 100 });
}

// Where something is, that may be made anew just now.
const boxOf = (locator) => eventually(() => locator.boundingBox(), (box) => box !== null);

// Presses the mouse on what `locator` is, and lets go when `meanwhile` is over: what was pressed is clicked.
async function clickDuring(page, locator, meanwhile) {
    await locator.hover();
    await page.mouse.down();
    await meanwhile();
    await page.mouse.up();
}

// A picture in the build directory, to be looked at.
async function shot(page, name, options = {}) {
    fs.mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: path.join(shots, `${name}.png`), ...options });
}

// The page does not scroll sideways: what is wider scrolls within itself.
async function assertFits(page) {
    const widths = () => page.evaluate(() => ({ content: document.documentElement.scrollWidth, window: innerWidth }));
    await eventually(widths, ({ content, window }) => content <= window);
}

// Whoever does not see the page is told what each control and picture is.
async function assertNamed(page) {
    const session = await page.context().newCDPSession(page);
    const roles = ['button', 'checkbox', 'combobox', 'image', 'link', 'searchbox', 'textbox'];
    const used = async () => (await session.send('Accessibility.getFullAXTree')).nodes
        .filter(({ ignored, role }) => !ignored && roles.includes(role?.value));
    await eventually(async () => (await used()).length, (count) => count > 5);
    await eventually(async () => (await used()).filter(({ name }) => (name?.value ?? '').trim() === '')
        .map(({ role, properties }) => ({ role: role.value, properties })), []);
    await session.detach();
}

module.exports = { assertFits, assertNamed, boxOf, clickDuring, refreshUntil, shot, suite, test, withPage };
