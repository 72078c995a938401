'use strict';
// A browser that is slow on purpose, for whoever looks for a test that reads too early: with CLEAT_VIEWER_SLOW=20 the
// pages' processor is 20 times slower, each frame comes 150 ms late, and each answer to a fetch up to 300 ms.

const times = Number(process.env.CLEAT_VIEWER_SLOW ?? 0);
const isSlow = times > 0;

// What runs in each page before its own scripts.
function holdBack() {
    const frames = new Map();
    const ask = window.requestAnimationFrame.bind(window);
    const giveUp = window.cancelAnimationFrame.bind(window);
    let last = 0;
    window.requestAnimationFrame = (callback) => {
        const id = ++last;
        const timer = setTimeout(() => {
            frames.set(id, () => giveUp(frame));
            const frame = ask((time) => {
                frames.delete(id);
                callback(time);
            });
        }, 150);
        frames.set(id, () => clearTimeout(timer));
        return id;
    };
    window.cancelAnimationFrame = (id) => {
        frames.get(id)?.();
        frames.delete(id);
    };
    const fetchNow = window.fetch.bind(window);
    const someTime = () => new Promise((done) => { setTimeout(done, Math.random() * 150); });
    window.fetch = async (...request) => {
        await someTime();
        const response = await fetchNow(...request);
        await someTime();
        return response;
    };
}

// Of a page that nothing was opened in yet.
async function makeSlow(page) {
    if (isSlow) {
        await page.addInitScript(holdBack);
        const session = await page.context().newCDPSession(page);
        await session.send('Emulation.setCPUThrottlingRate', { rate: times });
    }
}

module.exports = { isSlow, makeSlow };
