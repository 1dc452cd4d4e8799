#include "parameters.h"

#include <stdlib.h>

#include "vector.h"

int padded(int size) { return (size + PADDING - 1) / PADDING * PADDING; }

/* Takes the next numbers of the task for a matrix that begins at `at` and has so many floats from panel to panel and row to row. */
static matrix take(size_t *task_at, int outputs, int inputs, size_t at, size_t panel, size_t row) {
    const matrix taken = {outputs, inputs, at, panel, row, *task_at};
    *task_at += (size_t)outputs * inputs;
    return taken;
}

parameter_layout lay_out_parameters(const task *task) {
    const int n_embd = task->n_embd, features = padded(n_embd);
    parameter_layout layout = {.layers = calloc((size_t)task->n_layer, sizeof *layout.layers), .layer_count = task->n_layer};
    if (layout.layers == NULL) abort();
    size_t at = 0, task_at = 0;
    layout.wte = take(&task_at, task->vocab_size, n_embd, at, WIDE, (size_t)features);
    at += (size_t)task->vocab_size * features;
    layout.wpe = take(&task_at, task->block_size, n_embd, at, WIDE, (size_t)features);
    at += (size_t)task->block_size * features;

#define TAKE_PANELS(outputs, inputs, rows) take(&task_at, outputs, inputs, at, (size_t)(rows) * WIDE, WIDE)
    layout.lm_head = TAKE_PANELS(task->vocab_size, n_embd, padded(task->vocab_size));
    at += (size_t)padded(task->vocab_size) * features;
    for (int i = 0; i < task->n_layer; i++) {
        layer_matrices *layer = &layout.layers[i];
        layer->attn_wq = TAKE_PANELS(n_embd, n_embd, 3 * features);
        layer->attn_wk = TAKE_PANELS(n_embd, n_embd, 3 * features);
        layer->attn_wk.at += (size_t)features * WIDE;
        layer->attn_wv = TAKE_PANELS(n_embd, n_embd, 3 * features);
        layer->attn_wv.at += 2 * (size_t)features * WIDE;
        at += 3 * (size_t)features * features;
        layer->attn_wo = TAKE_PANELS(n_embd, n_embd, features);
        at += (size_t)features * features;
        layer->mlp_fc1 = TAKE_PANELS(4 * n_embd, n_embd, padded(4 * n_embd));
        at += (size_t)padded(4 * n_embd) * features;
        layer->mlp_fc2 = TAKE_PANELS(n_embd, 4 * n_embd, features);
        at += (size_t)features * padded(4 * n_embd);
    }
#undef TAKE_PANELS
    layout.count = at;
    return layout;
}

static size_t place(const matrix *matrix, int output, int input) {
    return matrix->at + (size_t)(input / WIDE) * matrix->panel + (size_t)output * matrix->row + (size_t)(input % WIDE);
}

static void pad(const matrix *matrix, const double *task_numbers, float *numbers) {
    const double *from = task_numbers + matrix->task_at;
    for (int o = 0; o < matrix->outputs; o++) {
        for (int i = 0; i < matrix->inputs; i++) numbers[place(matrix, o, i)] = (float)from[(size_t)o * matrix->inputs + i];
    }
}

static void unpad(const matrix *matrix, const float *numbers, double *task_numbers) {
    double *to = task_numbers + matrix->task_at;
    for (int o = 0; o < matrix->outputs; o++) {
        for (int i = 0; i < matrix->inputs; i++) to[(size_t)o * matrix->inputs + i] = numbers[place(matrix, o, i)];
    }
}

#define FOR_EACH_MATRIX(DO, ...)                                                                  \
    DO(&layout->wte, __VA_ARGS__);                                                                \
    DO(&layout->wpe, __VA_ARGS__);                                                                \
    DO(&layout->lm_head, __VA_ARGS__);                                                            \
    for (int i = 0; i < layout->layer_count; i++) {                                               \
        const layer_matrices *l = &layout->layers[i];                                             \
        const matrix *matrices[] = {&l->attn_wq, &l->attn_wk, &l->attn_wv, &l->attn_wo, &l->mlp_fc1, &l->mlp_fc2}; \
        for (int j = 0; j < 6; j++) DO(matrices[j], __VA_ARGS__);                                 \
    }

void pad_parameters(const parameter_layout *layout, const double *task_numbers, float *numbers) {
    FOR_EACH_MATRIX(pad, task_numbers, numbers)
}

void unpad_parameters(const parameter_layout *layout, const float *numbers, double *task_numbers) {
    FOR_EACH_MATRIX(unpad, numbers, task_numbers)
}
