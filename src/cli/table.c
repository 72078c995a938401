#include "table.h"

enum { GAP = 2, NARROWEST_FLEXIBLE = 8 };

/* In `cells`, followed by `size` bytes of text. */
typedef struct cell {
    uint32_t size;
    uint32_t style;
} cell;

void cleat__table_init(cleat__table *table, const cleat__terminal *terminal, const cleat__column *columns,
                       int column_count)
{
    memset(table, 0, sizeof(*table));
    table->terminal = terminal;
    table->columns = columns;
    table->column_count = column_count;
}

void cleat__table_add(cleat__table *table, cleat_slice text, cleat__style style)
{
    cell header = {(uint32_t)text.size, (uint32_t)style};
    cleat__buffer_append(&table->cells, &header, sizeof(header));
    cleat__buffer_append_slice(&table->cells, text);
    table->cell_count++;
}

void cleat__table_add_string(cleat__table *table, const char *text)
{
    cleat__table_add(table, cleat_slice_of(text), CLEAT__STYLE_NONE);
}

static cleat_slice next_cell(const cleat__table *table, size_t *offset, cleat__style *style)
{
    cell header;
    memcpy(&header, table->cells.data + *offset, sizeof(header));
    cleat_slice text = {(const char *)table->cells.data + *offset + sizeof(header), header.size};
    *offset += sizeof(header) + header.size;
    *style = (cleat__style)header.style;
    return text;
}

static void measure(const cleat__table *table, int widths[])
{
    size_t offset = 0;
    for (int i = 0; i < table->column_count; i++) {
        widths[i] = cleat__text_columns(table->terminal, cleat_slice_of(table->columns[i].title));
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        cleat__style style;
        int *width = &widths[i % (size_t)table->column_count];
        int columns = cleat__text_columns(table->terminal, next_cell(table, &offset, &style));
        *width = columns > *width ? columns : *width;
    }
}

/* ---- What gives way ---- */

/* In `widths`: the column is left out. */
enum { LEFT_OUT = -1 };

/* How many columns of the terminal it is too wide. */
static int excess(const cleat__table *table, int indent, const int widths[])
{
    int total = indent - GAP;
    for (int i = 0; i < table->column_count; i++) {
        total += widths[i] != LEFT_OUT ? widths[i] + GAP : 0;
    }
    return total - table->terminal->columns;
}

/* The widest column that may be cut, and how wide the next one is; -1: none may. */
static int find_widest(const cleat__table *table, const int widths[], int *next)
{
    int widest = -1;
    *next = NARROWEST_FLEXIBLE;
    for (int i = 0; i < table->column_count; i++) {
        if (!table->columns[i].flexible || widths[i] <= NARROWEST_FLEXIBLE) {
            continue;
        }
        if (widest < 0 || widths[i] > widths[widest]) {
            *next = widest >= 0 ? widths[widest] : *next;
            widest = i;
        } else if (widths[i] > *next) {
            *next = widths[i];
        }
    }
    return widest;
}

static void cut(const cleat__table *table, int indent, int widths[])
{
    int over, next, widest;
    while ((over = excess(table, indent, widths)) > 0 && (widest = find_widest(table, widths, &next)) >= 0) {
        int least = widths[widest] - over;
        int step = next < widths[widest] ? next : widths[widest] - 1; /* as wide as another: in turns */
        widths[widest] = least > step ? least : step;
    }
}

/* False: no column may be. */
static bool leave_out(const cleat__table *table, int widths[])
{
    int found = -1;
    for (int i = 0; i < table->column_count; i++) {
        bool is_more = table->columns[i].spare > (found >= 0 ? table->columns[found].spare : 0);
        found = widths[i] != LEFT_OUT && is_more ? i : found;
    }
    if (found >= 0) {
        widths[found] = LEFT_OUT;
    }
    return found >= 0;
}

static void fit(const cleat__table *table, int indent, int widths[])
{
    int whole[CLEAT__TABLE_COLUMNS_MAX];
    measure(table, whole);
    do {
        memcpy(widths, whole, sizeof(whole[0]) * (size_t)table->column_count);
        cut(table, indent, widths);
    } while (excess(table, indent, widths) > 0 && leave_out(table, whole));
}

/* ---- Printing ---- */

static void append_cell(cleat__buffer *line, const cleat__table *table, int column, int width,
                        cleat_slice text, cleat__style style)
{
    bool last = column + 1 == table->column_count;
    if (width == LEFT_OUT) {
        return;
    }
    cleat__align align = table->columns[column].align;
    if (style != CLEAT__STYLE_NONE) {
        cleat__buffer_append_string(line, cleat__style_code(table->terminal, style));
    }
    if (last && align == CLEAT__ALIGN_LEFT && cleat__text_columns(table->terminal, text) <= width) {
        cleat__text_append(line, table->terminal, text); /* no blanks at the end of a line */
    } else {
        cleat__text_append_fit(line, table->terminal, text, width, align);
    }
    if (style != CLEAT__STYLE_NONE) {
        cleat__buffer_append_string(line, cleat__style_code(table->terminal, CLEAT__STYLE_NONE));
    }
    if (!last) {
        cleat__text_append_blanks(line, GAP);
    }
}

static void end_line(cleat__buffer *line)
{
    while (line->size > 0 && line->data[line->size - 1] == ' ') {
        line->size--;
    }
    cleat__buffer_append_byte(line, '\n');
}

static void append_header(cleat__buffer *line, const cleat__table *table, int indent, const int widths[])
{
    cleat__text_append_blanks(line, indent);
    for (int i = 0; i < table->column_count; i++) {
        append_cell(line, table, i, widths[i], cleat_slice_of(table->columns[i].title), CLEAT__STYLE_DIM);
    }
    end_line(line);
}

void cleat__table_append(cleat__table *table, cleat__buffer *out, int indent)
{
    int widths[CLEAT__TABLE_COLUMNS_MAX];
    size_t offset = 0;
    if (table->cells.failed) {
        out->failed = true;
    } else {
        fit(table, indent, widths);
        append_header(out, table, indent, widths);
    }
    for (size_t i = 0; !table->cells.failed && i < table->cell_count; i++) {
        int column = (int)(i % (size_t)table->column_count);
        cleat__style style;
        cleat_slice text = next_cell(table, &offset, &style);
        if (column == 0) {
            cleat__text_append_blanks(out, indent);
        }
        append_cell(out, table, column, widths[column], text, style);
        if (column + 1 == table->column_count) {
            end_line(out);
        }
    }
    cleat__buffer_deinit(&table->cells);
}
