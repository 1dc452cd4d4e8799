#ifndef TASK_H
#define TASK_H

#include <stdint.h>

/* On Windows gcc aligns its stack to 16 bytes, too little for the wider vectors that it would keep there (GCC bug 54412). */
#if defined(_WIN32) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("prefer-vector-width=128")
#endif

/* What is trained: the flags and the files behind them (impls/README.md), read once and never changed. */
typedef struct {
    int vocab_size, n_embd, n_head, n_layer, block_size;
    int batch;            /* documents a step */
    int num_steps;        /* length of the learning-rate schedule */
    double learning_rate; /* of step 0 */
    int documents;
    int32_t *tokens;  /* all documents end to end */
    int32_t *offsets; /* [documents + 1]: document d is tokens[offsets[d]] to tokens[offsets[d + 1] - 1] */
    int parameter_count;
    double *parameters; /* start parameters: wte, wpe, lm_head, then per layer attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2 */
} task;

/* Reads flags and files; where one is missing or wrong, says so on standard error and exits with 2. */
task read_task(int argument_count, char **arguments);

#endif
