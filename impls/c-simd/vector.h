#ifndef VECTOR_H
#define VECTOR_H

#include <math.h>
#include <stdint.h>
#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/*
 * Vectors by the extension of gcc and clang. Two widths: `wide` is the widest that the processor has, `tile` at most 8, for
 * work on documents, of which most fit into 8 positions. Pointers to them need only be aligned to a float.
 */
#if defined(_WIN32) && !defined(__clang__)
/* On Windows gcc aligns its stack to 16 bytes, too little for wider vectors that it keeps there (GCC bug 54412). */
#define WIDE 4
#define TILE 4
#elif defined(__AVX512F__)
#define WIDE 16
#define TILE 8
#elif defined(__AVX__)
#define WIDE 8
#define TILE 8
#else
#define WIDE 4
#define TILE 4
#endif

/* Vectors that the processor keeps in registers: how many sums a loop may hold. */
#if defined(__AVX512F__) || defined(__aarch64__)
#define REGISTERS 32
#else
#define REGISTERS 16
#endif

typedef float wide __attribute__((vector_size(4 * WIDE)));
typedef float tile __attribute__((vector_size(4 * TILE)));
typedef int32_t wide_mask __attribute__((vector_size(4 * WIDE)));
typedef int32_t tile_mask __attribute__((vector_size(4 * TILE)));
typedef float wide_anywhere __attribute__((vector_size(4 * WIDE), aligned(4), may_alias));
typedef float tile_anywhere __attribute__((vector_size(4 * TILE), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE wide load_wide(const float *from) { return *(const wide_anywhere *)from; }
INLINE void store_wide(float *to, wide value) { *(wide_anywhere *)to = value; }
INLINE tile load_tile(const float *from) { return *(const tile_anywhere *)from; }
INLINE void store_tile(float *to, tile value) { *(tile_anywhere *)to = value; }

/* x where the mask is all ones, 0 where it is all zeros. */
INLINE wide where_wide(wide_mask mask, wide x) { return (wide)(mask & (wide_mask)x); }
INLINE tile where_tile(tile_mask mask, tile x) { return (tile)(mask & (tile_mask)x); }

/* What the extension has no operator for. */
#if WIDE == 16
INLINE wide sqrt_wide(wide x) { return (wide)_mm512_sqrt_ps((__m512)x); }
INLINE wide max_wide(wide x, wide y) { return (wide)_mm512_max_ps((__m512)x, (__m512)y); }
INLINE float sum_wide(wide x) { return _mm512_reduce_add_ps((__m512)x); }
#endif
#if TILE == 8
INLINE tile sqrt_tile(tile x) { return (tile)_mm256_sqrt_ps((__m256)x); }
INLINE tile max_tile(tile x, tile y) { return (tile)_mm256_max_ps((__m256)x, (__m256)y); }
#elif defined(__SSE2__)
INLINE tile sqrt_tile(tile x) { return (tile)_mm_sqrt_ps((__m128)x); }
INLINE tile max_tile(tile x, tile y) { return (tile)_mm_max_ps((__m128)x, (__m128)y); }
#elif defined(__aarch64__)
INLINE tile sqrt_tile(tile x) { return (tile)vsqrtq_f32((float32x4_t)x); }
INLINE tile max_tile(tile x, tile y) { return (tile)vmaxq_f32((float32x4_t)x, (float32x4_t)y); }
#else
INLINE tile sqrt_tile(tile x) {
    for (int lane = 0; lane < TILE; lane++) x[lane] = sqrtf(x[lane]);
    return x;
}
INLINE tile max_tile(tile x, tile y) {
    for (int lane = 0; lane < TILE; lane++) x[lane] = x[lane] > y[lane] ? x[lane] : y[lane];
    return x;
}
#endif
#if WIDE == TILE
INLINE wide sqrt_wide(wide x) { return sqrt_tile(x); }
INLINE wide max_wide(wide x, wide y) { return max_tile(x, y); }
INLINE float sum_wide(wide x) {
    float sum = 0;
    for (int lane = 0; lane < WIDE; lane++) sum += x[lane];
    return sum;
}
#endif

/*
 * e^x for x <= 0, to about one unit in the last place: x = k ln 2 + r with |r| <= ln 2 / 2, then 2^k by the exponent's
 * bits and e^r by its Taylor series, whose eighth term is below half a unit. ln 2 is taken away in two parts
 * (Cody and Waite, "Software Manual for the Elementary Functions", 1980). Below e^-87 the result stays there.
 */
#define DEFINE_EXP(NAME, VECTOR, MASK, MAX)                                                               \
    INLINE VECTOR NAME(VECTOR x) {                                                                        \
        const float to_integer = 12582912.0f; /* 1.5 · 2^23: adding it leaves no bits behind the point */ \
        x = MAX(x, (VECTOR){} - 87.0f);                                                                   \
        const VECTOR shifted = x * 1.44269504088896341f + to_integer;                                     \
        const VECTOR k = shifted - to_integer;                                                            \
        const VECTOR r = (x - k * 0.693359375f) + k * 2.12194440054690583e-4f;                            \
        VECTOR p = r * (1.0f / 5040) + 1.0f / 720;                                                        \
        p = p * r + 1.0f / 120;                                                                           \
        p = p * r + 1.0f / 24;                                                                            \
        p = p * r + 1.0f / 6;                                                                             \
        p = p * r + 0.5f;                                                                                 \
        p = p * r + 1.0f;                                                                                 \
        p = p * r + 1.0f;                                                                                 \
        return (VECTOR)((MASK)p + ((MASK)shifted << 23));                                                 \
    }
DEFINE_EXP(exp_tile, tile, tile_mask, max_tile)
DEFINE_EXP(exp_wide, wide, wide_mask, max_wide)

#if defined(__has_builtin)
#if __has_builtin(__builtin_shufflevector)
#define SHUFFLE(x, y, ...) __builtin_shufflevector(x, y, __VA_ARGS__)
#endif
#endif
#ifndef SHUFFLE /* gcc before version 12 */
#define SHUFFLE(x, y, ...) __builtin_shuffle(x, y, (tile_mask){__VA_ARGS__})
#endif

#if TILE == 8
#define LANE_NUMBERS ((tile_mask){0, 1, 2, 3, 4, 5, 6, 7})
#else
#define LANE_NUMBERS ((tile_mask){0, 1, 2, 3})
#endif

/* columns[i][j] = rows[j][i] */
INLINE void transpose_tile(const tile *rows, tile *columns) {
#if TILE == 8
    tile a[8], b[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        a[i] = SHUFFLE(rows[i], rows[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
        a[i + 1] = SHUFFLE(rows[i], rows[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 4) {
        b[i] = SHUFFLE(a[i], a[i + 2], 0, 1, 8, 9, 4, 5, 12, 13);
        b[i + 1] = SHUFFLE(a[i], a[i + 2], 2, 3, 10, 11, 6, 7, 14, 15);
        b[i + 2] = SHUFFLE(a[i + 1], a[i + 3], 0, 1, 8, 9, 4, 5, 12, 13);
        b[i + 3] = SHUFFLE(a[i + 1], a[i + 3], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++) {
        columns[i] = SHUFFLE(b[i], b[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
        columns[i + 4] = SHUFFLE(b[i], b[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
    }
#else
    const tile low01 = SHUFFLE(rows[0], rows[1], 0, 4, 1, 5), high01 = SHUFFLE(rows[0], rows[1], 2, 6, 3, 7);
    const tile low23 = SHUFFLE(rows[2], rows[3], 0, 4, 1, 5), high23 = SHUFFLE(rows[2], rows[3], 2, 6, 3, 7);
    columns[0] = SHUFFLE(low01, low23, 0, 1, 4, 5);
    columns[1] = SHUFFLE(low01, low23, 2, 3, 6, 7);
    columns[2] = SHUFFLE(high01, high23, 0, 1, 4, 5);
    columns[3] = SHUFFLE(high01, high23, 2, 3, 6, 7);
#endif
}

/* The vectors of a tile, `stride` floats apart. */
INLINE void load_rows(const float *from, size_t stride, tile *rows) {
#pragma GCC unroll 8
    for (int j = 0; j < TILE; j++) rows[j] = load_tile(from + j * stride);
}

INLINE void store_rows(const tile *rows, float *to, size_t stride) {
#pragma GCC unroll 8
    for (int j = 0; j < TILE; j++) store_tile(to + j * stride, rows[j]);
}

#endif
