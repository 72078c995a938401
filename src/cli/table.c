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

static void measure(const cleat__table *table, int indent, int widths[])
{
    int total = indent + GAP * (table->column_count - 1);
    size_t offset = 0;
    for (int i = 0; i < table->column_count; i++) {
        widths[i] = (int)strlen(table->columns[i].title);
    }
    for (size_t i = 0; i < table->cell_count; i++) {
        cleat__style style;
        int *width = &widths[i % (size_t)table->column_count];
        int columns = cleat__text_columns(table->terminal, next_cell(table, &offset, &style));
        *width = columns > *width ? columns : *width;
    }
    for (int i = 0; i < table->column_count; i++) {
        total += widths[i];
    }
    for (int i = 0; i < table->column_count && total > table->terminal->columns; i++) {
        if (table->columns[i].flexible) {
            int width = widths[i] - (total - table->terminal->columns);
            width = width < NARROWEST_FLEXIBLE ? NARROWEST_FLEXIBLE : width;
            width = width < widths[i] ? width : widths[i];
            total -= widths[i] - width;
            widths[i] = width;
        }
    }
}

static void append_cell(cleat__buffer *line, const cleat__table *table, int column, int width,
                        cleat_slice text, cleat__style style)
{
    bool last = column + 1 == table->column_count;
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
        measure(table, indent, widths);
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
