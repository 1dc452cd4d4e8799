#include "rows.h"

#include "vector.h"

/* One vector of weights, at `at`. Adam: m = 0.85 m + 0.15 g, v = 0.99 v + 0.01 g², w -= rate · m / (√v + 1e-8), factors taken out. */
#define MOST_POSITIONS 16
INLINE void adam(const update_target *target, size_t at, wide w, wide g) {
    const wide m = 0.85f * load_wide(target->m + at) + g;
    const wide v = 0.99f * load_wide(target->v + at) + g * g;
    store_wide(target->m + at, m);
    store_wide(target->v + at, v);
    store_wide(target->parameters + at, w - target->rate * m / (sqrt_wide(v) * target->root_factor + 1e-8f));
}

/*
 * Both products of one panel, for a number of positions that the compiler knows: the sums of dx stay in registers, and a
 * weight is loaded once for its product and for its update, whose root and division overlap with the products of the next.
 */
INLINE void panel_backward(const int positions, const update_target *target, size_t at, int capacity, int outputs, const float *restrict dy,
                           const float *restrict x, float *restrict dx, int relu) {
    const update_target to = *target;
    wide sums[MOST_POSITIONS];
#pragma GCC unroll 16
    for (int t = 0; t < positions; t++) sums[t] = (wide){};
    for (int first = 0; first < outputs; first += WIDE, dy += (size_t)capacity * WIDE) {
        const int count = outputs - first < WIDE ? outputs - first : WIDE;
        for (int o = 0; o < count; o++, at += WIDE) {
            const wide w = load_wide(to.parameters + at);
            wide g = {};
#pragma GCC unroll 16
            for (int t = 0; t < positions; t++) {
                const float d = dy[t * WIDE + o];
                sums[t] += d * w;
                g += d * load_wide(x + t * WIDE);
            }
            adam(&to, at, w, g);
        }
    }
#pragma GCC unroll 16
    for (int t = 0; t < positions; t++) {
        store_wide(dx + t * WIDE, relu ? where_wide(load_wide(x + t * WIDE) > 0, sums[t]) : sums[t]);
    }
}

/* The two products one after the other, for any number of positions. */
#define AT_ONCE 8

INLINE void input_gradient_part(const int positions, int capacity, int outputs, const float *restrict w, const float *restrict dy,
                                const float *restrict x, float *restrict dx, int relu) {
    wide sums[MOST_POSITIONS];
#pragma GCC unroll 8
    for (int t = 0; t < positions; t++) sums[t] = (wide){};
    for (int first = 0; first < outputs; first += WIDE, dy += (size_t)capacity * WIDE) {
        const int count = outputs - first < WIDE ? outputs - first : WIDE;
        for (int o = 0; o < count; o++, w += WIDE) {
            const wide old = load_wide(w);
#pragma GCC unroll 8
            for (int t = 0; t < positions; t++) sums[t] += dy[t * WIDE + o] * old;
        }
    }
#pragma GCC unroll 8
    for (int t = 0; t < positions; t++) {
        store_wide(dx + t * WIDE, relu ? where_wide(load_wide(x + t * WIDE) > 0, sums[t]) : sums[t]);
    }
}

INLINE void weight_gradient_part(const int count, const update_target *target, size_t at, int positions, const float *restrict dy,
                                 const float *restrict x) {
    wide sums[4];
#pragma GCC unroll 8
    for (int o = 0; o < count; o++) sums[o] = (wide){};
    for (int t = 0; t < positions; t++) {
        const wide xt = load_wide(x + t * WIDE);
#pragma GCC unroll 8
        for (int o = 0; o < count; o++) sums[o] += dy[t * WIDE + o] * xt;
    }
#pragma GCC unroll 8
    for (int o = 0; o < count; o++, at += WIDE) {
        if (target->gradients != NULL) store_wide(target->gradients + at, sums[o]);
        else adam(target, at, load_wide(target->parameters + at), sums[o]);
    }
}

static void panel_backward_in_parts(const update_target *target, size_t at, int positions, int capacity, int outputs, const float *dy,
                                    const float *x, float *dx, int relu) {
    const float *w = target->parameters + at;
    int t = 0;
    for (; t + AT_ONCE <= positions; t += AT_ONCE) {
        input_gradient_part(AT_ONCE, capacity, outputs, w, dy + t * WIDE, x + t * WIDE, dx + t * WIDE, relu);
    }
    /* The last tile may reach into padding, where nobody reads what it writes. */
    for (; t < positions; t += TILE) input_gradient_part(TILE, capacity, outputs, w, dy + t * WIDE, x + t * WIDE, dx + t * WIDE, relu);
    for (int first = 0; first < outputs; first += WIDE, dy += (size_t)capacity * WIDE) {
        const int count = outputs - first < WIDE ? outputs - first : WIDE;
        int o = 0;
        for (; o + 4 <= count; o += 4) weight_gradient_part(4, target, at + (size_t)(first + o) * WIDE, positions, dy + o, x);
        for (; o < count; o++) weight_gradient_part(1, target, at + (size_t)(first + o) * WIDE, positions, dy + o, x);
    }
}

#define FOR_EACH_COUNT(DO) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) FOR_MORE(DO)
#if REGISTERS == 32
#define FOR_MORE(DO) DO(9) DO(10) DO(11) DO(12) DO(13) DO(14) DO(15) DO(16)
#else
#define FOR_MORE(DO)
#endif

#define DEFINE_PANEL_BACKWARD(COUNT)                                                                                                          \
    static void panel_backward_##COUNT(const update_target *target, size_t at, int capacity, int outputs, const float *dy, const float *x,    \
                                       float *dx, int relu) {                                                                                 \
        panel_backward(COUNT, target, at, capacity, outputs, dy, x, dx, relu);                                                                \
    }
FOR_EACH_COUNT(DEFINE_PANEL_BACKWARD)

void linear_backward(const update_target *target, size_t at, int positions, int capacity, int outputs, int padded_outputs, int inputs,
                     const float *dy, const float *x, float *dx, int relu) {
    const size_t panel = (size_t)capacity * WIDE;
    for (int i = 0; i < inputs; i += WIDE, at += (size_t)padded_outputs * WIDE, x += panel, dx += panel) {
        switch (target->gradients == NULL ? positions : 0) {
#define CASE(COUNT)                                                                \
    case COUNT:                                                                    \
        panel_backward_##COUNT(target, at, capacity, outputs, dy, x, dx, relu);    \
        break;
            FOR_EACH_COUNT(CASE)
        default:
            panel_backward_in_parts(target, at, positions, capacity, outputs, dy, x, dx, relu);
        }
    }
}

void update_with(const update_target *target, size_t at, size_t count, const float *gradient) {
    for (size_t i = 0; i < count; i += WIDE) {
        const wide g = load_wide(gradient + i);
        if (target->gradients != NULL) store_wide(target->gradients + at + i, g);
        else adam(target, at + i, load_wide(target->parameters + at + i), g);
    }
}

void rmsnorm_rows(int positions, int capacity, int features, int size, float *x, float *scale) {
    const size_t panel = (size_t)capacity * WIDE;
    for (int t = 0; t < positions; t++, x += WIDE) {
        wide squares = {};
        for (size_t at = 0; at < panel * (features / WIDE); at += panel) squares += load_wide(x + at) * load_wide(x + at);
        const float s = scale[t] = 1.0f / sqrtf(sum_wide(squares) / (float)size + 1e-5f);
        for (size_t at = 0; at < panel * (features / WIDE); at += panel) store_wide(x + at, load_wide(x + at) * s);
    }
}

void rmsnorm_backward(int positions, int capacity, int features, int size, const float *y, const float *scale, const float *dy, float *dx) {
    const size_t panel = (size_t)capacity * WIDE;
    for (int t = 0; t < positions; t++, y += WIDE, dy += WIDE, dx += WIDE) {
        wide products = {};
        for (size_t at = 0; at < panel * (features / WIDE); at += panel) products += load_wide(dy + at) * load_wide(y + at);
        const float projection = sum_wide(products) / (float)size, s = scale[t];
        for (size_t at = 0; at < panel * (features / WIDE); at += panel) {
            store_wide(dx + at, load_wide(dx + at) + s * (load_wide(dy + at) - load_wide(y + at) * projection));
        }
    }
}
