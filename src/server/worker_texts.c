#include "worker_texts.h"

#include "base/alloc.h"
#include "base/error.h"
#include "readers.h"

#include <stdlib.h>

static void note_id(void *argument, const cleat__worker_info *info)
{
    cleat__worker_texts *self = argument;
    if (self->status == CLEAT_OK && (self->wants == NULL || self->wants(self->argument, info))) {
        self->status = cleat__rest_ids_add(&self->ids, &info->id);
    }
}

static int compare_ids(const void *a, const void *b)
{
    return -memcmp(((const cleat__uuid *)a)->bytes, ((const cleat__uuid *)b)->bytes,
                   sizeof(((const cleat__uuid *)a)->bytes));
}

static void write_listed(void *argument, const cleat__worker_info *info)
{
    cleat__worker_texts *self = argument;
    const cleat__uuid *found = self->ids.count != 0 ? bsearch(&info->id, self->ids.items, self->ids.count,
                                                              sizeof(*self->ids.items), compare_ids)
                                                    : NULL;
    int64_t index = found != NULL ? found - self->ids.items - self->offset : -1;
    if (index >= 0 && index < self->limit && self->size <= CLEAT__ANSWER_MAX) {
        self->write(&self->texts[index], info);
        self->size += self->texts[index].out.size;
    }
}

cleat_status cleat__worker_texts_collect(cleat__worker_texts *self, cleat__engine *engine, int64_t tenant)
{
    cleat_status status = cleat__engine_worker_list(engine, tenant, note_id, self);
    status = status == CLEAT_OK ? self->status : status;
    self->texts = cleat__calloc((size_t)self->limit, sizeof(*self->texts));
    if (status == CLEAT_OK && self->texts == NULL) {
        status = cleat__fail_memory();
    }
    if (status != CLEAT_OK) {
        return status;
    }
    if (self->ids.count != 0) {
        qsort(self->ids.items, self->ids.count, sizeof(*self->ids.items), compare_ids);
    }
    return cleat__engine_worker_list(engine, tenant, write_listed, self);
}

void cleat__worker_texts_write(const cleat__worker_texts *self, cleat__json_writer *writer)
{
    int64_t end = self->offset + self->limit;
    for (int64_t i = self->offset; i < end && i < (int64_t)self->ids.count; i++) {
        const cleat__json_writer *text = &self->texts[i - self->offset];
        if (text->out.size != 0) { /* it went away meanwhile */
            cleat__writer_raw(writer, NULL, cleat__buffer_slice(&text->out));
        }
        writer->out.failed = writer->out.failed || text->out.failed;
    }
}

void cleat__worker_texts_deinit(cleat__worker_texts *self)
{
    for (int64_t i = 0; self->texts != NULL && i < self->limit; i++) {
        cleat__buffer_deinit(&self->texts[i].out);
    }
    cleat__free(self->texts);
    cleat__rest_ids_deinit(&self->ids);
}
