#include "task.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Noreturn void refuse(const char *format, ...) {
    va_list values;
    va_start(values, format);
    vfprintf(stderr, format, values);
    va_end(values);
    fputc('\n', stderr);
    exit(2);
}

static const char *flag(int argument_count, char **arguments, const char *name) {
    for (int i = 1; i + 1 < argument_count; i += 2) {
        if (strcmp(arguments[i], name) == 0) return arguments[i + 1];
    }
    refuse("%s is missing", name);
}

static int positive(int argument_count, char **arguments, const char *name) {
    const char *text = flag(argument_count, arguments, name);
    char *end;
    const long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 1 || value > INT32_MAX) refuse("%s wants a positive whole number, not '%s'", name, text);
    return (int)value;
}

/* The whole file as elements of `size` bytes, and how many they are. The files are little-endian, as are the machines this runs on. */
static void *read_file(const char *path, size_t size, int *count) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) refuse("cannot open %s", path);
    fseek(file, 0, SEEK_END);
    const long bytes = ftell(file);
    rewind(file);
    if (bytes <= 0 || (size_t)bytes % size != 0) refuse("%s: %ld bytes are not a whole number of %zu-byte elements", path, bytes, size);
    void *elements = malloc((size_t)bytes);
    if (elements == NULL || fread(elements, 1, (size_t)bytes, file) != (size_t)bytes) refuse("cannot read %s", path);
    fclose(file);
    *count = (int)((size_t)bytes / size);
    return elements;
}

task read_task(int argument_count, char **arguments) {
    task t = {
        .vocab_size = positive(argument_count, arguments, "--vocab-size"),
        .n_embd = positive(argument_count, arguments, "--n-embd"),
        .n_head = positive(argument_count, arguments, "--n-head"),
        .n_layer = positive(argument_count, arguments, "--n-layer"),
        .block_size = positive(argument_count, arguments, "--block-size"),
        .batch = positive(argument_count, arguments, "--batch"),
        .num_steps = positive(argument_count, arguments, "--num-steps"),
        .learning_rate = atof(flag(argument_count, arguments, "--learning-rate")),
    };
    if (t.n_embd % t.n_head != 0) refuse("--n-embd %d is not divisible by --n-head %d", t.n_embd, t.n_head);

    int token_count, offset_count;
    t.tokens = read_file(flag(argument_count, arguments, "--tokens"), sizeof *t.tokens, &token_count);
    t.offsets = read_file(flag(argument_count, arguments, "--offsets"), sizeof *t.offsets, &offset_count);
    t.documents = offset_count - 1;
    if (t.documents < 1 || t.offsets[t.documents] != token_count) refuse("offsets and tokens do not fit together");
    for (int d = 0; d < t.documents; d++) {
        const int length = t.offsets[d + 1] - t.offsets[d];
        if (length < 2 || length > t.block_size + 1) refuse("document %d has %d tokens, not 2 to %d", d, length, t.block_size + 1);
    }
    for (int i = 0; i < token_count; i++) {
        if (t.tokens[i] < 0 || t.tokens[i] >= t.vocab_size) refuse("token %d is %d, outside the vocabulary", i, t.tokens[i]);
    }

    t.parameters = read_file(flag(argument_count, arguments, "--parameters"), sizeof *t.parameters, &t.parameter_count);
    const int expected = t.n_embd * (2 * t.vocab_size + t.block_size + 12 * t.n_layer * t.n_embd);
    if (t.parameter_count != expected) refuse("--parameters has %d numbers, this model %d", t.parameter_count, expected);
    return t;
}
