// Links of a waterfall as curves, from the span that links to the one it links to. Those of the rows in sight only, and
// all of one colour and kind as one path, so that thousands cost little. Nothing here touches the page.

const edge = 24; // px that what is out of sight lies beyond the edge
const most = 4000;

const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

// Leaves the linking span's start to the left, and arrives at the other from above or below: there at the time when the
// one began, if it was still going on, else at its end.
export function curve(from, to, half) {
    const side = to.y < from.y ? half : -half;
    const end = to.y + side;
    const bend = clamp(Math.abs(from.x - to.x) * 0.5 + 6, 8, 48);
    const x = (value) => value.toFixed(1);
    return `M${x(from.x)} ${x(from.y)}C${x(from.x - bend)} ${x(from.y)} ${x(to.x)} ${x((from.y + end) / 2)} ${x(to.x)} ${x(end)}`;
}

export class LinkPicture {
    constructor(picture, rows, scale, { rowHeight, barHeight }) {
        Object.assign(this, { picture, rows, scale, rowHeight, half: barHeight / 2 });
    }

    // Where a link lies, in px below row 0; null where both ends are in one row.
    ends(link) {
        const { picture, rows, scale, rowHeight } = this;
        const from = picture.linkFrom[link];
        const to = picture.linkTo[link];
        if (from < 0 || to < 0 || rows.rowOf[from] === rows.rowOf[to] || rows.rowOf[from] < 0 || rows.rowOf[to] < 0) {
            return null;
        }
        const x = (ns) => clamp(scale.x(ns), -edge, scale.width + edge);
        const start = picture.start[from];
        return {
            from: { x: x(start), y: (rows.rowOf[from] + 0.5) * rowHeight },
            to: { x: x(clamp(start, picture.start[to], picture.end[to])), y: (rows.rowOf[to] + 0.5) * rowHeight },
        };
    }

    path(link, top) {
        const ends = this.ends(link);
        if (ends === null) {
            return null;
        }
        ends.from.y -= top;
        ends.to.y -= top;
        return { ...ends, d: curve(ends.from, ends.to, this.half) };
    }

    // Of rows first .. last - 1: {paths: [{colour, isOrigin, leaves (to rows out of sight), d}],
    // count, cut}. `except`: a span whose links are drawn apart.
    // withOrigins: also those to where all of it began, which are many and say little.
    inWindow(first, last, except = -1, withOrigins = true) {
        const { picture, rows } = this;
        const parts = new Map();
        let count = 0;
        let cut = 0;
        for (let link = 0; link < picture.linkFrom.length; link++) {
            const from = picture.linkFrom[link];
            const to = picture.linkTo[link];
            if (to < 0 || from < 0 || from === except || to === except) {
                continue;
            }
            const fromRow = rows.rowOf[from];
            const toRow = rows.rowOf[to];
            const isFromThere = fromRow >= first && fromRow < last;
            const isToThere = toRow >= first && toRow < last;
            if (!isFromThere && !isToThere) {
                continue;
            }
            const isOrigin = picture.view.links[link][2] === 'origin';
            if (isOrigin && !withOrigins) {
                continue;
            }
            const path = count < most ? this.path(link, first * this.rowHeight) : null;
            if (path === null) {
                cut += count >= most ? 1 : 0;
                continue;
            }
            count++;
            const colour = picture.bands[picture.band[from]].colour;
            const leaves = !isFromThere || !isToThere;
            const key = colour * 4 + (isOrigin ? 2 : 0) + (leaves ? 1 : 0);
            const part = parts.get(key) ?? { colour, isOrigin, leaves, pieces: [] };
            part.pieces.push(path.d);
            parts.set(key, part);
        }
        const paths = [...parts.values()].map(({ pieces, ...part }) => ({ ...part, d: pieces.join('') }));
        return { paths, count, cut };
    }

    // Those of one span, each for itself: [{link, isFrom, d, from, to}].
    ofSpan(span, first) {
        const { picture } = this;
        const found = [];
        for (const [list, isFrom] of [[picture.linksFrom(span), true], [picture.linksTo(span), false]]) {
            for (const link of list.subarray(0, most)) {
                const path = this.path(link, first * this.rowHeight);
                if (path !== null) {
                    found.push({ link, isFrom, ...path });
                }
            }
        }
        return found;
    }
}

// Whether a span has links that lead out of the picture, or come from there.
export function outside(picture, span) {
    let out = 0;
    for (const link of picture.linksFrom(span)) {
        out += picture.linkTo[link] < 0 ? 1 : 0;
    }
    return { out, back: Math.max(0, picture.backLinks[span] - picture.linksTo(span).length) };
}
