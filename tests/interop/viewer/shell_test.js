'use strict';
// What all pages have: navigation, the login, colours, keys; and that they work wherever a proxy puts them.

const assert = require('node:assert');
const { after, before } = require('node:test');
const { assertFits, refreshUntil, shot, suite, test, withPage } = require('./lib/browser');
const { eventually } = require('./lib/eventually');
const { copyFile, open, proxy, seedFile, serve } = require('./lib/servers');

const rows = (page) => page.locator('tbody [data-row]');
const heading = (page) => page.locator('main h1');
const isAt = (page, path) => eventually(() => new URL(page.url()).pathname, path);
// The browser writes a line of its own for each refused request.
const refused = [/^40[13] /, /status of 40[13]/];

suite('the shell', () => {
    let seed;
    let server;
    let file;
    let guarded;

    before(async () => {
        seed = seedFile();
        [server, file, guarded] = await Promise.all([
            serve(copyFile(seed)), open(seed), serve(copyFile(seed), { options: [] })]);
    });
    after(() => Promise.all([server, file, guarded].map((one) => one?.stop())));

    test('links change the page without loading it, and the way back leads back', () =>
        withPage(server.url, '', {}, async (page) => {
            await rows(page).first().waitFor();
            await page.evaluate(() => { window.isSame = true; });
            await page.getByRole('link', { name: 'Traces', exact: true }).click();
            await heading(page).filter({ hasText: 'Traces' }).waitFor({ state: 'attached' });
            await isAt(page, '/traces');
            await eventually(() => page.getByRole('link', { name: 'Traces', exact: true }).getAttribute('aria-current'), 'page');
            await rows(page).first().getByRole('link').first().click();
            await page.getByRole('treegrid').getByRole('row').first().waitFor();
            await page.waitForFunction(() => document.activeElement.id === 'main'); // the link is gone, and the focus is on what came
            await page.goBack();
            await heading(page).filter({ hasText: 'Traces' }).waitFor({ state: 'attached' });
            await page.getByRole('link', { name: 'Workflows', exact: true }).click();
            await heading(page).filter({ hasText: 'Workflows' }).waitFor({ state: 'attached' });
            await page.goBack();
            await heading(page).filter({ hasText: 'Traces' }).waitFor({ state: 'attached' });
            await page.goBack();
            await rows(page).first().waitFor();
            assert.strictEqual(await page.evaluate(() => window.isSame), true);
            await eventually(() => page.title(), /^Runs/);
        }));

    for (const [name, tokenOf, sentence] of [
        ['a wrong token', () => 'nonsense', /valid credentials/i],
        ['a revoked token', () => { const text = guarded.token(); guarded.revoke(text); return text; }, /revoked/i],
    ]) {
        test(`${name} is refused in the server's words`, () =>
            withPage(guarded.url, 'runs?status=FAILED', { allowed: refused }, async (page) => {
                await page.getByLabel('Token').fill(tokenOf());
                await page.keyboard.press('Enter');
                await page.getByRole('alert').filter({ hasText: sentence }).waitFor();
                await eventually(() => page.evaluate(() => sessionStorage.length), 0);
                await shot(page, 'login');
            }));
    }

    test('what can be no token is not sent', () => withPage(guarded.url, '', {}, async (page) => {
        await page.getByLabel('Token').fill('to\u2026ken');
        await page.keyboard.press('Enter');
        await page.getByRole('alert').filter({ hasText: 'characters that none has' }).waitFor();
        await eventually(() => page.getByRole('button', { name: 'Sign in' }).isEnabled(), true);
    }));

    test('an expired token leads to the login, which leads back to where one was', () =>
        withPage(guarded.url, 'runs?status=FAILED', { allowed: refused }, async (page) => {
            const expired = guarded.token('--expires', '1s');
            await page.getByLabel('Token').fill(guarded.token());
            await page.getByRole('button', { name: 'Sign in' }).click();
            await rows(page).first().waitFor();
            const headers = { authorization: `Bearer ${expired}` };
            await eventually(async () => (await fetch(new URL('api/cleat/v1/session', guarded.url), { headers })).text(), /expired/i);
            await page.evaluate((token) => Object.keys(sessionStorage).forEach((key) => sessionStorage.setItem(key, token)), expired);
            await refreshUntil(page, () => page.getByRole('alert').filter({ hasText: /expired/i }).isVisible());
            await eventually(() => rows(page).count(), 0);
            await page.getByLabel('Token').fill(guarded.token());
            await page.getByRole('button', { name: 'Sign in' }).click();
            await rows(page).first().waitFor();
            await eventually(() => new URL(page.url()).search, '?status=FAILED');
            await page.getByRole('button', { name: 'Sign out' }).click();
            await page.getByLabel('Token').waitFor();
            await page.reload();
            await page.getByLabel('Token').waitFor();
        }));

    test('a token is for this tab: it is in no URL, cookie or other storage', () =>
        withPage(guarded.url, '', { allowed: refused }, async (page) => {
            const token = guarded.token();
            await page.getByLabel('Token').fill(token);
            await page.getByRole('button', { name: 'Sign in' }).click();
            await rows(page).first().waitFor();
            await page.reload();
            await rows(page).first().waitFor();
            assert.ok(!page.url().includes(token));
            assert.deepStrictEqual(await page.context().cookies(), []);
            assert.strictEqual(await page.evaluate(() => localStorage.length), 0);
        }));

    test('everything works behind a prefix', async () => {
        const behind = await proxy(server.url, '/ops/cleat/');
        try {
            await withPage(behind.url, '', {}, async (page) => {
                await rows(page).first().waitFor();
                await page.getByRole('link', { name: 'Workflows', exact: true }).click();
                await page.locator('.of-workflows tbody tr').first().waitFor();
                await isAt(page, '/ops/cleat/workflows');
                await page.reload();
                await page.locator('.of-workflows tbody tr').first().waitFor();
                await page.getByRole('link', { name: 'page.durable' }).click();
                await rows(page).first().waitFor();
                await isAt(page, '/ops/cleat/runs');
                const target = () => rows(page).first().getByRole('link').evaluate((link) => link.href);
                await eventually(target, (href) => href.startsWith(`${behind.url}runs/`));
            });
        } finally {
            await behind.stop();
        }
    });

    test('colours are those of the system until somebody chooses', () =>
        withPage(server.url, '', { scheme: 'dark' }, async (page) => {
            const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
            await rows(page).first().waitFor();
            const dark = await ground();
            await page.getByRole('button', { name: 'Colours: as the system' }).click();
            await page.getByRole('button', { name: 'Colours: light' }).waitFor();
            const light = await eventually(ground, (colour) => colour !== dark);
            await page.reload();
            await rows(page).first().waitFor();
            await eventually(ground, light);
            await page.getByRole('button', { name: 'Colours: light' }).click();
            await eventually(ground, dark);
        }));

    test('a part of the pages that cannot be fetched is not called their mistake', () =>
        withPage(file.url, '', { allowed: [/run\.js/, /ERR_FAILED/] }, async (page) => {
            await rows(page).first().waitFor();
            await page.route('**/assets/run.js', (route) => route.abort());
            await rows(page).first().getByRole('link').click();
            await page.getByRole('alert').getByText('The server cannot be reached').waitFor();
        }));

    test('a file says that it is read-only', () => withPage(file.url, '', {}, async (page) => {
        await page.getByText('read-only', { exact: true }).waitFor();
        await rows(page).first().waitFor();
    }));

    test('keys: a list of them, the filter, out of it', () => withPage(server.url, '', {}, async (page) => {
        await rows(page).first().waitFor();
        await page.keyboard.press('?');
        await page.getByRole('dialog', { name: 'Keys' }).waitFor();
        await page.keyboard.press('Escape');
        await page.getByRole('dialog').waitFor({ state: 'detached' });
        await page.keyboard.press('/');
        await eventually(() => page.evaluate(() => document.activeElement.matches('[data-filter]')), true);
        await page.keyboard.type('jjx');
        await eventually(() => page.locator('[data-filter]').inputValue(), 'jjx');
        await page.keyboard.press('Escape');
        await eventually(() => page.evaluate(() => document.activeElement === document.body), true);
    }));

    test('the login fits a telephone', () => withPage(guarded.url, '', { width: 390, height: 700 }, async (page) => {
        await page.getByLabel('Token').waitFor();
        await assertFits(page);
    }));
});
