// A list of rows, newest first, that is read page by page while new rows come at its top and rows change.

export class LiveList {
    constructor(kept = null) {
        this.rows = kept?.rows ?? [];
        this.chunks = kept?.chunks ?? []; // [{before, ids}]: the pages that were read, the first before null
        this.next = kept?.next ?? null;   // the cursor behind the last of them
    }

    get ids() {
        return new Set(this.rows.map((row) => row.id));
    }

    // The page behind what is there.
    append({ rows, next }, before) {
        const known = this.ids;
        const added = rows.filter((row) => !known.has(row.id));
        this.rows = [...this.rows, ...added];
        this.chunks.push({ before, ids: added.map((row) => row.id) });
        this.next = next;
    }

    // The first page once more. Rows that are no longer among its rows are gone, but for those of `pinned` (a set
    // of ids). False where so many rows are new that the page does not reach those that are there: nothing is
    // changed then; reset() takes it instead.
    refreshTop({ rows, next }, limit, pinned) {
        const places = new Map(this.rows.map((row, index) => [row.id, index]));
        const last = Math.max(-1, ...rows.map((row) => places.get(row.id) ?? -1));
        if (next === null) {
            this.replace(rows, this.rows, pinned);
            this.next = null;
            return true;
        }
        if (last < 0 && this.rows.length > 0 && rows.length >= limit) {
            return false;
        }
        this.replace(rows, this.rows.slice(0, last + 1), pinned, this.rows.slice(last + 1));
        return true;
    }

    reset({ rows, next }) {
        this.rows = rows;
        this.chunks = [{ before: null, ids: rows.map((row) => row.id) }];
        this.next = next;
    }

    // A later page once more: rows that are no longer in it are gone, where it is whole.
    refreshChunk(chunk, { rows, next }, pinned) {
        const fresh = new Map(rows.map((row) => [row.id, row]));
        const isWhole = rows.length >= chunk.ids.length || next === null;
        const gone = new Set(isWhole ? chunk.ids.filter((id) => !fresh.has(id) && !pinned.has(id)) : []);
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
