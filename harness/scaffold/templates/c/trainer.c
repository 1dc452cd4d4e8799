/* Trains by recording every step on a tape. Plain and slow: replace its parts one at a time, and check after each. */
#include "trainer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tape.h"

struct trainer {
    const task *task;
    long long first_document; /* of step 0 */
    int step;
    double *parameters, *gradient, *m, *v; /* [parameter_count] */
};

/* One layer at one position: x is a vector of the residual stream, keys and values those of the positions so far. */
static node layer(const task *task, node weights, node x, int position, node *keys, node *values) {
    const int n_embd = task->n_embd, size = n_embd / task->n_head, square = n_embd * n_embd;
    const node attn_norm = rmsnorm(n_embd, x);
    const node q = linear(n_embd, n_embd, weights, attn_norm);
    keys[position] = linear(n_embd, n_embd, weights + square, attn_norm);
    values[position] = linear(n_embd, n_embd, weights + 2 * square, attn_norm);

    node attn_weights[task->n_head];
    for (int head = 0; head < task->n_head; head++) {
        const node scores = dot(size, q + head * size, keys[0] + head * size);
        for (int j = 1; j <= position; j++) dot(size, q + head * size, keys[j] + head * size);
        attn_weights[head] = softmax(position + 1, scores, 1 / sqrt(size));
    }
    node attn_out = 0;
    for (int i = 0; i < n_embd; i++) {
        double sum = 0;
        for (int j = 0; j <= position; j++) {
            const node weight = attn_weights[i / size] + j, value = values[j] + i;
            sum += value_of(weight) * value_of(value);
            derivative(weight, value_of(value));
            derivative(value, value_of(weight));
        }
        const node made = record(sum);
        if (i == 0) attn_out = made;
    }
    x = sum_of(n_embd, linear(n_embd, n_embd, weights + 3 * square, attn_out), x);

    const node mlp_norm = rmsnorm(n_embd, x);
    const node hidden = relu(4 * n_embd, linear(4 * n_embd, n_embd, weights + 4 * square, mlp_norm));
    return sum_of(n_embd, linear(n_embd, 4 * n_embd, weights + 8 * square, hidden), x);
}

/* Records `share` times the loss of one position. */
static node position_loss(const task *task, const int32_t *tokens, int position, node *keys, node *values, double share) {
    const int n_embd = task->n_embd;
    const node wpe = task->vocab_size * n_embd, lm_head = wpe + task->block_size * n_embd;
    const node layers = lm_head + task->vocab_size * n_embd;
    node x = rmsnorm(n_embd, sum_of(n_embd, tokens[position] * n_embd, wpe + position * n_embd));
    for (int i = 0; i < task->n_layer; i++) {
        x = layer(task, layers + i * 12 * n_embd * n_embd, x, position, keys + i * task->block_size, values + i * task->block_size);
    }
    const node logits = linear(task->vocab_size, n_embd, lm_head, x);
    const node target = softmax(task->vocab_size, logits, 1) + tokens[position + 1];
    derivative(target, -share / value_of(target));
    return record(-share * log(value_of(target)));
}

/* Fills trainer->gradient for the next step's documents and returns their loss. */
static double loss_and_gradient(trainer *trainer) {
    const task *task = trainer->task;
    clear_tape();
    for (int i = 0; i < task->parameter_count; i++) record(trainer->parameters[i]);
    const size_t cache = (size_t)task->n_layer * (size_t)task->block_size * sizeof(node);
    node *keys = malloc(cache), *values = malloc(cache), *losses = malloc((size_t)task->batch * task->block_size * sizeof(node));
    if (keys == NULL || values == NULL || losses == NULL) abort();

    int count = 0;
    for (int b = 0; b < task->batch; b++) {
        const int document = (int)((trainer->first_document + (long long)trainer->step * task->batch + b) % task->documents);
        const int32_t *tokens = task->tokens + task->offsets[document];
        const int n = task->offsets[document + 1] - task->offsets[document] - 1;
        for (int t = 0; t < n; t++) losses[count++] = position_loss(task, tokens, t, keys, values, 1.0 / n / task->batch);
    }
    double loss = 0;
    for (int i = 0; i < count; i++) {
        loss += value_of(losses[i]);
        derivative(losses[i], 1);
    }
    gradient_of(record(loss), task->parameter_count, trainer->gradient);
    free(keys);
    free(values);
    free(losses);
    return loss;
}

trainer *create_trainer(const task *task, const char **unsupported) {
    (void)unsupported;
    trainer *created = malloc(sizeof *created);
    double *memory = malloc(4 * (size_t)task->parameter_count * sizeof *memory);
    if (created == NULL || memory == NULL) abort();
    const int count = task->parameter_count;
    *created = (trainer){task, 0, 0, memory, memory + count, memory + 2 * count, memory + 3 * count};
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
    const task *task = trainer->task;
    for (int s = 0; s < steps; s++) {
        losses[s] = loss_and_gradient(trainer);
        const double rate = task->learning_rate * (1 - (double)trainer->step / task->num_steps);
        trainer->step++;
        for (int i = 0; i < task->parameter_count; i++) {
            const double g = trainer->gradient[i];
            trainer->m[i] = 0.85 * trainer->m[i] + 0.15 * g;
            trainer->v[i] = 0.99 * trainer->v[i] + 0.01 * g * g;
            const double m_hat = trainer->m[i] / (1 - pow(0.85, trainer->step)), v_hat = trainer->v[i] / (1 - pow(0.99, trainer->step));
            trainer->parameters[i] -= rate * m_hat / (sqrt(v_hat) + 1e-8);
        }
    }
}

void copy_parameters(const trainer *trainer, double *parameters) {
    memcpy(parameters, trainer->parameters, (size_t)trainer->task->parameter_count * sizeof *parameters);
}

void compute_gradient(trainer *trainer, double *gradient) {
    loss_and_gradient(trainer);
    memcpy(gradient, trainer->gradient, (size_t)trainer->task->parameter_count * sizeof *gradient);
}
