// A list of rows, newest first, that is read page by page while new rows come at its top and rows change.

const chunkMost = 150; // rows of a page that grows: the API gives 200 at once

export class LiveList {
    constructor(kept = null) {
        this.rows = kept?.rows ?? [];
        this.chunks = kept?.chunks ?? []; // [{before, ids}]: the pages that were read, the first before null
        this.next = kept?.next ?? null;   // the cursor behind the last of them
    }

    get ids() {
        return new Set(this.rows.map((row) => row.id));
    }

    // The page behind what is there. It is left where the list has become another one since it was asked for.
    append({ rows, next }, before) {
        if (this.chunks.length > 0 && before !== this.next) {
            return;
        }
        const known = this.ids;
        const added = rows.filter((row) => !known.has(row.id));
        this.rows = [...this.rows, ...added];
        this.chunks.push({ before, ids: added.map((row) => row.id) });
        this.next = next;
    }

    // The first page once more. Rows that are no longer among its rows are gone, but for those of `pinned` (a set
    // of ids). What new rows have pushed behind it is another page from then on. False where so many rows are new that
    // the page does not reach those that are there: nothing is changed then; reset() takes it instead.
    // isKnown(id): rows it is false of are passed over, as if they were not there yet.
    refreshTop({ rows, next }, limit, pinned, isKnown = () => true) {
        const wanted = rows.filter((row) => isKnown(row.id));
        const isWhole = next === null && wanted.length === rows.length;
        const places = new Map(this.rows.map((row, index) => [row.id, index]));
        const last = Math.max(-1, ...wanted.map((row) => places.get(row.id) ?? -1));
        if (!isWhole && last < 0 && this.rows.length > 0 && wanted.length >= limit) {
            return false;
        }
        const end = isWhole ? this.rows.length : last + 1;
        this.replace(wanted, this.rows.slice(0, end), pinned, this.rows.slice(end));
        if (isWhole) {
            this.next = null;
            this.chunks = [{ before: null, ids: wanted.map((row) => row.id) }];
        } else if (next !== null) {
            this.pushDown(new Set(wanted.map((row) => row.id)), next);
        }
        return true;
    }

    // Rows of the first page that are not in `top` any more come behind the cursor `next`.
    pushDown(top, next) {
        const present = this.ids;
        const [first, second] = this.chunks;
        const pushed = first.ids.filter((id) => present.has(id) && !top.has(id));
        first.ids = [...top];
        if (pushed.length === 0) {
            return;
        }
        if (second !== undefined && second.isPushed === true && second.ids.length + pushed.length <= chunkMost) {
            second.before = next;
            second.ids.unshift(...pushed);
        } else {
            this.chunks.splice(1, 0, { before: next, ids: pushed, isPushed: true });
        }
    }

    reset({ rows, next }) {
        this.rows = rows;
        this.chunks = [{ before: null, ids: rows.map((row) => row.id) }];
        this.next = next;
    }

    // A later page once more: rows that are no longer in it are gone, as far as it reaches.
    refreshChunk(chunk, { rows, next }, pinned) {
        const fresh = new Map(rows.map((row) => [row.id, row]));
        const places = new Map(this.rows.map((row, index) => [row.id, index]));
        const last = next === null ? Infinity : this.rows.findLastIndex((row) => fresh.has(row.id));
        const gone = new Set(chunk.ids.filter((id) => places.get(id) < last && !fresh.has(id) && !pinned.has(id)));
        this.rows = this.rows.filter((row) => !gone.has(row.id)).map((row) => fresh.get(row.id) ?? row);
        chunk.ids = chunk.ids.filter((id) => !gone.has(id));
    }

    // Puts `rows` in the place of `old`, whose pinned ones stay behind the row they were behind.
    replace(rows, old, pinned, rest = []) {
        const fresh = new Set(rows.map((row) => row.id));
        const stay = old.filter((row) => pinned.has(row.id) && !fresh.has(row.id));
        const merged = [...rows];
        for (const row of stay) {
            const present = new Map(merged.map((one, index) => [one.id, index]));
            const before = old.slice(0, old.indexOf(row)).findLast((one) => present.has(one.id));
            merged.splice(before === undefined ? 0 : present.get(before.id) + 1, 0, row);
        }
        this.rows = [...merged, ...rest.filter((row) => !fresh.has(row.id))];
        if (this.chunks.length === 0) {
            this.chunks.push({ before: null, ids: [] });
        }
    }

    // The later pages that have a row of `ids` which `isOpen` still can change.
    chunksOf(ids, isOpen) {
        const open = new Set(this.rows.filter((row) => ids.has(row.id) && isOpen(row)).map((row) => row.id));
        return this.chunks.slice(1).filter((chunk) => chunk.ids.some((id) => open.has(id)));
    }
}
