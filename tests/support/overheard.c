#include "support/overheard.h"

#include <cleat/status.h>

#include <stdio.h>
#include <string.h>

static void hear(void *user_data, cleat_log_level level, const char *message)
{
    overheard *it = user_data;
    (void)level;
    if (strstr(message, it->word) == NULL) {
        return;
    }
    pthread_mutex_lock(&it->lines.mutex);
    size_t size = strlen(it->text);
    (void)snprintf(it->text + size, sizeof(it->text) - size, "%s\n", message);
    pthread_mutex_unlock(&it->lines.mutex);
    (void)gate_add(&it->lines);
}

void overhear(overheard *it, const char *word)
{
    it->word = word;
    it->text[0] = '\0';
    gate_init(&it->lines);
    cleat_log_set_handler(hear, it, CLEAT_LOG_WARN);
}

int overheard_end(overheard *it)
{
    cleat_log_set_handler(NULL, NULL, CLEAT_LOG_WARN);
    int count = gate_count(&it->lines);
    gate_deinit(&it->lines);
    return count;
}
