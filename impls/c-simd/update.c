#include "update.h"

#include "vector.h"

INLINE void apply(const update_target *target, size_t at, f32x16 g) {
    if (target->gradients != NULL) {
        store16(target->gradients + at, g);
        return;
    }
    const f32x16 m = 0.85f * load16(target->m + at) + 0.15f * g;
    const f32x16 v = 0.99f * load16(target->v + at) + 0.01f * g * g;
    store16(target->m + at, m);
    store16(target->v + at, v);
    store16(target->parameters + at, load16(target->parameters + at) - target->rate * m / (sqrt16(v) * target->root_factor + 1e-8f));
}

/* Rows computed at once: each x is loaded once for all, and the division of one overlaps with the products of the next. */
INLINE void update_rows(const update_target *target, size_t at, int rows, int inputs, const segment *segments, int segment_count, int columns,
                        const float *dy, const float *x) {
    for (int i = 0; i < inputs; i += 16) {
        f32x16 sums[4] = {};
        for (int s = 0; s < segment_count; s++) {
            for (int c = segments[s].first; c < segments[s].first + segments[s].n; c++) {
                const f32x16 xi = load16(x + (size_t)c * inputs + i);
#pragma GCC unroll 4
                for (int r = 0; r < rows; r++) sums[r] += dy[(size_t)r * columns + c] * xi;
            }
        }
#pragma GCC unroll 4
        for (int r = 0; r < rows; r++) apply(target, at + (size_t)r * inputs + i, sums[r]);
    }
}

void update_matrix(const update_target *target, size_t at, int rows, int inputs, const segment *segments, int segment_count, int columns,
                   const float *dy, const float *x) {
    int row = 0;
    for (; row + 4 <= rows; row += 4) {
        update_rows(target, at + (size_t)row * inputs, 4, inputs, segments, segment_count, columns, dy + (size_t)row * columns, x);
    }
    for (; row < rows; row++) {
        update_rows(target, at + (size_t)row * inputs, 1, inputs, segments, segment_count, columns, dy + (size_t)row * columns, x);
    }
}

void update_with(const update_target *target, size_t at, size_t count, const float *gradient) {
    for (size_t i = 0; i < count; i += 16) apply(target, at + i, load16(gradient + i));
}
