/*
 * float32 with the compiler's vectors. All positions of a step's documents are columns of one matrix of activations
 * [features][columns]; numbers of features are padded with zeros to a multiple of 16.
 */
#include "../c/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "attention.h"
#include "update.h"
#include "vector.h"

#define LANES 8
#include "columns.h"
#undef LANES
#define LANES 16
#include "columns.h"

/* Documents are names or lines: beyond this the weights of attention would take more memory than they are worth. */
#define LONGEST_BLOCK 1024

/* Calls the variant for this number of columns: most names fit into eight. */
#define COLUMNWISE(name, ...) (trainer->columns == 8 ? name##_8(8, __VA_ARGS__) : name##_16(trainer->columns, __VA_ARGS__))

/* A matrix in the padded parameters, and where its numbers are in the task's. */
typedef struct {
    int rows, inputs;   /* as in the model */
    int padded_inputs;  /* floats from row to row */
    size_t at, task_at; /* of its first number */
} matrix;

typedef struct {
    matrix wq, wk, wv, wo, fc1, fc2; /* the rows of wq, wk and wv, padded, follow each other: one matrix of three times as many */
    float *normed1, *scale1, *qkv, *mixed, *normed2, *scale2, *hidden;
    float *attention; /* one document's weights after the other's */
} layer;

struct trainer {
    const task *task;
    long long first_document; /* of step 0 */
    int step;
    int features, wide, vocabulary; /* n_embd, 4 n_embd and vocab_size, padded */
    matrix wte, wpe, lm_head;
    layer *layers;
    size_t parameter_count; /* padded */
    float *parameters, *m, *v, *gradients;

    /* The documents of this step. */
    segment *segments;
    const int32_t **tokens;
    int columns;
    float *share, *sums, *maxima; /* [columns] */
    float *embedded, *embedded_scale, *x, *branch, *dqkv, *dhidden, *logits;
    float *dx;
    float *rows;        /* activations transposed, [columns][features] */
    float *dembeddings; /* gradient of wte and wpe */
};

static int padded(int size) { return (size + 15) / 16 * 16; }

/* Zeros, aligned to a cache line. */
static float *floats(size_t count) {
    const size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
    float *memory = aligned_alloc(64, bytes);
    if (memory == NULL) abort();
    return memset(memory, 0, bytes);
}

/* to[column][feature] = from[feature][column] */
static void to_rows(int features, int columns, const float *from, float *to) {
    for (int c = 0; c < columns; c += 8) {
        for (int i = 0; i < features; i += 8) transpose8(from + (size_t)i * columns + c, columns, to + (size_t)c * features + i, features);
    }
}

/* Lays the next step's documents side by side, each from a multiple of eight on. */
static void lay_columns(trainer *trainer) {
    const task *task = trainer->task;
    int columns = 0;
    for (int b = 0; b < task->batch; b++) {
        const int document = (int)((trainer->first_document + (long long)trainer->step * task->batch + b) % task->documents);
        const int n = task->offsets[document + 1] - task->offsets[document] - 1;
        trainer->segments[b] = (segment){columns, n};
        trainer->tokens[b] = task->tokens + task->offsets[document];
        columns += (n + 7) / 8 * 8;
    }
    trainer->columns = columns == 8 ? 8 : padded(columns);
    memset(trainer->share, 0, (size_t)trainer->columns * sizeof(float));
    for (int b = 0; b < task->batch; b++) {
        const segment document = trainer->segments[b];
        for (int t = 0; t < document.n; t++) trainer->share[document.first + t] = 1.0f / (float)document.n / (float)task->batch;
    }
}

/* x[feature][column] of the embeddings' sums; columns that hold no position are zero. */
static void embed(trainer *trainer) {
    const int features = trainer->features, columns = trainer->columns;
    memset(trainer->rows, 0, (size_t)features * columns * sizeof(float));
    for (int b = 0; b < trainer->task->batch; b++) {
        for (int t = 0; t < trainer->segments[b].n; t++) {
            const float *token = trainer->parameters + trainer->wte.at + (size_t)trainer->tokens[b][t] * features;
            const float *position = trainer->parameters + trainer->wpe.at + (size_t)t * features;
            float *row = trainer->rows + (size_t)(trainer->segments[b].first + t) * features;
            for (int i = 0; i < features; i += 16) store16(row + i, load16(token + i) + load16(position + i));
        }
    }
    for (int c = 0; c < columns; c += 8) {
        for (int i = 0; i < features; i += 8) transpose8(trainer->rows + (size_t)c * features + i, features, trainer->branch + (size_t)i * columns + c, columns);
    }
}

static attention_shape shape_of(const trainer *trainer, int b) {
    const task *task = trainer->task;
    return (attention_shape){trainer->columns, trainer->segments[b].first, trainer->segments[b].n, task->n_head, task->n_embd / task->n_head};
}

/* Floats that one document's attention keeps. */
static size_t attention_floats(const trainer *trainer, int b) {
    const size_t n = (size_t)(trainer->segments[b].n + 7) / 8 * 8;
    return (size_t)trainer->task->n_head * n * n;
}

/* Runs the step's documents forwards; returns their loss, and leaves share · softmax in the logits. */
static double forward(trainer *trainer) {
    const task *task = trainer->task;
    const int features = trainer->features, columns = trainer->columns, n_embd = task->n_embd;
    const float *parameters = trainer->parameters;
    const size_t stream = (size_t)features * columns;
    float *x = trainer->x;
    embed(trainer);
    COLUMNWISE(rmsnorm, features, n_embd, trainer->branch, trainer->embedded, trainer->embedded_scale);
    memcpy(x, trainer->embedded, stream * sizeof(float));
    for (int i = 0; i < task->n_layer; i++) {
        const layer *layer = &trainer->layers[i];
        COLUMNWISE(rmsnorm, features, n_embd, x, layer->normed1, layer->scale1);
        COLUMNWISE(linear, 3 * features, features, parameters + layer->wq.at, layer->normed1, layer->qkv);
        /* Attention writes n_embd rows. The layout differs from step to step, so the padding rows hold whatever lay there before. */
        memset(layer->mixed + (size_t)n_embd * columns, 0, (size_t)(features - n_embd) * columns * sizeof(float));
        float *weights = layer->attention;
        for (int b = 0; b < task->batch; b++) {
            attend(shape_of(trainer, b), layer->qkv, layer->qkv + stream, layer->qkv + 2 * stream, weights, layer->mixed);
            weights += attention_floats(trainer, b);
        }
        COLUMNWISE(linear, features, features, parameters + layer->wo.at, layer->mixed, trainer->branch);
        COLUMNWISE(add, features, trainer->branch, x);

        COLUMNWISE(rmsnorm, features, n_embd, x, layer->normed2, layer->scale2);
        COLUMNWISE(linear, trainer->wide, features, parameters + layer->fc1.at, layer->normed2, layer->hidden);
        COLUMNWISE(relu, trainer->wide, layer->hidden);
        COLUMNWISE(linear, features, trainer->wide, parameters + layer->fc2.at, layer->hidden, trainer->branch);
        COLUMNWISE(add, features, trainer->branch, x);
    }
    COLUMNWISE(linear, trainer->vocabulary, features, parameters + trainer->lm_head.at, x, trainer->logits);

    double loss = 0;
    for (int b = 0; b < task->batch; b++) {
        for (int t = 0; t < trainer->segments[b].n; t++) {
            const int c = trainer->segments[b].first + t;
            loss -= (double)trainer->share[c] * trainer->logits[(size_t)trainer->tokens[b][t + 1] * columns + c];
        }
    }
    COLUMNWISE(softmax, task->vocab_size, trainer->logits, trainer->share, trainer->sums, trainer->maxima);
    for (int b = 0; b < task->batch; b++) {
        for (int c = trainer->segments[b].first; c < trainer->segments[b].first + trainer->segments[b].n; c++) {
            loss += (double)trainer->share[c] * (logf(trainer->sums[c]) + trainer->maxima[c]);
        }
    }
    return loss;
}

/* Hands the gradient of a matrix to the target, from its outputs' gradient and its inputs. */
static void update(trainer *trainer, const update_target *target, const matrix *matrix, const float *dy) {
    update_matrix(target, matrix->at, matrix->rows, matrix->padded_inputs, trainer->segments, trainer->task->batch, trainer->columns, dy, trainer->rows);
}

/* Runs backwards from what `forward` left. Each matrix is updated as soon as nothing needs its old numbers any more. */
static void backward(trainer *trainer, const update_target *target) {
    const task *task = trainer->task;
    const int features = trainer->features, wide = trainer->wide, columns = trainer->columns, n_embd = task->n_embd;
    const float *parameters = trainer->parameters;
    const size_t stream = (size_t)features * columns;
    float *dx = trainer->dx, *dbranch = trainer->branch, *dlogits = trainer->logits;
    for (int b = 0; b < task->batch; b++) {
        for (int t = 0; t < trainer->segments[b].n; t++) {
            const int c = trainer->segments[b].first + t;
            dlogits[(size_t)trainer->tokens[b][t + 1] * columns + c] -= trainer->share[c];
        }
    }
    COLUMNWISE(linear_backward, task->vocab_size, features, parameters + trainer->lm_head.at, dlogits, dx);
    to_rows(features, columns, trainer->x, trainer->rows);
    update(trainer, target, &trainer->lm_head, dlogits);

    for (int i = task->n_layer - 1; i >= 0; i--) {
        const layer *layer = &trainer->layers[i];
        COLUMNWISE(linear_backward, n_embd, wide, parameters + layer->fc2.at, dx, trainer->dhidden);
        COLUMNWISE(relu_backward, wide, layer->hidden, trainer->dhidden);
        to_rows(wide, columns, layer->hidden, trainer->rows);
        update(trainer, target, &layer->fc2, dx);
        COLUMNWISE(linear_backward, 4 * n_embd, features, parameters + layer->fc1.at, trainer->dhidden, dbranch);
        to_rows(features, columns, layer->normed2, trainer->rows);
        update(trainer, target, &layer->fc1, trainer->dhidden);
        COLUMNWISE(rmsnorm_backward, features, n_embd, layer->normed2, layer->scale2, dbranch, dx);

        COLUMNWISE(linear_backward, n_embd, features, parameters + layer->wo.at, dx, dbranch);
        to_rows(features, columns, layer->mixed, trainer->rows);
        update(trainer, target, &layer->wo, dx);
        float *dq = trainer->dqkv, *dk = dq + stream, *dv = dk + stream;
        for (int part = 0; part < 3; part++) {
            memset(trainer->dqkv + part * stream + (size_t)n_embd * columns, 0, (size_t)(features - n_embd) * columns * sizeof(float));
        }
        const float *weights = layer->attention;
        for (int b = 0; b < task->batch; b++) {
            attend_backward(shape_of(trainer, b), layer->qkv, layer->qkv + stream, layer->qkv + 2 * stream, weights, dbranch, dq, dk, dv);
            weights += attention_floats(trainer, b);
        }
        COLUMNWISE(linear_backward, 3 * features, features, parameters + layer->wq.at, trainer->dqkv, dbranch);
        to_rows(features, columns, layer->normed1, trainer->rows);
        update(trainer, target, &layer->wq, dq);
        update(trainer, target, &layer->wk, dk);
        update(trainer, target, &layer->wv, dv);
        COLUMNWISE(rmsnorm_backward, features, n_embd, layer->normed1, layer->scale1, dbranch, dx);
    }

    memset(dbranch, 0, stream * sizeof(float));
    COLUMNWISE(rmsnorm_backward, features, n_embd, trainer->embedded, trainer->embedded_scale, dx, dbranch);
    to_rows(features, columns, dbranch, trainer->rows);
    const size_t embeddings = (size_t)(task->vocab_size + task->block_size) * features;
    memset(trainer->dembeddings, 0, embeddings * sizeof(float));
    for (int b = 0; b < task->batch; b++) {
        for (int t = 0; t < trainer->segments[b].n; t++) {
            const float *row = trainer->rows + (size_t)(trainer->segments[b].first + t) * features;
            float *token = trainer->dembeddings + (size_t)trainer->tokens[b][t] * features;
            float *position = trainer->dembeddings + (size_t)(task->vocab_size + t) * features;
            for (int i = 0; i < features; i += 16) {
                store16(token + i, load16(token + i) + load16(row + i));
                store16(position + i, load16(position + i) + load16(row + i));
            }
        }
    }
    update_with(target, trainer->wte.at, embeddings, trainer->dembeddings);
}

void train(trainer *trainer, int steps, double *losses) {
    const task *task = trainer->task;
    for (int i = 0; i < steps; i++) {
        lay_columns(trainer);
        losses[i] = forward(trainer);
        const double rate = task->learning_rate * (1 - (double)trainer->step / task->num_steps);
        trainer->step++;
        const update_target adam = {
            .parameters = trainer->parameters,
            .m = trainer->m,
            .v = trainer->v,
            .rate = (float)(rate / (1 - pow(0.85, trainer->step))),
            .root_factor = (float)(1 / sqrt(1 - pow(0.99, trainer->step))),
        };
        backward(trainer, &adam);
    }
}

/* Takes the next padded rows for a matrix, and its numbers in the task. */
static matrix take(trainer *trainer, size_t *task_at, int rows, int inputs, int padded_rows) {
    const matrix taken = {rows, inputs, padded(inputs), trainer->parameter_count, *task_at};
    trainer->parameter_count += (size_t)padded_rows * taken.padded_inputs;
    *task_at += (size_t)rows * inputs;
    return taken;
}

/* Calls `visit` for every matrix, in the order of the task. */
static void each_matrix(const trainer *trainer, void (*visit)(const matrix *matrix, float *numbers, double *task_numbers), float *numbers, double *task_numbers) {
    visit(&trainer->wte, numbers, task_numbers);
    visit(&trainer->wpe, numbers, task_numbers);
    visit(&trainer->lm_head, numbers, task_numbers);
    for (int i = 0; i < trainer->task->n_layer; i++) {
        const layer *layer = &trainer->layers[i];
        const matrix *matrices[] = {&layer->wq, &layer->wk, &layer->wv, &layer->wo, &layer->fc1, &layer->fc2};
        for (int j = 0; j < 6; j++) visit(matrices[j], numbers, task_numbers);
    }
}

static void from_task(const matrix *matrix, float *numbers, double *task_numbers) {
    for (int o = 0; o < matrix->rows; o++) {
        for (int i = 0; i < matrix->inputs; i++) {
            numbers[matrix->at + (size_t)o * matrix->padded_inputs + i] = (float)task_numbers[matrix->task_at + (size_t)o * matrix->inputs + i];
        }
    }
}

static void to_task(const matrix *matrix, float *numbers, double *task_numbers) {
    for (int o = 0; o < matrix->rows; o++) {
        for (int i = 0; i < matrix->inputs; i++) {
            task_numbers[matrix->task_at + (size_t)o * matrix->inputs + i] = numbers[matrix->at + (size_t)o * matrix->padded_inputs + i];
        }
    }
}

trainer *create_trainer(const task *task, const char **unsupported) {
    if (task->block_size > LONGEST_BLOCK) {
        *unsupported = "keeps attention of all positions at once: no blocks longer than 1024";
        return NULL;
    }
    trainer *created = calloc(1, sizeof *created);
    if (created == NULL) abort();
    const int n_embd = task->n_embd, features = padded(n_embd), wide = padded(4 * n_embd), vocabulary = padded(task->vocab_size);
    created->task = task;
    created->features = features;
    created->wide = wide;
    created->vocabulary = vocabulary;
    size_t at = 0;
    created->wte = take(created, &at, task->vocab_size, n_embd, task->vocab_size);
    created->wpe = take(created, &at, task->block_size, n_embd, task->block_size);
    created->lm_head = take(created, &at, task->vocab_size, n_embd, vocabulary);

    const size_t block = (size_t)(task->block_size + 7) / 8 * 8, columns = (size_t)padded((int)block * task->batch);
    const size_t stream = (size_t)features * columns;
    created->layers = calloc((size_t)task->n_layer, sizeof *created->layers);
    created->segments = calloc((size_t)task->batch, sizeof *created->segments);
    created->tokens = calloc((size_t)task->batch, sizeof *created->tokens);
    if (created->layers == NULL || created->segments == NULL || created->tokens == NULL) abort();
    for (int i = 0; i < task->n_layer; i++) {
        layer *layer = &created->layers[i];
        layer->wq = take(created, &at, n_embd, n_embd, features);
        layer->wk = take(created, &at, n_embd, n_embd, features);
        layer->wv = take(created, &at, n_embd, n_embd, features);
        layer->wo = take(created, &at, n_embd, n_embd, features);
        layer->fc1 = take(created, &at, 4 * n_embd, n_embd, wide);
        layer->fc2 = take(created, &at, n_embd, 4 * n_embd, features);
        layer->normed1 = floats(stream);
        layer->scale1 = floats(columns);
        layer->qkv = floats(3 * stream);
        layer->attention = floats((size_t)task->batch * task->n_head * block * block);
        layer->mixed = floats(stream);
        layer->normed2 = floats(stream);
        layer->scale2 = floats(columns);
        layer->hidden = floats((size_t)wide * columns);
    }
    created->parameters = floats(created->parameter_count);
    created->m = floats(created->parameter_count);
    created->v = floats(created->parameter_count);
    created->gradients = floats(created->parameter_count);
    created->share = floats(columns);
    created->sums = floats(columns);
    created->maxima = floats(columns);
    created->embedded = floats(stream);
    created->embedded_scale = floats(columns);
    created->x = floats(stream);
    created->branch = floats(stream);
    created->dx = floats(stream);
    created->dqkv = floats(3 * stream);
    created->dhidden = floats((size_t)wide * columns);
    created->logits = floats((size_t)vocabulary * columns);
    created->rows = floats((size_t)wide * columns);
    created->dembeddings = floats((size_t)(task->vocab_size + task->block_size) * features);
    reset_trainer(created, 0);
    return created;
}

void reset_trainer(trainer *trainer, long long first_document) {
    each_matrix(trainer, from_task, trainer->parameters, trainer->task->parameters);
    memset(trainer->m, 0, trainer->parameter_count * sizeof(float));
    memset(trainer->v, 0, trainer->parameter_count * sizeof(float));
    trainer->first_document = first_document;
    trainer->step = 0;
}

void copy_parameters(const trainer *trainer, double *parameters) { each_matrix(trainer, to_task, trainer->parameters, parameters); }

void compute_gradient(trainer *trainer, double *gradient) {
    const update_target target = {.gradients = trainer->gradients};
    lay_columns(trainer);
    forward(trainer);
    backward(trainer, &target);
    each_matrix(trainer, to_task, trainer->gradients, gradient);
}
