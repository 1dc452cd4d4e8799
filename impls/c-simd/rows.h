#ifndef ROWS_H
#define ROWS_H

#include <stddef.h>

/*
 * Operations on activations as rows in panels, [features / WIDE][capacity][WIDE]: a vector is WIDE features of one position,
 * of which the first `positions` are there. Weights are in panels too (parameters.h).
 */

/* Where the gradient of a weight goes: by Adam into the weight, or, to be looked at, into `gradients`. All have one layout. */
typedef struct {
    float *parameters;
    float *m, *v;      /* without their factors: Adam's moments are 0.15 m and 0.01 v */
    float *gradients;  /* NULL while training */
    float rate;        /* learning rate, by the first moment's factor and bias correction */
    float root_factor; /* of sqrt(v): the root of the second moment's factor and bias correction */
} update_target;

/*
 * dx = transposed(w) dy, and the gradient of w, Σ_t dy[t] x[t], handed to the target. If `relu` is set, x is the output of a
 * relu, and dx the gradient of its input. `at` is where the weights begin, a panel of which has `padded_outputs` rows.
 */
void linear_backward(const update_target *target, size_t at, int positions, int capacity, int outputs, int padded_outputs, int inputs,
                     const float *dy, const float *x, float *dx, int relu);

/* Hands `count` gradients to the target, from `at` on; both are multiples of 16. */
void update_with(const update_target *target, size_t at, size_t count, const float *gradient);

/* x = x · scale, scale = (mean of x² over the model's `size` features + 1e-5)^-0.5 */
void rmsnorm_rows(int positions, int capacity, int features, int size, float *x, float *scale);

/* dx += scale · (dy - y · mean(dy · y)), from the outputs of rmsnorm; `size` is the model's number of features. */
void rmsnorm_backward(int positions, int capacity, int features, int size, const float *y, const float *scale, const float *dy, float *dx);

#endif
