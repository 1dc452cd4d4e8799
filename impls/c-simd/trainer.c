/*
 * float32 with the compiler's vectors. Activations have two forms: columns, [features][columns], where a column is one
 * position of one of the step's documents (columns.h), and rows in panels (rows.h). The forward pass works on columns, the
 * backward pass on rows, attention on columns in both. Numbers of features are padded with zeros.
 */
#include "../c/trainer.h"

#include <stdlib.h>
#include <string.h>

#include "attention.h"
#include "parameters.h"
#include "rows.h"
#include "vector.h"

/* What a product does with what it has computed, and how many of its outputs are computed at once. */
typedef enum { STORE_ONLY, ADD, RELU } after;
#define OUTPUTS 8

#define VECTOR_LANES WIDE
#include "columns.h"
#undef VECTOR_LANES
#if TILE < WIDE
#define VECTOR_LANES TILE
#include "columns.h"
#undef VECTOR_LANES
/* Calls the variant for this number of columns: most names fit into a tile. */
#define COLUMNWISE(name, ...) (trainer->columns == TILE ? name##_tile(TILE, __VA_ARGS__) : name##_wide(trainer->columns, __VA_ARGS__))
#else
#define COLUMNWISE(name, ...) (name##_wide(trainer->columns, __VA_ARGS__))
#endif

/* What the backward pass needs of one layer's forward pass. */
typedef struct {
    float *attn_norm, *attn_norm_scale, *qkv, *attn_out, *mlp_norm, *mlp_norm_scale, *hidden;
    float *attn_weights; /* one document's after the other's */
} layer;

/* Columns of one document's positions. */
typedef struct {
    int first, n;
    const int32_t *tokens;
} document;

struct trainer {
    const task *task;
    long long first_document; /* of step 0 */
    int step;
    int features, hidden_features, vocabulary; /* n_embd, 4 n_embd and vocab_size, padded */
    parameter_layout layout;
    float *parameters, *m, *v, *gradients;
    layer *layers;

    /* This step's documents, side by side without gaps. */
    document *documents;
    int positions, columns;       /* columns: positions, padded */
    float *share, *sums, *maxima; /* [columns] */

    float *x, *logits;                 /* columns */
    float *embedding, *embedding_scale; /* rows */
    float *rows;                       /* rows of whatever a product needs */
    float *dlogits, *dx, *dbranch, *dhidden, *dqkv; /* rows */
    float *dattn_out_columns, *dqkv_columns;
    float *dwte; /* and, behind it, the gradient of wpe */
};

/* Zeros, aligned to a cache line. */
static float *floats(size_t count) {
    const size_t line = 64;
    char *memory = calloc(count * sizeof(float) + line, 1);
    if (memory == NULL) abort();
    return (float *)(memory + (line - (uintptr_t)memory % line));
}

static void transpose(const float *from, size_t from_stride, float *to, size_t to_stride) {
    tile rows[TILE], columns[TILE];
    load_rows(from, from_stride, rows);
    transpose_tile(rows, columns);
    store_rows(columns, to, to_stride);
}

static void to_rows(const trainer *trainer, int features, const float *from, float *to) {
    const int columns = trainer->columns;
    for (int i = 0; i < features; i += TILE) {
        float *panel = to + (size_t)(i / WIDE) * columns * WIDE + i % WIDE;
        for (int c = 0; c < columns; c += TILE) transpose(from + (size_t)i * columns + c, columns, panel + (size_t)c * WIDE, WIDE);
    }
}

static void to_columns(const trainer *trainer, int features, const float *from, float *to) {
    const int columns = trainer->columns;
    for (int i = 0; i < features; i += TILE) {
        const float *panel = from + (size_t)(i / WIDE) * columns * WIDE + i % WIDE;
        for (int c = 0; c < columns; c += TILE) transpose(panel + (size_t)c * WIDE, WIDE, to + (size_t)i * columns + c, columns);
    }
}

/* Lays the next step's documents side by side. Attention may write a whole tile beyond the last one's beginning. */
static void lay_columns(trainer *trainer) {
    const task *task = trainer->task;
    int positions = 0, columns = 0;
    for (int b = 0; b < task->batch; b++) {
        const int d = (int)((trainer->first_document + (long long)trainer->step * task->batch + b) % task->documents);
        const int n = task->offsets[d + 1] - task->offsets[d] - 1;
        trainer->documents[b] = (document){positions, n, task->tokens + task->offsets[d]};
        columns = positions + (n + TILE - 1) / TILE * TILE;
        for (int t = 0; t < n; t++) trainer->share[positions + t] = 1.0f / (float)n / (float)task->batch;
        positions += n;
    }
    trainer->positions = positions;
    trainer->columns = columns == TILE ? TILE : (columns + WIDE - 1) / WIDE * WIDE;
    memset(trainer->share + positions, 0, (size_t)(trainer->columns - positions) * sizeof(float));
}

/* embedding = rmsnorm(wte[token] + wpe[position]), and x */
static void embed(trainer *trainer) {
    const int features = trainer->features, columns = trainer->columns;
    const float *wte = trainer->parameters + trainer->layout.wte.at, *wpe = trainer->parameters + trainer->layout.wpe.at;
    float *embedding = trainer->embedding;
    for (int i = 0; i < features; i += WIDE, embedding += (size_t)columns * WIDE) {
        for (int b = 0; b < trainer->task->batch; b++) {
            const document *document = &trainer->documents[b];
            for (int t = 0; t < document->n; t++) {
                const wide token = load_wide(wte + (size_t)document->tokens[t] * features + i);
                store_wide(embedding + (size_t)(document->first + t) * WIDE, token + load_wide(wpe + (size_t)t * features + i));
            }
        }
        memset(embedding + (size_t)trainer->positions * WIDE, 0, (size_t)(columns - trainer->positions) * WIDE * sizeof(float));
    }
    rmsnorm_rows(trainer->positions, columns, features, trainer->task->n_embd, trainer->embedding, trainer->embedding_scale);
    to_columns(trainer, features, trainer->embedding, trainer->x);
}

static attention_shape shape_of(const trainer *trainer, int b) {
    const task *task = trainer->task;
    return (attention_shape){trainer->columns, trainer->documents[b].first, trainer->documents[b].n, task->n_head, task->n_embd / task->n_head};
}

/* Attention's columns have rows for n_embd features: zeros in the padding, where the step before left what its own layout had there. */
static void clear_padding(const trainer *trainer, float *columns) {
    const int n_embd = trainer->task->n_embd, padding = trainer->features - n_embd;
    memset(columns + (size_t)n_embd * trainer->columns, 0, (size_t)padding * trainer->columns * sizeof(float));
}

/* Runs the step's documents forwards; returns their loss, and leaves share · softmax in the logits. */
static double forward(trainer *trainer) {
    const task *task = trainer->task;
    const parameter_layout *layout = &trainer->layout;
    const int features = trainer->features, hidden = trainer->hidden_features, columns = trainer->columns, n_embd = task->n_embd;
    const float *parameters = trainer->parameters;
    const size_t stream = (size_t)features * columns;
    float *x = trainer->x;
    embed(trainer);
    for (int i = 0; i < task->n_layer; i++) {
        const layer *layer = &trainer->layers[i];
        const layer_matrices *w = &layout->layers[i];
        COLUMNWISE(rmsnorm, features, n_embd, x, layer->attn_norm, layer->attn_norm_scale);
        COLUMNWISE(linear, 3 * features, features, parameters + w->attn_wq.at, layer->attn_norm, layer->qkv);
        clear_padding(trainer, layer->attn_out);
        float *weights = layer->attn_weights;
        for (int b = 0; b < task->batch; b++) {
            const attention_shape shape = shape_of(trainer, b);
            attend(shape, layer->qkv, layer->qkv + stream, layer->qkv + 2 * stream, weights, layer->attn_out);
            weights += attention_floats(shape);
        }
        COLUMNWISE(linear_add, features, features, parameters + w->attn_wo.at, layer->attn_out, x);

        COLUMNWISE(rmsnorm, features, n_embd, x, layer->mlp_norm, layer->mlp_norm_scale);
        COLUMNWISE(linear_relu, hidden, features, parameters + w->mlp_fc1.at, layer->mlp_norm, layer->hidden);
        COLUMNWISE(linear_add, features, hidden, parameters + w->mlp_fc2.at, layer->hidden, x);
    }
    COLUMNWISE(linear, trainer->vocabulary, features, parameters + layout->lm_head.at, x, trainer->logits);

    double loss = 0;
    for (int b = 0; b < task->batch; b++) {
        const document *document = &trainer->documents[b];
        for (int t = 0; t < document->n; t++) {
            const int c = document->first + t;
            loss -= (double)trainer->share[c] * trainer->logits[(size_t)document->tokens[t + 1] * columns + c];
        }
    }
    COLUMNWISE(softmax, task->vocab_size, trainer->logits, trainer->share, trainer->sums, trainer->maxima);
    for (int c = 0; c < trainer->positions; c++) loss += (double)trainer->share[c] * (logf(trainer->sums[c]) + trainer->maxima[c]);
    return loss;
}

/* Runs backwards from what `forward` left. Each matrix is updated as soon as nothing needs its old numbers any more. */
static void backward(trainer *trainer, const update_target *target) {
    const task *task = trainer->task;
    const parameter_layout *layout = &trainer->layout;
    const int n_embd = task->n_embd, features = trainer->features, hidden = trainer->hidden_features, vocabulary = trainer->vocabulary;
    const int positions = trainer->positions, columns = trainer->columns;
    const size_t stream = (size_t)features * columns;
    float *rows = trainer->rows, *dx = trainer->dx, *dbranch = trainer->dbranch, *dhidden = trainer->dhidden;

    to_rows(trainer, vocabulary, trainer->logits, trainer->dlogits);
    for (int b = 0; b < task->batch; b++) {
        const document *document = &trainer->documents[b];
        for (int t = 0; t < document->n; t++) {
            const int c = document->first + t, token = document->tokens[t + 1];
            trainer->dlogits[((size_t)(token / WIDE) * columns + c) * WIDE + token % WIDE] -= trainer->share[c];
        }
    }
    to_rows(trainer, features, trainer->x, rows);
    linear_backward(target, layout->lm_head.at, positions, columns, task->vocab_size, vocabulary, features, trainer->dlogits, rows, dx, 0);

    for (int i = task->n_layer - 1; i >= 0; i--) {
        const layer *layer = &trainer->layers[i];
        const layer_matrices *w = &layout->layers[i];
        to_rows(trainer, hidden, layer->hidden, rows);
        linear_backward(target, w->mlp_fc2.at, positions, columns, n_embd, features, hidden, dx, rows, dhidden, 1);
        to_rows(trainer, features, layer->mlp_norm, rows);
        linear_backward(target, w->mlp_fc1.at, positions, columns, 4 * n_embd, hidden, features, dhidden, rows, dbranch, 0);
        rmsnorm_backward(positions, columns, features, n_embd, rows, layer->mlp_norm_scale, dbranch, dx);

        to_rows(trainer, features, layer->attn_out, rows);
        linear_backward(target, w->attn_wo.at, positions, columns, n_embd, features, features, dx, rows, dbranch, 0);
        to_columns(trainer, features, dbranch, trainer->dattn_out_columns);
        float *dq = trainer->dqkv_columns, *dk = dq + stream, *dv = dk + stream;
        clear_padding(trainer, dq);
        clear_padding(trainer, dk);
        clear_padding(trainer, dv);
        const float *weights = layer->attn_weights;
        for (int b = 0; b < task->batch; b++) {
            const attention_shape shape = shape_of(trainer, b);
            attend_backward(shape, layer->qkv, layer->qkv + stream, layer->qkv + 2 * stream, weights, trainer->dattn_out_columns, dq, dk, dv);
            weights += attention_floats(shape);
        }
        to_rows(trainer, 3 * features, dq, trainer->dqkv);
        to_rows(trainer, features, layer->attn_norm, rows);
        linear_backward(target, w->attn_wq.at, positions, columns, 3 * features, 3 * features, features, trainer->dqkv, rows, dbranch, 0);
        rmsnorm_backward(positions, columns, features, n_embd, rows, layer->attn_norm_scale, dbranch, dx);
    }

    memset(dbranch, 0, stream * sizeof(float));
    rmsnorm_backward(positions, columns, features, n_embd, trainer->embedding, trainer->embedding_scale, dx, dbranch);
    const size_t embeddings = (size_t)(task->vocab_size + task->block_size) * features;
    memset(trainer->dwte, 0, embeddings * sizeof(float));
    for (int b = 0; b < task->batch; b++) {
        const document *document = &trainer->documents[b];
        for (int t = 0; t < document->n; t++) {
            const float *row = dbranch + (size_t)(document->first + t) * WIDE;
            float *token = trainer->dwte + (size_t)document->tokens[t] * features;
            float *position = trainer->dwte + (size_t)(task->vocab_size + t) * features;
            for (int i = 0; i < features; i += WIDE, row += (size_t)columns * WIDE) {
                store_wide(token + i, load_wide(token + i) + load_wide(row));
                store_wide(position + i, load_wide(position + i) + load_wide(row));
            }
        }
    }
    update_with(target, layout->wte.at, embeddings, trainer->dwte);
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
            .rate = (float)(rate * 0.15 / (1 - pow(0.85, trainer->step))),
            .root_factor = (float)sqrt(0.01 / (1 - pow(0.99, trainer->step))),
        };
        backward(trainer, &adam);
    }
}

trainer *create_trainer(const task *task, const char **unsupported) {
    if (task->block_size > LONGEST_BLOCK) {
        *unsupported = "keeps attention of all positions at once: no blocks longer than 1024";
        return NULL;
    }
    trainer *created = calloc(1, sizeof *created);
    if (created == NULL) abort();
    const int features = padded(task->n_embd), hidden = padded(4 * task->n_embd), vocabulary = padded(task->vocab_size);
    created->task = task;
    created->features = features;
    created->hidden_features = hidden;
    created->vocabulary = vocabulary;
    created->layout = lay_out_parameters(task);
    created->parameters = floats(created->layout.count);
    created->m = floats(created->layout.count);
    created->v = floats(created->layout.count);
    created->gradients = floats(created->layout.count);

    const size_t block = (size_t)padded(task->block_size), columns = (size_t)padded(task->block_size * task->batch) + PADDING;
    const size_t stream = (size_t)features * columns;
    created->layers = calloc((size_t)task->n_layer, sizeof *created->layers);
    created->documents = calloc((size_t)task->batch, sizeof *created->documents);
    if (created->layers == NULL || created->documents == NULL) abort();
    for (int i = 0; i < task->n_layer; i++) {
        layer *layer = &created->layers[i];
        layer->attn_norm = floats(stream);
        layer->attn_norm_scale = floats(columns);
        layer->qkv = floats(3 * stream);
        layer->attn_weights = floats((size_t)task->batch * task->n_head * block * block);
        layer->attn_out = floats(stream);
        layer->mlp_norm = floats(stream);
        layer->mlp_norm_scale = floats(columns);
        layer->hidden = floats((size_t)hidden * columns);
    }
    created->share = floats(columns);
    created->sums = floats(columns);
    created->maxima = floats(columns);
    created->x = floats(stream);
    created->logits = floats((size_t)vocabulary * columns);
    created->embedding = floats(stream);
    created->embedding_scale = floats(columns);
    created->rows = floats((size_t)hidden * columns);
    created->dlogits = floats((size_t)vocabulary * columns);
    created->dx = floats(stream);
    created->dbranch = floats(stream);
    created->dhidden = floats((size_t)hidden * columns);
    created->dqkv = floats(3 * stream);
    created->dattn_out_columns = floats(stream);
    created->dqkv_columns = floats(3 * stream);
    created->dwte = floats((size_t)(task->vocab_size + task->block_size) * features);
    reset_trainer(created, 0);
    return created;
}

void reset_trainer(trainer *trainer, long long first_document) {
    pad_parameters(&trainer->layout, trainer->task->parameters, trainer->parameters);
    memset(trainer->m, 0, trainer->layout.count * sizeof(float));
    memset(trainer->v, 0, trainer->layout.count * sizeof(float));
    trainer->first_document = first_document;
    trainer->step = 0;
}

void copy_parameters(const trainer *trainer, double *parameters) { unpad_parameters(&trainer->layout, trainer->parameters, parameters); }

void compute_gradient(trainer *trainer, double *gradient) {
    const update_target target = {.parameters = trainer->parameters, .gradients = trainer->gradients};
    lay_columns(trainer);
    forward(trainer);
    backward(trainer, &target);
    unpad_parameters(&trainer->layout, trainer->gradients, gradient);
}
