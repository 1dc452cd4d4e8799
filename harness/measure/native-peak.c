/* Prints the highest rate of multiply-adds that one core reaches at its widest vectors, in GFLOP/s, as JSON; a multiply-add is two. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <time.h>
#if defined(_WIN32)
#include <windows.h>
#endif

#if defined(__AVX512F__)
#define VECTOR_BYTES 64
#elif defined(__AVX__)
#define VECTOR_BYTES 32
#else
#define VECTOR_BYTES 16
#endif

/* Two units with a latency of four or five cycles need ten in flight; these and two constants fit sixteen registers. */
#define CHAINS 12
#define ITERATIONS 20000
/* Short ones, so that on a busy machine some run undisturbed. */
#define RUNS 200

static double seconds_now(void) {
#if defined(_WIN32)
    LARGE_INTEGER ticks, ticks_per_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&ticks_per_second);
    return (double)ticks.QuadPart / (double)ticks_per_second.QuadPart;
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
#endif
}

/* Chains start apart and stay finite: they tend to b / (1 - a) = 1. Their sum is used, so that none can be left out. */
#define DEFINE_PEAK(type)                                                                                              \
    typedef type type##_vector __attribute__((vector_size(VECTOR_BYTES)));                                             \
    static volatile type type##_sink, type##_a = (type)0.999, type##_b = (type)0.001;                                  \
    static double type##_peak(void) {                                                                                  \
        double fastest = 1e9;                                                                                          \
        for (int run = 0; run < RUNS; run++) {                                                                         \
            type##_vector chains[CHAINS], a = {0}, b = {0};                                                            \
            a += type##_a;                                                                                             \
            b += type##_b;                                                                                             \
            for (int i = 0; i < CHAINS; i++) chains[i] = a + (type)i;                                                  \
            const double began = seconds_now();                                                                        \
            for (int n = 0; n < ITERATIONS; n++) {                                                                     \
                for (int i = 0; i < CHAINS; i++) chains[i] = chains[i] * a + b;                                        \
            }                                                                                                          \
            const double elapsed = seconds_now() - began;                                                              \
            for (int i = 1; i < CHAINS; i++) chains[0] += chains[i];                                                   \
            type##_sink = chains[0][0];                                                                                \
            if (elapsed < fastest) fastest = elapsed;                                                                  \
        }                                                                                                              \
        return 2.0 * CHAINS * ITERATIONS * (VECTOR_BYTES / sizeof(type)) / fastest * 1e-9;                             \
    }

DEFINE_PEAK(float)
DEFINE_PEAK(double)

int main(void) {
    printf("{\"float32\":%.4g,\"float64\":%.4g}\n", float_peak(), double_peak());
    return 0;
}
