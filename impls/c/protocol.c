/* The line protocol, version 2: words come on standard input, every answer is one line of JSON on standard output. */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#if defined(__SSE2__)
#include <immintrin.h>
#endif
#if defined(_WIN32)
#include <windows.h>
#endif

#include "trainer.h"

/*
 * Over a long run the moments of unused rows and the tails of a softmax sink into subnormal numbers, which most
 * processors handle several times slower. Flushed to zero they change no digit that the losses show.
 */
static void flush_subnormals_to_zero(void) {
#if defined(__SSE2__)
    const unsigned flush_to_zero = 0x8000, denormals_are_zero = 0x0040;
    _mm_setcsr(_mm_getcsr() | flush_to_zero | denormals_are_zero);
#elif defined(__aarch64__)
    unsigned long long control;
    __asm__ volatile("mrs %0, fpcr" : "=r"(control));
    __asm__ volatile("msr fpcr, %0" : : "r"(control | 1ull << 24));
#endif
}

static long long nanoseconds_now(void) {
#if defined(_WIN32)
    LARGE_INTEGER ticks, ticks_per_second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&ticks_per_second);
    return (long long)((double)ticks.QuadPart / (double)ticks_per_second.QuadPart * 1e9);
#else
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
#endif
}

/* Returns the number of steps trained: 0 where the argument is wrong. */
static int answer_train(trainer *trainer, const char *argument, int steps_left) {
    char *end;
    const long steps = strtol(argument, &end, 10);
    if (*argument == '\0' || *end != '\0' || steps < 1 || steps > steps_left) {
        printf("{\"error\":\"train wants 1 to %d steps, the rest of the schedule\"}\n", steps_left);
        return 0;
    }
    double *losses = malloc((size_t)steps * sizeof *losses);
    if (losses == NULL) abort();
    const long long began = nanoseconds_now();
    train(trainer, (int)steps, losses);
    const long long nanoseconds = nanoseconds_now() - began;
    fputs("{\"losses\":[", stdout);
    for (long i = 0; i < steps; i++) {
        if (i > 0) putchar(',');
        if (isfinite(losses[i])) printf("%.17g", losses[i]);
        else fputs("null", stdout);
    }
    printf("],\"nanoseconds\":%lld}\n", nanoseconds);
    free(losses);
    return (int)steps;
}

static void answer_file(const char *word, const char *path, const double *numbers, int count) {
    FILE *file = fopen(path, "wb");
    bool written = file != NULL && fwrite(numbers, sizeof *numbers, (size_t)count, file) == (size_t)count;
    if (file != NULL) written = fclose(file) == 0 && written;
    if (written) printf("{\"%s\":%d}\n", word, count);
    else printf("{\"error\":\"%s: cannot write the file: %s\"}\n", word, strerror(errno));
}

/*
 * Reads a line of any length, without its end, into memory that grows as needed; false at the end of input. POSIX has
 * getline for this, Windows does not.
 */
static bool read_line(char **line, size_t *capacity) {
    size_t length = 0;
    for (;;) {
        if (length + 1 >= *capacity) {
            *capacity = *capacity == 0 ? 256 : 2 * *capacity;
            *line = realloc(*line, *capacity);
            if (*line == NULL) abort();
        }
        const int character = getchar();
        if (character == EOF && length == 0) return false;
        if (character == EOF || character == '\n') break;
        (*line)[length++] = (char)character;
    }
    if (length > 0 && (*line)[length - 1] == '\r') length--;
    (*line)[length] = '\0';
    return true;
}

int main(int argument_count, char **arguments) {
    flush_subnormals_to_zero();
    const task task = read_task(argument_count, arguments);
    const char *unsupported = NULL;
    trainer *trainer = create_trainer(&task, &unsupported);
    if (trainer == NULL) {
        printf("{\"unsupported\":\"%s\"}\n", unsupported);
        return 0;
    }
    double *numbers = malloc((size_t)task.parameter_count * sizeof *numbers);
    if (numbers == NULL) abort();
    puts("{\"ready\":2}");
    fflush(stdout);

    char *line = NULL;
    size_t capacity = 0;
    for (int step = 0; read_line(&line, &capacity); fflush(stdout)) {
        char *space = strchr(line, ' ');
        const char *argument = space == NULL ? "" : space + 1;
        if (space != NULL) *space = '\0';

        if (strcmp(line, "train") == 0) {
            step += answer_train(trainer, argument, task.num_steps - step);
        } else if (strcmp(line, "reset") == 0) {
            char *end;
            const long long first_document = strtoll(argument, &end, 10);
            if (*argument == '\0' || *end != '\0' || first_document < 0) {
                puts("{\"error\":\"reset wants the number of the first document, 0 or more\"}");
                continue;
            }
            reset_trainer(trainer, first_document);
            step = 0;
            puts("{\"reset\":true}");
        } else if (strcmp(line, "parameters") == 0) {
            copy_parameters(trainer, numbers);
            answer_file(line, argument, numbers, task.parameter_count);
        } else if (strcmp(line, "gradients") == 0) {
            compute_gradient(trainer, numbers);
            answer_file(line, argument, numbers, task.parameter_count);
        } else if (strcmp(line, "quit") == 0) {
            break;
        } else {
            puts("{\"error\":\"unknown word: expected train, reset, parameters, gradients or quit\"}");
        }
    }
    free(line);
    free(numbers);
    return 0;
}
