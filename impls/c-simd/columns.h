/*
 * Operations on activations [features][columns], where a column is one position of one document: what happens in a column
 * does not depend on the others, so that a vector is LANES columns and nothing is ever summed across its lanes.
 * Included twice, with LANES 8 and 16. Numbers of features are multiples of 8, of columns multiples of LANES;
 * weights are [outputs][inputs] and padded with zeros to such numbers.
 */
#if LANES == 8
#define VECTOR f32x8
#define LOAD load8
#define STORE store8
#define SQRT sqrt8
#define MAXIMUM max8
#define WHERE where8
#define EXP exp8
#define NAME(name) name##_8
#else
#define VECTOR f32x16
#define LOAD load16
#define STORE store16
#define SQRT sqrt16
#define MAXIMUM max16
#define WHERE where16
#define EXP exp16
#define NAME(name) name##_16
#endif

/* Rows of outputs computed at once: as many sums as hide the latency of a multiply-add, each x loaded once for all. */
#define ROWS 8

/* y = w x */
static void NAME(linear)(int columns, int outputs, int inputs, const float *restrict w, const float *restrict x, float *restrict y) {
    for (int c = 0; c < columns; c += LANES) {
        for (int o = 0; o < outputs; o += ROWS) {
            VECTOR sums[ROWS] = {};
            const float *rows = w + (size_t)o * inputs;
            for (int i = 0; i < inputs; i++) {
                const VECTOR xi = LOAD(x + (size_t)i * columns + c);
#pragma GCC unroll 8
                for (int r = 0; r < ROWS; r++) sums[r] += rows[(size_t)r * inputs + i] * xi;
            }
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) STORE(y + (size_t)(o + r) * columns + c, sums[r]);
        }
    }
}

/* dx = transposed(w) dy, from the first `outputs` rows */
static void NAME(linear_backward)(int columns, int outputs, int inputs, const float *restrict w, const float *restrict dy, float *restrict dx) {
    for (int c = 0; c < columns; c += LANES) {
        for (int i = 0; i < inputs; i += ROWS) {
            VECTOR sums[ROWS] = {};
            for (int o = 0; o < outputs; o++) {
                const VECTOR d = LOAD(dy + (size_t)o * columns + c);
                const float *row = w + (size_t)o * inputs + i;
#pragma GCC unroll 8
                for (int r = 0; r < ROWS; r++) sums[r] += row[r] * d;
            }
#pragma GCC unroll 8
            for (int r = 0; r < ROWS; r++) STORE(dx + (size_t)(i + r) * columns + c, sums[r]);
        }
    }
}

/* y = x · scale, scale = (mean of x² over the model's `size` features + 1e-5)^-0.5; padding is zero and stays so */
static void NAME(rmsnorm)(int columns, int features, int size, const float *restrict x, float *restrict y, float *restrict scale) {
    for (int c = 0; c < columns; c += LANES) {
        VECTOR even = {}, odd = {};
        for (int i = 0; i < features; i += 2) {
            const VECTOR a = LOAD(x + (size_t)i * columns + c), b = LOAD(x + (size_t)(i + 1) * columns + c);
            even += a * a;
            odd += b * b;
        }
        const VECTOR s = 1.0f / SQRT((even + odd) / (float)size + 1e-5f);
        STORE(scale + c, s);
        for (int i = 0; i < features; i++) STORE(y + (size_t)i * columns + c, LOAD(x + (size_t)i * columns + c) * s);
    }
}

/* dx += scale · (dy - y · mean(dy · y)), from the outputs of rmsnorm */
static void NAME(rmsnorm_backward)(int columns, int features, int size, const float *restrict y, const float *restrict scale,
                                   const float *restrict dy, float *restrict dx) {
    for (int c = 0; c < columns; c += LANES) {
        VECTOR even = {}, odd = {};
        for (int i = 0; i < features; i += 2) {
            even += LOAD(dy + (size_t)i * columns + c) * LOAD(y + (size_t)i * columns + c);
            odd += LOAD(dy + (size_t)(i + 1) * columns + c) * LOAD(y + (size_t)(i + 1) * columns + c);
        }
        const VECTOR projection = (even + odd) / (float)size, s = LOAD(scale + c);
        for (int i = 0; i < features; i++) {
            const size_t at = (size_t)i * columns + c;
            STORE(dx + at, LOAD(dx + at) + s * (LOAD(dy + at) - LOAD(y + at) * projection));
        }
    }
}

static void NAME(add)(int columns, int features, const float *restrict y, float *restrict x) {
    for (size_t at = 0; at < (size_t)features * columns; at += LANES) STORE(x + at, LOAD(x + at) + LOAD(y + at));
}

static void NAME(relu)(int columns, int features, float *x) {
    for (size_t at = 0; at < (size_t)features * columns; at += LANES) STORE(x + at, MAXIMUM(LOAD(x + at), (VECTOR){}));
}

/* dx where y, the output of relu, is positive, and 0 elsewhere */
static void NAME(relu_backward)(int columns, int features, const float *restrict y, float *restrict dx) {
    for (size_t at = 0; at < (size_t)features * columns; at += LANES) {
        STORE(dx + at, WHERE(LOAD(y + at) > 0, LOAD(dx + at)));
    }
}

/*
 * Turns logits [vocab_size][columns] into share · softmax, and writes the logarithm's argument and the maximum,
 * so that a loss is log(sum) + maximum - logit.
 */
static void NAME(softmax)(int columns, int vocab_size, float *restrict logits, const float *restrict share, float *restrict sums, float *restrict maxima) {
    for (int c = 0; c < columns; c += LANES) {
        VECTOR maximum = LOAD(logits + c), sum = {};
        for (int i = 1; i < vocab_size; i++) maximum = MAXIMUM(maximum, LOAD(logits + (size_t)i * columns + c));
        for (int i = 0; i < vocab_size; i++) {
            const VECTOR e = EXP(LOAD(logits + (size_t)i * columns + c) - maximum);
            STORE(logits + (size_t)i * columns + c, e);
            sum += e;
        }
        STORE(sums + c, sum);
        STORE(maxima + c, maximum);
        const VECTOR factor = LOAD(share + c) / sum;
        for (int i = 0; i < vocab_size; i++) STORE(logits + (size_t)i * columns + c, LOAD(logits + (size_t)i * columns + c) * factor);
    }
}

#undef VECTOR
#undef LOAD
#undef STORE
#undef SQRT
#undef MAXIMUM
#undef WHERE
#undef EXP
#undef NAME
#undef ROWS
