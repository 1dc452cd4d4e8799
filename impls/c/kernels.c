#include "kernels.h"

#include <math.h>
#include <string.h>

/* Four rows of w at a time: each x is loaded once for four products, and the four sums do not wait for each other. */
void linear(int n, int outputs, int inputs, const double *restrict w, const double *restrict x, double *restrict y) {
    for (int o = 0; o < outputs; o += 4) {
        const int rows = outputs - o < 4 ? outputs - o : 4;
        const double *w0 = w + (size_t)o * inputs;
        const double *w1 = rows > 1 ? w0 + inputs : w0, *w2 = rows > 2 ? w1 + inputs : w0, *w3 = rows > 3 ? w2 + inputs : w0;
        for (int t = 0; t < n; t++) {
            const double *row = x + (size_t)t * inputs;
            double sums[4], s0 = 0, s1 = 0, s2 = 0, s3 = 0;
#pragma omp simd reduction(+ : s0, s1, s2, s3)
            for (int i = 0; i < inputs; i++) {
                s0 += w0[i] * row[i];
                s1 += w1[i] * row[i];
                s2 += w2[i] * row[i];
                s3 += w3[i] * row[i];
            }
            sums[0] = s0, sums[1] = s1, sums[2] = s2, sums[3] = s3;
            memcpy(y + (size_t)t * outputs + o, sums, (size_t)rows * sizeof *sums);
        }
    }
}

/* y += Σ_r factors[r · stride] · rows[r]. Four rows at a time: y is loaded and stored a quarter as often. */
static void add_rows(int count, int size, const double *factors, int stride, const double *rows, double *restrict y) {
    int r = 0;
    for (; r + 4 <= count; r += 4, rows += (size_t)4 * size, factors += (size_t)4 * stride) {
        const double f0 = factors[0], f1 = factors[stride], f2 = factors[2 * (size_t)stride], f3 = factors[3 * (size_t)stride];
        const double *r1 = rows + size, *r2 = r1 + size, *r3 = r2 + size;
        for (int i = 0; i < size; i++) y[i] += f0 * rows[i] + f1 * r1[i] + f2 * r2[i] + f3 * r3[i];
    }
    for (; r < count; r++, rows += size, factors += stride) {
        for (int i = 0; i < size; i++) y[i] += *factors * rows[i];
    }
}

void linear_backward(int n, int outputs, int inputs, const double *w, const double *x, const double *dy, double *dx, double *dw) {
    for (int t = 0; t < n; t++) add_rows(outputs, inputs, dy + (size_t)t * outputs, 1, w, dx + (size_t)t * inputs);
    for (int o = 0; o < outputs; o++) add_rows(n, inputs, dy + o, outputs, x, dw + (size_t)o * inputs);
}

void rmsnorm(int n, int size, const double *restrict x, double *restrict y, double *restrict scale) {
    for (int t = 0; t < n; t++, x += size, y += size) {
        double squares = 0;
#pragma omp simd reduction(+ : squares)
        for (int i = 0; i < size; i++) squares += x[i] * x[i];
        scale[t] = 1 / sqrt(squares / size + 1e-5);
        for (int i = 0; i < size; i++) y[i] = x[i] * scale[t];
    }
}

void rmsnorm_backward(int n, int size, const double *restrict y, const double *restrict scale, const double *restrict dy,
                      double *restrict dx) {
    for (int t = 0; t < n; t++, y += size, dy += size, dx += size) {
        double projection = 0;
#pragma omp simd reduction(+ : projection)
        for (int i = 0; i < size; i++) projection += dy[i] * y[i];
        projection /= size;
        for (int i = 0; i < size; i++) dx[i] += scale[t] * (dy[i] - y[i] * projection);
    }
}

void softmax(int size, double *x) {
    double maximum = x[0], sum = 0;
    for (int i = 1; i < size; i++) maximum = fmax(maximum, x[i]);
    for (int i = 0; i < size; i++) sum += x[i] = exp(x[i] - maximum);
    for (int i = 0; i < size; i++) x[i] /= sum;
}

void attend(int n, int heads, int size, const attention *a) {
    const double factor = 1 / sqrt(size);
    memset(a->attn_out, 0, (size_t)n * heads * size * sizeof *a->attn_out);
    for (int head = 0; head < heads; head++) {
        for (int t = 0; t < n; t++) {
            const size_t here = ((size_t)t * heads + head) * size;
            double *weights = a->weights + ((size_t)head * n + t) * n;
            for (int j = 0; j <= t; j++) {
                const size_t there = ((size_t)j * heads + head) * size;
                double score = 0;
                for (int i = 0; i < size; i++) score += a->q[here + i] * a->k[there + i];
                weights[j] = score * factor;
            }
            softmax(t + 1, weights);
            for (int j = 0; j <= t; j++) {
                const size_t there = ((size_t)j * heads + head) * size;
                for (int i = 0; i < size; i++) a->attn_out[here + i] += weights[j] * a->v[there + i];
            }
        }
    }
}

void attend_backward(int n, int heads, int size, const attention *a, const double *restrict dattn_out,
                     double *restrict dq, double *restrict dk, double *restrict dv) {
    const double factor = 1 / sqrt(size);
    const size_t bytes = (size_t)n * heads * size * sizeof *dq;
    memset(dq, 0, bytes);
    memset(dk, 0, bytes);
    memset(dv, 0, bytes);
    for (int head = 0; head < heads; head++) {
        for (int t = 0; t < n; t++) {
            const size_t here = ((size_t)t * heads + head) * size;
            const double *weights = a->weights + ((size_t)head * n + t) * n;
            double projection = 0; /* Σ_j weights_j · dweights_j */
            for (int i = 0; i < size; i++) projection += a->attn_out[here + i] * dattn_out[here + i];
            for (int j = 0; j <= t; j++) {
                const size_t there = ((size_t)j * heads + head) * size;
                double dweight = 0;
                for (int i = 0; i < size; i++) {
                    dweight += dattn_out[here + i] * a->v[there + i];
                    dv[there + i] += weights[j] * dattn_out[here + i];
                }
                const double dscore = weights[j] * (dweight - projection) * factor;
                for (int i = 0; i < size; i++) {
                    dq[here + i] += dscore * a->k[there + i];
                    dk[there + i] += dscore * a->q[here + i];
                }
            }
        }
    }
}

void add(size_t count, const double *restrict y, double *restrict x) {
    for (size_t i = 0; i < count; i++) x[i] += y[i];
}
