#include "attention.h"


#include "vector.h"

/* Positions are handled eight at a time: a tile is what eight positions t have to do with eight positions j <= t. */
#define TILE 8

INLINE int round_up(int value) { return (value + TILE - 1) / TILE * TILE; }

/* Lanes of the eight positions from `begin` on that may look at position j. */
INLINE i32x8 sees(int begin, int j) { return (i32x8){0, 1, 2, 3, 4, 5, 6, 7} + begin >= j; }

void attend(attention_shape shape, const float *q, const float *k, const float *v, float *weights, float *mixed) {
    const int columns = shape.columns, padded = round_up(shape.n);
    const float factor = 1 / sqrtf((float)shape.size);
    for (int head = 0; head < shape.heads; head++, weights += (size_t)padded * padded) {
        const size_t offset = (size_t)head * shape.size * columns + shape.first;
        for (int begin = 0; begin < shape.n; begin += TILE) {
            const int keys = shape.n < begin + TILE ? shape.n : begin + TILE;
            f32x8 maximum = {}, sum = {};
            for (int j = 0; j < keys; j++) {
                f32x8 score = {};
                for (int i = 0; i < shape.size; i++) {
                    const size_t row = offset + (size_t)i * columns;
                    score += k[row + j] * load8(q + row + begin);
                }
                score *= factor;
                maximum = j == 0 ? score : max8(maximum, select8(sees(begin, j), score, maximum));
                store8(weights + (size_t)j * padded + begin, score);
            }
            for (int j = 0; j < keys; j++) {
                const f32x8 e = exp8(load8(weights + (size_t)j * padded + begin) - maximum);
                const f32x8 weight = where8(sees(begin, j), e);
                store8(weights + (size_t)j * padded + begin, weight);
                sum += weight;
            }
            const f32x8 normalised = 1.0f / sum;
            for (int j = 0; j < round_up(keys); j++) {
                const f32x8 weight = j < keys ? load8(weights + (size_t)j * padded + begin) * normalised : (f32x8){};
                store8(weights + (size_t)j * padded + begin, weight);
            }
            for (int i = 0; i < shape.size; i++) {
                const size_t row = offset + (size_t)i * columns;
                f32x8 total = {};
                for (int j = 0; j < keys; j++) total += v[row + j] * load8(weights + (size_t)j * padded + begin);
                store8(mixed + row + begin, total);
            }
        }
    }
}

/* to[i][begin of keys + lane] += Σ_t from[i][t] tile[t][lane], for the eight positions t of a tile */
INLINE void gather(int size, int columns, const float *from, const float *tile, float *to) {
    for (int i = 0; i < size; i++, from += columns, to += columns) {
        f32x8 total = load8(to);
#pragma GCC unroll 8
        for (int t = 0; t < TILE; t++) total += from[t] * load8(tile + t * TILE);
        store8(to, total);
    }
}

void attend_backward(attention_shape shape, const float *q, const float *k, const float *v, const float *weights, const float *dmixed,
                     float *dq, float *dk, float *dv) {
    const int columns = shape.columns, padded = round_up(shape.n);
    const float factor = 1 / sqrtf((float)shape.size);
    for (int head = 0; head < shape.heads; head++, weights += (size_t)padded * padded) {
        const size_t offset = (size_t)head * shape.size * columns + shape.first;
        for (int i = 0; i < shape.size; i++) {
            for (int j = 0; j < padded; j += TILE) {
                store8(dk + offset + (size_t)i * columns + j, (f32x8){});
                store8(dv + offset + (size_t)i * columns + j, (f32x8){});
            }
        }
        for (int begin = 0; begin < shape.n; begin += TILE) {
            const int keys = shape.n < begin + TILE ? shape.n : begin + TILE;
            float dscores[round_up(keys)][TILE], tile[TILE][TILE];
            f32x8 projection = {};
            for (int j = 0; j < keys; j++) {
                f32x8 dweight = {};
                for (int i = 0; i < shape.size; i++) {
                    const size_t row = offset + (size_t)i * columns;
                    dweight += v[row + j] * load8(dmixed + row + begin);
                }
                store8(dscores[j], dweight);
                projection += dweight * load8(weights + (size_t)j * padded + begin);
            }
            for (int j = 0; j < round_up(keys); j++) {
                const f32x8 weight = load8(weights + (size_t)j * padded + begin);
                store8(dscores[j], j < keys ? weight * (load8(dscores[j]) - projection) * factor : (f32x8){});
            }
            for (int i = 0; i < shape.size; i++) {
                const size_t row = offset + (size_t)i * columns;
                f32x8 total = {};
                for (int j = 0; j < keys; j++) total += k[row + j] * load8(dscores[j]);
                store8(dq + row + begin, total);
            }
            for (int j = 0; j < keys; j += TILE) {
                transpose8(dscores[j], TILE, tile[0], TILE);
                gather(shape.size, columns, q + offset + begin, tile[0], dk + offset + j);
                transpose8(weights + (size_t)j * padded + begin, padded, tile[0], TILE);
                gather(shape.size, columns, dmixed + offset + begin, tile[0], dv + offset + j);
            }
        }
    }
}
