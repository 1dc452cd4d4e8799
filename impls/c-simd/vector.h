#ifndef VECTOR_H
#define VECTOR_H

#include <math.h>
#include <stdint.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

/*
 * Vectors of 8 and 16 floats by the compiler's extension (gcc and clang), which maps them to AVX-512, AVX, NEON or whatever
 * the processor has. Pointers to them need only be aligned to a float.
 */
typedef float f32x8 __attribute__((vector_size(32)));
typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x8 __attribute__((vector_size(32)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef float f32x8_anywhere __attribute__((vector_size(32), aligned(4), may_alias));
typedef float f32x16_anywhere __attribute__((vector_size(64), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))

INLINE f32x8 load8(const float *from) { return *(const f32x8_anywhere *)from; }
INLINE void store8(float *to, f32x8 value) { *(f32x8_anywhere *)to = value; }
INLINE f32x16 load16(const float *from) { return *(const f32x16_anywhere *)from; }
INLINE void store16(float *to, f32x16 value) { *(f32x16_anywhere *)to = value; }

/* x where the mask is all ones, 0 where it is all zeros. */
INLINE f32x8 where8(i32x8 mask, f32x8 x) { return (f32x8)(mask & (i32x8)x); }
INLINE f32x16 where16(i32x16 mask, f32x16 x) { return (f32x16)(mask & (i32x16)x); }

/* x where the mask is all ones, y where it is all zeros. */
INLINE f32x8 select8(i32x8 mask, f32x8 x, f32x8 y) { return (f32x8)((mask & (i32x8)x) | (~mask & (i32x8)y)); }

/* What the extension has no operator for: by intrinsics where there are some, lane by lane elsewhere. */
#if defined(__AVX512F__)
INLINE f32x8 sqrt8(f32x8 x) { return (f32x8)_mm256_sqrt_ps((__m256)x); }
INLINE f32x8 max8(f32x8 x, f32x8 y) { return (f32x8)_mm256_max_ps((__m256)x, (__m256)y); }
INLINE f32x16 sqrt16(f32x16 x) { return (f32x16)_mm512_sqrt_ps((__m512)x); }
INLINE f32x16 max16(f32x16 x, f32x16 y) { return (f32x16)_mm512_max_ps((__m512)x, (__m512)y); }
#else
#define DEFINE_LANE_BY_LANE(LANES, F32, SQRT, MAX)                                                 \
    INLINE F32 SQRT(F32 x) {                                                                       \
        for (int lane = 0; lane < LANES; lane++) x[lane] = sqrtf(x[lane]);                         \
        return x;                                                                                  \
    }                                                                                              \
    INLINE F32 MAX(F32 x, F32 y) {                                                                 \
        for (int lane = 0; lane < LANES; lane++) x[lane] = x[lane] > y[lane] ? x[lane] : y[lane]; \
        return x;                                                                                  \
    }
DEFINE_LANE_BY_LANE(8, f32x8, sqrt8, max8)
DEFINE_LANE_BY_LANE(16, f32x16, sqrt16, max16)
#endif

/*
 * e^x for x <= 0, to about one unit in the last place: x = k ln 2 + r with |r| <= ln 2 / 2, then 2^k by the exponent's
 * bits and e^r by its Taylor series, whose eighth term is below half a unit. ln 2 is taken away in two parts
 * (Cody and Waite, "Software Manual for the Elementary Functions", 1980). Below e^-87 the result stays there.
 */
#define DEFINE_EXP(NAME, F32, I32, MAX)                                                                  \
    INLINE F32 NAME(F32 x) {                                                                             \
        const float to_integer = 12582912.0f; /* 1.5 · 2^23: adding it leaves no bits behind the point */ \
        x = MAX(x, (F32){} - 87.0f);                                                                     \
        const F32 shifted = x * 1.44269504088896341f + to_integer;                                       \
        const F32 k = shifted - to_integer;                                                              \
        const F32 r = (x - k * 0.693359375f) + k * 2.12194440054690583e-4f;                              \
        F32 p = r * (1.0f / 5040) + 1.0f / 720;                                                          \
        p = p * r + 1.0f / 120;                                                                          \
        p = p * r + 1.0f / 24;                                                                           \
        p = p * r + 1.0f / 6;                                                                            \
        p = p * r + 0.5f;                                                                                \
        p = p * r + 1.0f;                                                                                \
        p = p * r + 1.0f;                                                                                \
        return (F32)((I32)p + ((I32)shifted << 23));                                                     \
    }
DEFINE_EXP(exp8, f32x8, i32x8, max8)
DEFINE_EXP(exp16, f32x16, i32x16, max16)

/* Rows become columns: to[column][row] = from[row][column], 8 by 8, with `from_stride` and `to_stride` floats from row to row. */
INLINE void transpose8(const float *from, int from_stride, float *to, int to_stride) {
    const f32x8 a0 = load8(from), a1 = load8(from + from_stride), a2 = load8(from + 2 * from_stride);
    const f32x8 a3 = load8(from + 3 * from_stride), a4 = load8(from + 4 * from_stride), a5 = load8(from + 5 * from_stride);
    const f32x8 a6 = load8(from + 6 * from_stride), a7 = load8(from + 7 * from_stride);
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH(x, y) __builtin_shufflevector(x, y, 2, 10, 3, 11, 6, 14, 7, 15)
    const f32x8 b0 = LOW(a0, a1), b1 = HIGH(a0, a1), b2 = LOW(a2, a3), b3 = HIGH(a2, a3);
    const f32x8 b4 = LOW(a4, a5), b5 = HIGH(a4, a5), b6 = LOW(a6, a7), b7 = HIGH(a6, a7);
#undef LOW
#undef HIGH
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH(x, y) __builtin_shufflevector(x, y, 2, 3, 10, 11, 6, 7, 14, 15)
    const f32x8 c0 = LOW(b0, b2), c1 = HIGH(b0, b2), c2 = LOW(b1, b3), c3 = HIGH(b1, b3);
    const f32x8 c4 = LOW(b4, b6), c5 = HIGH(b4, b6), c6 = LOW(b5, b7), c7 = HIGH(b5, b7);
#undef LOW
#undef HIGH
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH(x, y) __builtin_shufflevector(x, y, 4, 5, 6, 7, 12, 13, 14, 15)
    store8(to, LOW(c0, c4));
    store8(to + to_stride, LOW(c1, c5));
    store8(to + 2 * to_stride, LOW(c2, c6));
    store8(to + 3 * to_stride, LOW(c3, c7));
    store8(to + 4 * to_stride, HIGH(c0, c4));
    store8(to + 5 * to_stride, HIGH(c1, c5));
    store8(to + 6 * to_stride, HIGH(c2, c6));
    store8(to + 7 * to_stride, HIGH(c3, c7));
#undef LOW
#undef HIGH
}

#endif
