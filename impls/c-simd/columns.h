/*
 * The forward pass, on activations [features][columns]: a column is one position of one document, and what happens in it
 * does not depend on the others. So a vector is some columns, and nothing is ever summed across its lanes.
 * Included for `wide` and for `tile` vectors. Numbers of features are multiples of 16, of columns multiples of the vector;
 * weights are in panels (parameters.h).
 */
#if VECTOR_LANES == WIDE
#define VECTOR wide
#define NAME(name) name##_wide
#else
#define VECTOR tile
#define NAME(name) name##_tile
#endif
#define LOAD NAME(load)
#define STORE NAME(store)
#define SQRT NAME(sqrt)
#define MAXIMUM NAME(max)
#define EXP NAME(exp)

/*
 * A tile of y = w x: OUTPUTS rows, as many sums as hide the latency of a multiply-add, in `vectors` vectors of columns.
 * `w` is the tile's part of the first panel, `panel` the floats from one panel to the next.
 */
INLINE void NAME(linear_part)(const int vectors, int columns, int inputs, size_t panel, const float *restrict w, const float *restrict x,
                              float *restrict y, const after after) {
    VECTOR sums[OUTPUTS][2];
#pragma GCC unroll 8
    for (int o = 0; o < OUTPUTS; o++) {
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) sums[o][j] = (VECTOR){};
    }
    for (int first = 0; first < inputs; first += WIDE, w += panel) {
        for (int i = 0; i < WIDE; i++, x += columns) {
            VECTOR xi[2];
#pragma GCC unroll 2
            for (int j = 0; j < vectors; j++) xi[j] = LOAD(x + j * VECTOR_LANES);
#pragma GCC unroll 8
            for (int o = 0; o < OUTPUTS; o++) {
#pragma GCC unroll 2
                for (int j = 0; j < vectors; j++) sums[o][j] += w[o * WIDE + i] * xi[j];
            }
        }
    }
#pragma GCC unroll 8
    for (int o = 0; o < OUTPUTS; o++, y += columns) {
#pragma GCC unroll 2
        for (int j = 0; j < vectors; j++) {
            float *to = y + j * VECTOR_LANES;
            STORE(to, after == ADD ? LOAD(to) + sums[o][j] : after == RELU ? MAXIMUM(sums[o][j], (VECTOR){}) : sums[o][j]);
        }
    }
}

/* y = w x, y += w x or y = relu(w x); w has `outputs` rows and so many floats from a panel to the next. */
INLINE void NAME(linear_after)(int columns, int outputs, int inputs, const float *w, const float *x, float *y, const after after) {
    const size_t panel = (size_t)outputs * WIDE;
    for (int o = 0; o < outputs; o += OUTPUTS) {
        const float *rows = w + (size_t)o * WIDE;
        float *to = y + (size_t)o * columns;
        int c = 0;
        if (REGISTERS == 32) {
            for (; c + 2 * VECTOR_LANES <= columns; c += 2 * VECTOR_LANES) {
                NAME(linear_part)(2, columns, inputs, panel, rows, x + c, to + c, after);
            }
        }
        for (; c < columns; c += VECTOR_LANES) NAME(linear_part)(1, columns, inputs, panel, rows, x + c, to + c, after);
    }
}

static void NAME(linear)(int columns, int outputs, int inputs, const float *w, const float *x, float *y) {
    NAME(linear_after)(columns, outputs, inputs, w, x, y, STORE_ONLY);
}

static void NAME(linear_add)(int columns, int outputs, int inputs, const float *w, const float *x, float *y) {
    NAME(linear_after)(columns, outputs, inputs, w, x, y, ADD);
}

static void NAME(linear_relu)(int columns, int outputs, int inputs, const float *w, const float *x, float *y) {
    NAME(linear_after)(columns, outputs, inputs, w, x, y, RELU);
}

/* y = x · scale, scale = (mean of x² over the model's `size` features + 1e-5)^-0.5; padding is zero and stays so */
static void NAME(rmsnorm)(int columns, int features, int size, const float *restrict x, float *restrict y, float *restrict scale) {
    for (int c = 0; c < columns; c += VECTOR_LANES) {
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

/*
 * Turns logits [vocab_size][columns] into share · softmax, and writes the logarithm's argument and the maximum,
 * so that a loss is log(sum) + maximum - logit.
 */
static void NAME(softmax)(int columns, int vocab_size, float *restrict logits, const float *restrict share, float *restrict sums, float *restrict maxima) {
    for (int c = 0; c < columns; c += VECTOR_LANES) {
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
#undef NAME
#undef LOAD
#undef STORE
#undef SQRT
#undef MAXIMUM
#undef EXP
