#ifndef KERNELS_H
#define KERNELS_H

#include <stddef.h>

/* On Windows gcc aligns its stack to 16 bytes, too little for the wider vectors that it would keep there (GCC bug 54412). */
#if defined(_WIN32) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("prefer-vector-width=128")
#endif

/*
 * The operations of the model and their derivatives, in float64, each over all n positions of a document.
 * Activations are [n][features], row by row; weights [outputs][inputs]. Arguments of one call never overlap.
 */

/* y[t][o] = Σ_i w[o][i] x[t][i] */
void linear(int n, int outputs, int inputs, const double *w, const double *x, double *y);

/* dx[t][i] += Σ_o w[o][i] dy[t][o] and dw[o][i] += Σ_t dy[t][o] x[t][i] */
void linear_backward(int n, int outputs, int inputs, const double *w, const double *x, const double *dy, double *dx, double *dw);

/* y = x · scale, scale[t] = (mean of x[t]² + 1e-5)^-0.5 */
void rmsnorm(int n, int size, const double *x, double *y, double *scale);

/* dx += scale · (dy - y · mean(dy · y)), from rmsnorm's own outputs */
void rmsnorm_backward(int n, int size, const double *y, const double *scale, const double *dy, double *dx);

/* Turns x[size] into its softmax. */
void softmax(int size, double *x);

/* Keys, values and queries of one layer [n][heads · size], and what attention makes of them. */
typedef struct {
    double *q, *k, *v;
    double *weights; /* [heads][n][n]: row t is the softmax over positions 0 to t */
    double *attn_out;   /* values weighted so [n][heads · size] */
} attention;

/* Each position looks at itself and those before it, head by head: from q, k and v to weights and attn_out. */
void attend(int n, int heads, int size, const attention *a);

/* From the gradient of attn_out to those of q, k and v. */
void attend_backward(int n, int heads, int size, const attention *a, const double *dattn_out, double *dq, double *dk, double *dv);

/* x += y */
void add(size_t count, const double *y, double *x);

#endif
