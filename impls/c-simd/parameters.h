#ifndef PARAMETERS_H
#define PARAMETERS_H

#include <stddef.h>

#include "../c/task.h"

/*
 * Where a matrix of the model lies among the padded parameters. Entry (o, i) is at
 * `at + i / WIDE · panel + o · row + i % WIDE`: a panel is WIDE inputs of all outputs, one vector after the other, so that
 * a pass over the weights reads memory in order. wte and wpe lie row by row.
 */
typedef struct {
    int outputs, inputs; /* as in the model */
    size_t at, panel, row;
    size_t task_at; /* of its first number in the task's parameters, where entries lie row by row */
} matrix;

typedef struct {
    matrix attn_wq, attn_wk, attn_wv; /* one after the other in each panel: one matrix of three times as many outputs */
    matrix attn_wo, mlp_fc1, mlp_fc2;
} layer_matrices;

typedef struct {
    matrix wte, wpe, lm_head; /* wpe follows wte */
    layer_matrices *layers;   /* [n_layer] */
    int layer_count;
    size_t count; /* of padded parameters */
} parameter_layout;

/* Numbers of features are padded to a multiple of this; padding is zero and stays so. */
#define PADDING 16

int padded(int size);

parameter_layout lay_out_parameters(const task *task);

/* Between the task's order and the padded one. */
void pad_parameters(const parameter_layout *layout, const double *task_numbers, float *numbers);
void unpad_parameters(const parameter_layout *layout, const float *numbers, double *task_numbers);

#endif
