/* What the viewer's handlers share. */
#ifndef CLEAT_SERVER_UI_PARTS_H
#define CLEAT_SERVER_UI_PARTS_H

#include "ui.h"

struct cleat__ui {
    struct cleat__engine *engine; /* NULL: read only */
    cleat__readers *readers;
    bool needs_token;
};

/* ---- Handlers ---- */

void cleat__ui_page_get(cleat__http_call *call);
void cleat__ui_asset_get(cleat__http_call *call);
void cleat__ui_meta_get(cleat__http_call *call);
void cleat__ui_session_get(cleat__http_call *call);

/* ---- Answers ---- */

/* As cleat__readers_answer(). */
void cleat__ui_answer(cleat__http_call *call, cleat__readers_write write, void *argument);

#endif
