#ifndef UPDATE_H
#define UPDATE_H

#include <stddef.h>

/* Columns of the activations that hold one document's positions. */
typedef struct {
    int first, n;
} segment;

/* Where gradients go: into Adam's moments and the parameters, all three in the same layout, or, to look at, into `gradients`. */
typedef struct {
    float *parameters, *m, *v;
    float *gradients;  /* NULL while training */
    float rate;        /* learning rate over the first moment's bias correction */
    float root_factor; /* of sqrt(v): the root of the second moment's bias correction */
} update_target;

/*
 * The gradient of a weight matrix, dw[o][i] = Σ_c dy[o][c] x[c][i], computed in registers and handed to Adam from there.
 * dy is [rows][columns], x [columns][inputs] (transposed, so that a vector is 16 inputs); `at` is where the matrix begins.
 */
void update_matrix(const update_target *target, size_t at, int rows, int inputs, const segment *segments, int segment_count, int columns,
                   const float *dy, const float *x);

/* The same for a gradient that is there already: `count` numbers from `at` on, a multiple of 16. */
void update_with(const update_target *target, size_t at, size_t count, const float *gradient);

#endif
