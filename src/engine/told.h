/*
 * What is to be told to those who look on, once it is committed. Whom something cannot be told, for want of
 * memory, is cut off: told CLEAT__HAPPENING_LOST, which takes none, and nothing more.
 */
#ifndef CLEAT_ENGINE_TOLD_H
#define CLEAT_ENGINE_TOLD_H

#include "engine/watch.h"

typedef struct cleat__told cleat__told;

typedef struct cleat__told_queue {
    cleat__told *head, **end;
    cleat__watch *cut; /* to be told that they are */
} cleat__told_queue;
void cleat__told_init(cleat__told_queue *queue);
void cleat__told_deinit(cleat__told_queue *queue); /* tells nobody anything */

/* The payload of one happening, which is copied once for all who are told. */
typedef struct cleat__told_payload cleat__told_payload;
/* `*payload` is NULL before the first, and to be dropped behind the last. */
void cleat__told_add(cleat__told_queue *queue, cleat__watch *watch, const cleat__happening *happening,
                     cleat__told_payload **payload);
void cleat__told_payload_drop(cleat__told_payload *payload); /* NULL-safe */

void cleat__told_cut(cleat__told_queue *queue, cleat__watch *watch);
/* The watch is not told anything any more. */
void cleat__told_forget(cleat__told_queue *queue, cleat__watch *watch);
/* Tells all. */
void cleat__told_release(cleat__told_queue *queue, int64_t at_ms);
void cleat__told_tell_lost(cleat__watch *watch, int64_t at_ms);

#endif
