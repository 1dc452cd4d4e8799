#include "attention.h"

#include "vector.h"

/*
 * A tile of attention is what TILE positions t, the lanes, have to do with TILE positions j: a vector for each j. What lies
 * beyond the document's end is computed too, and gets the weight 0. A diagonal tile looks at its own positions, of which
 * each sees itself and those before it.
 */

INLINE int round_up(int value) { return (value + TILE - 1) / TILE * TILE; }

size_t attention_floats(attention_shape shape) { return (size_t)shape.heads * round_up(shape.n) * round_up(shape.n); }

/* products[j][t] += Σ_i x[i][j] y[i][t] */
INLINE void add_products(int size, int columns, const float *x, const float *y, tile *products) {
    for (int i = 0; i < size; i++, x += columns, y += columns) {
        const tile yt = load_tile(y);
#pragma GCC unroll 8
        for (int j = 0; j < TILE; j++) products[j] += x[j] * yt;
    }
}

/* to[i][t] = Σ_j x[i][j] rows[j][t], on top of what is there if `add` is set */
INLINE void mix(int size, int columns, const float *x, const tile *rows, float *to, int add) {
    for (int i = 0; i < size; i++, x += columns, to += columns) {
        tile even = add ? load_tile(to) : (tile){}, odd = {};
#pragma GCC unroll 4
        for (int j = 0; j < TILE; j += 2) {
            even += x[j] * rows[j];
            odd += x[j + 1] * rows[j + 1];
        }
        store_tile(to, even + odd);
    }
}

/* scores[j][t] = q[t] · k[j] · factor, and far below all others where t does not see j */
INLINE tile score(int size, int columns, float factor, const float *q, const float *k, const int diagonal, float *scores, int stride, tile maximum) {
    tile products[TILE];
#pragma GCC unroll 8
    for (int j = 0; j < TILE; j++) products[j] = diagonal ? where_tile(LANE_NUMBERS < j, (tile){} - 1e30f) : (tile){};
    add_products(size, columns, k, q, products);
#pragma GCC unroll 8
    for (int j = 0; j < TILE; j++) {
        products[j] *= factor;
        maximum = max_tile(maximum, products[j]);
    }
    store_rows(products, scores, stride);
    return maximum;
}

/* Scores become e^(score - maximum), and 0 where t does not see j. */
INLINE tile exponentiate(tile maximum, const int diagonal, float *scores, int stride, tile sum) {
    tile rows[TILE];
    load_rows(scores, stride, rows);
#pragma GCC unroll 8
    for (int j = 0; j < TILE; j++) {
        rows[j] = exp_tile(rows[j] - maximum);
        if (diagonal) rows[j] = where_tile(LANE_NUMBERS >= j, rows[j]);
        sum += rows[j];
    }
    store_rows(rows, scores, stride);
    return sum;
}

void attend(attention_shape shape, const float *q, const float *k, const float *v, float *weights, float *attn_out) {
    const int columns = shape.columns, padded = round_up(shape.n), size = shape.size;
    const float factor = 1 / sqrtf((float)size);
    for (int head = 0; head < shape.heads; head++, weights += (size_t)padded * padded) {
        const size_t at = (size_t)head * size * columns + shape.first;
        for (int begin = 0; begin < padded; begin += TILE) {
            float *column = weights + begin;
            tile maximum = (tile){} - 1e30f, sum = {};
            for (int key = 0; key < begin; key += TILE) {
                maximum = score(size, columns, factor, q + at + begin, k + at + key, 0, column + (size_t)key * padded, padded, maximum);
            }
            maximum = score(size, columns, factor, q + at + begin, k + at + begin, 1, column + (size_t)begin * padded, padded, maximum);
            for (int key = 0; key < begin; key += TILE) sum = exponentiate(maximum, 0, column + (size_t)key * padded, padded, sum);
            sum = exponentiate(maximum, 1, column + (size_t)begin * padded, padded, sum);
            const tile share = where_tile(LANE_NUMBERS + begin < shape.n, 1.0f / sum);
            for (int key = 0; key <= begin; key += TILE) {
                tile rows[TILE];
                load_rows(column + (size_t)key * padded, padded, rows);
#pragma GCC unroll 8
                for (int j = 0; j < TILE; j++) rows[j] *= share;
                store_rows(rows, column + (size_t)key * padded, padded);
                mix(size, columns, v + at + key, rows, attn_out + at + begin, key > 0);
            }
        }
    }
}

void attend_backward(attention_shape shape, const float *q, const float *k, const float *v, const float *weights, const float *dattn_out,
                     float *dq, float *dk, float *dv) {
    const int columns = shape.columns, padded = round_up(shape.n), size = shape.size;
    const float factor = 1 / sqrtf((float)size);
    float dweights[LONGEST_BLOCK][TILE];
    for (int head = 0; head < shape.heads; head++, weights += (size_t)padded * padded) {
        const size_t at = (size_t)head * size * columns + shape.first;
        for (int begin = 0; begin < padded; begin += TILE) {
            const float *column = weights + begin;
            tile rows[TILE], transposed[TILE], projection = {};
            for (int key = 0; key <= begin; key += TILE) {
                tile products[TILE] = {};
                load_rows(column + (size_t)key * padded, padded, rows);
                add_products(size, columns, v + at + key, dattn_out + at + begin, products);
#pragma GCC unroll 8
                for (int j = 0; j < TILE; j++) projection += products[j] * rows[j];
                store_rows(products, dweights[key], TILE);
            }
            /* The diagonal tile is the first to reach these keys. */
            for (int key = 0; key <= begin; key += TILE) {
                load_rows(column + (size_t)key * padded, padded, rows);
                transpose_tile(rows, transposed);
                mix(size, columns, dattn_out + at + begin, transposed, dv + at + key, key < begin);
#pragma GCC unroll 8
                for (int j = 0; j < TILE; j++) rows[j] *= (load_tile(dweights[key + j]) - projection) * factor;
                mix(size, columns, k + at + key, rows, dq + at + begin, key > 0);
                transpose_tile(rows, transposed);
                mix(size, columns, q + at + begin, transposed, dk + at + key, key < begin);
            }
        }
    }
}
