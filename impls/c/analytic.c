/*
 * The model's gradients written out by hand, in float64, one matrix for all positions of a document.
 * Activations are [positions][features], row by row; weights [outputs][inputs], as in the task.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "trainer.h"

/* Matrices of one layer inside the flat parameters (or their gradient). */
typedef struct {
    size_t attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2;
} layer_offsets;

/* What the backward pass needs of one layer's forward pass. */
typedef struct {
    double *attn_norm, *attn_scale; /* input of attention [n][n_embd], and what rmsnorm multiplied by [n] */
    attention attention;
    double *mlp_norm, *mlp_scale; /* input of the MLP */
    double *hidden;           /* after relu [n][4 n_embd] */
} layer_activations;

struct trainer {
    const task *task;
    long long first_document; /* of step 0 */
    int step;
    double *parameters, *gradient, *m, *v; /* [parameter_count] */
    size_t wpe, lm_head;                   /* offsets; wte is at 0 */
    layer_offsets *offsets;                /* [n_layer] */
    layer_activations *layers;             /* [n_layer] */
    double *embedding_scale;                /* of the rmsnorm behind the embedding [n] */
    double *embedding;                      /* its output [n][n_embd] */
    double *x;                             /* residual stream [n][n_embd] */
    double *logits;                        /* then probabilities, then their gradient [n][vocab_size] */
    double *dx, *dbranch, *dq, *dk, *dv;   /* [n][n_embd] */
    double *dhidden;                       /* [n][4 n_embd] */
};

static double *numbers(size_t count) {
    double *memory = calloc(count, sizeof *memory);
    if (memory == NULL) abort();
    return memory;
}

/* Runs one document forwards and returns the sum of its positions' losses; logits hold the probabilities afterwards. */
static double forward(trainer *trainer, int n, const int32_t *tokens) {
    const int n_embd = trainer->task->n_embd, n_head = trainer->task->n_head, vocab_size = trainer->task->vocab_size;
    const double *parameters = trainer->parameters;
    double *x = trainer->x, *branch = trainer->dbranch;
    for (int t = 0; t < n; t++) {
        const double *token = parameters + (size_t)tokens[t] * n_embd, *position = parameters + trainer->wpe + (size_t)t * n_embd;
        for (int i = 0; i < n_embd; i++) branch[(size_t)t * n_embd + i] = token[i] + position[i];
    }
    rmsnorm(n, n_embd, branch, trainer->embedding, trainer->embedding_scale);
    memcpy(x, trainer->embedding, (size_t)n * n_embd * sizeof *x);

    for (int i = 0; i < trainer->task->n_layer; i++) {
        const layer_activations *layer = &trainer->layers[i];
        const layer_offsets *at = &trainer->offsets[i];
        rmsnorm(n, n_embd, x, layer->attn_norm, layer->attn_scale);
        linear(n, n_embd, n_embd, parameters + at->attn_wq, layer->attn_norm, layer->attention.q);
        linear(n, n_embd, n_embd, parameters + at->attn_wk, layer->attn_norm, layer->attention.k);
        linear(n, n_embd, n_embd, parameters + at->attn_wv, layer->attn_norm, layer->attention.v);
        attend(n, n_head, n_embd / n_head, &layer->attention);
        linear(n, n_embd, n_embd, parameters + at->attn_wo, layer->attention.attn_out, branch);
        add((size_t)n * n_embd, branch, x);

        rmsnorm(n, n_embd, x, layer->mlp_norm, layer->mlp_scale);
        linear(n, 4 * n_embd, n_embd, parameters + at->mlp_fc1, layer->mlp_norm, layer->hidden);
        for (size_t j = 0; j < (size_t)n * 4 * n_embd; j++) layer->hidden[j] = layer->hidden[j] > 0 ? layer->hidden[j] : 0;
        linear(n, n_embd, 4 * n_embd, parameters + at->mlp_fc2, layer->hidden, branch);
        add((size_t)n * n_embd, branch, x);
    }

    linear(n, vocab_size, n_embd, parameters + trainer->lm_head, x, trainer->logits);
    double loss = 0;
    for (int t = 0; t < n; t++) {
        double *logits = trainer->logits + (size_t)t * vocab_size;
        softmax(vocab_size, logits);
        loss -= log(logits[tokens[t + 1]]);
    }
    return loss;
}

/* Adds the gradient of `share` times the sum of the losses that `forward` just computed to trainer->gradient. */
static void backward(trainer *trainer, int n, const int32_t *tokens, double share) {
    const int n_embd = trainer->task->n_embd, n_head = trainer->task->n_head, vocab_size = trainer->task->vocab_size;
    const size_t stream = (size_t)n * n_embd;
    const double *parameters = trainer->parameters;
    double *gradient = trainer->gradient, *dx = trainer->dx, *dbranch = trainer->dbranch, *dhidden = trainer->dhidden;
    double *dlogits = trainer->logits;
    for (int t = 0; t < n; t++) dlogits[(size_t)t * vocab_size + tokens[t + 1]] -= 1;
    for (size_t i = 0; i < (size_t)n * vocab_size; i++) dlogits[i] *= share;
    memset(dx, 0, stream * sizeof *dx);
    linear_backward(n, vocab_size, n_embd, parameters + trainer->lm_head, trainer->x, dlogits, dx, gradient + trainer->lm_head);

    for (int i = trainer->task->n_layer - 1; i >= 0; i--) {
        const layer_activations *layer = &trainer->layers[i];
        const layer_offsets *at = &trainer->offsets[i];
        memset(dhidden, 0, 4 * stream * sizeof *dhidden);
        linear_backward(n, n_embd, 4 * n_embd, parameters + at->mlp_fc2, layer->hidden, dx, dhidden, gradient + at->mlp_fc2);
        for (size_t j = 0; j < 4 * stream; j++) dhidden[j] = layer->hidden[j] > 0 ? dhidden[j] : 0;
        memset(dbranch, 0, stream * sizeof *dbranch);
        linear_backward(n, 4 * n_embd, n_embd, parameters + at->mlp_fc1, layer->mlp_norm, dhidden, dbranch, gradient + at->mlp_fc1);
        rmsnorm_backward(n, n_embd, layer->mlp_norm, layer->mlp_scale, dbranch, dx);

        memset(dbranch, 0, stream * sizeof *dbranch);
        linear_backward(n, n_embd, n_embd, parameters + at->attn_wo, layer->attention.attn_out, dx, dbranch, gradient + at->attn_wo);
        attend_backward(n, n_head, n_embd / n_head, &layer->attention, dbranch, trainer->dq, trainer->dk, trainer->dv);
        memset(dbranch, 0, stream * sizeof *dbranch);
        linear_backward(n, n_embd, n_embd, parameters + at->attn_wq, layer->attn_norm, trainer->dq, dbranch, gradient + at->attn_wq);
        linear_backward(n, n_embd, n_embd, parameters + at->attn_wk, layer->attn_norm, trainer->dk, dbranch, gradient + at->attn_wk);
        linear_backward(n, n_embd, n_embd, parameters + at->attn_wv, layer->attn_norm, trainer->dv, dbranch, gradient + at->attn_wv);
        rmsnorm_backward(n, n_embd, layer->attn_norm, layer->attn_scale, dbranch, dx);
    }

    memset(dbranch, 0, stream * sizeof *dbranch);
    rmsnorm_backward(n, n_embd, trainer->embedding, trainer->embedding_scale, dx, dbranch);
    for (int t = 0; t < n; t++) {
        add((size_t)n_embd, dbranch + (size_t)t * n_embd, gradient + (size_t)tokens[t] * n_embd);
        add((size_t)n_embd, dbranch + (size_t)t * n_embd, gradient + trainer->wpe + (size_t)t * n_embd);
    }
}

/* Fills trainer->gradient for the next step's documents and returns their loss. */
static double loss_and_gradient(trainer *trainer) {
    const task *task = trainer->task;
    memset(trainer->gradient, 0, (size_t)task->parameter_count * sizeof *trainer->gradient);
    double loss = 0;
    for (int b = 0; b < task->batch; b++) {
        const int document = (int)((trainer->first_document + (long long)trainer->step * task->batch + b) % task->documents);
        const int32_t *tokens = task->tokens + task->offsets[document];
        const int n = task->offsets[document + 1] - task->offsets[document] - 1;
        const double share = 1.0 / n / task->batch;
        loss += share * forward(trainer, n, tokens);
        backward(trainer, n, tokens, share);
    }
    return loss;
}

static void adam(trainer *trainer) {
    const int step = trainer->step;
    const double rate = trainer->task->learning_rate * (1 - (double)step / trainer->task->num_steps);
    const double m_correction = 1 / (1 - pow(0.85, step + 1)), v_correction = 1 / (1 - pow(0.99, step + 1));
    double *restrict parameters = trainer->parameters, *restrict m = trainer->m, *restrict v = trainer->v;
    const double *restrict gradient = trainer->gradient;
    for (int i = 0; i < trainer->task->parameter_count; i++) {
        m[i] = 0.85 * m[i] + 0.15 * gradient[i];
        v[i] = 0.99 * v[i] + 0.01 * gradient[i] * gradient[i];
        parameters[i] -= rate * (m[i] * m_correction) / (sqrt(v[i] * v_correction) + 1e-8);
    }
    trainer->step++;
}

trainer *create_trainer(const task *task, const char **unsupported) {
    (void)unsupported;
    const size_t n = (size_t)task->block_size, n_embd = (size_t)task->n_embd, stream = n * n_embd, count = (size_t)task->parameter_count;
    trainer *created = malloc(sizeof *created);
    if (created == NULL) abort();
    *created = (trainer){
        .task = task,
        .parameters = numbers(count), .gradient = numbers(count), .m = numbers(count), .v = numbers(count),
        .wpe = (size_t)task->vocab_size * n_embd,
        .lm_head = ((size_t)task->vocab_size + n) * n_embd,
        .offsets = malloc((size_t)task->n_layer * sizeof(layer_offsets)),
        .layers = malloc((size_t)task->n_layer * sizeof(layer_activations)),
        .embedding_scale = numbers(n), .embedding = numbers(stream), .x = numbers(stream),
        .logits = numbers(n * (size_t)task->vocab_size),
        .dx = numbers(stream), .dbranch = numbers(stream), .dq = numbers(stream), .dk = numbers(stream), .dv = numbers(stream),
        .dhidden = numbers(4 * stream),
    };
    if (created->offsets == NULL || created->layers == NULL) abort();
    const size_t square = n_embd * n_embd;
    size_t at = created->lm_head + (size_t)task->vocab_size * n_embd;
    for (int i = 0; i < task->n_layer; i++, at += 12 * square) {
        created->offsets[i] = (layer_offsets){at, at + square, at + 2 * square, at + 3 * square, at + 4 * square, at + 8 * square};
        created->layers[i] = (layer_activations){
            .attn_norm = numbers(stream), .attn_scale = numbers(n),
            .attention = {
                .q = numbers(stream), .k = numbers(stream), .v = numbers(stream),
                .weights = numbers((size_t)task->n_head * n * n), .attn_out = numbers(stream),
            },
            .mlp_norm = numbers(stream), .mlp_scale = numbers(n), .hidden = numbers(4 * stream),
        };
    }
    reset_trainer(created, 0);
    return created;
}

void reset_trainer(trainer *trainer, long long first_document) {
    const size_t bytes = (size_t)trainer->task->parameter_count * sizeof(double);
    memcpy(trainer->parameters, trainer->task->parameters, bytes);
    memset(trainer->m, 0, bytes);
    memset(trainer->v, 0, bytes);
    trainer->first_document = first_document;
    trainer->step = 0;
}

void train(trainer *trainer, int steps, double *losses) {
    for (int i = 0; i < steps; i++) {
        losses[i] = loss_and_gradient(trainer);
        adam(trainer);
    }
}

void copy_parameters(const trainer *trainer, double *parameters) {
    memcpy(parameters, trainer->parameters, (size_t)trainer->task->parameter_count * sizeof *parameters);
}

void compute_gradient(trainer *trainer, double *gradient) {
    loss_and_gradient(trainer);
    memcpy(gradient, trainer->gradient, (size_t)trainer->task->parameter_count * sizeof *gradient);
}
