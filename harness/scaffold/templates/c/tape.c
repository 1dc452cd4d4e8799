#include "tape.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    node input;
    double slope;
} edge;

static double *values, *gradients;
static int *edge_ends; /* number i owns the edges from edge_ends[i - 1] to edge_ends[i] */
static edge *edges;
static int length, capacity, edge_count, edge_capacity;

static void *enlarged(void *memory, int count, size_t size) {
    memory = realloc(memory, (size_t)count * size);
    if (memory == NULL) abort();
    return memory;
}

void clear_tape(void) { length = edge_count = 0; }

void derivative(node input, double slope) {
    if (edge_count == edge_capacity) {
        edge_capacity = 2 * edge_capacity + 1024;
        edges = enlarged(edges, edge_capacity, sizeof *edges);
    }
    edges[edge_count++] = (edge){input, slope};
}

node record(double value) {
    if (length == capacity) {
        capacity = 2 * capacity + 1024;
        values = enlarged(values, capacity, sizeof *values);
        gradients = enlarged(gradients, capacity, sizeof *gradients);
        edge_ends = enlarged(edge_ends, capacity, sizeof *edge_ends);
    }
    values[length] = value;
    edge_ends[length] = edge_count;
    return length++;
}

double value_of(node number) { return values[number]; }

node dot(int size, node x, node y) {
    double sum = 0;
    for (int i = 0; i < size; i++) {
        sum += values[x + i] * values[y + i];
        derivative(x + i, values[y + i]);
        derivative(y + i, values[x + i]);
    }
    return record(sum);
}

node linear(int rows, int columns, node matrix, node x) {
    const node first = length;
    for (int i = 0; i < rows; i++) dot(columns, matrix + i * columns, x);
    return first;
}

node sum_of(int size, node x, node y) {
    const node first = length;
    for (int i = 0; i < size; i++) {
        derivative(x + i, 1);
        derivative(y + i, 1);
        record(values[x + i] + values[y + i]);
    }
    return first;
}

node relu(int size, node x) {
    const node first = length;
    for (int i = 0; i < size; i++) {
        derivative(x + i, values[x + i] > 0);
        record(fmax(values[x + i], 0));
    }
    return first;
}

node rmsnorm(int size, node x) {
    double squares = 0;
    for (int i = 0; i < size; i++) squares += values[x + i] * values[x + i];
    const double s = 1 / sqrt(squares / size + 1e-5);
    for (int i = 0; i < size; i++) derivative(x + i, -s * s * s * values[x + i] / size);
    const node scale = record(s), first = length;
    for (int i = 0; i < size; i++) dot(1, x + i, scale);
    return first;
}

node softmax(int size, node x, double factor) {
    const node first = length;
    double maximum = values[x], sum = 0;
    for (int i = 1; i < size; i++) maximum = fmax(maximum, values[x + i]);
    for (int i = 0; i < size; i++) sum += exp(factor * (values[x + i] - maximum));
    for (int i = 0; i < size; i++) {
        const double own = exp(factor * (values[x + i] - maximum)) / sum;
        for (int j = 0; j < size; j++) derivative(x + j, factor * own * ((i == j) - exp(factor * (values[x + j] - maximum)) / sum));
        record(own);
    }
    return first;
}

void gradient_of(node root, int count, double *gradient) {
    memset(gradients, 0, (size_t)length * sizeof *gradients);
    gradients[root] = 1;
    for (node i = root; i >= 0; i--) {
        for (int e = i == 0 ? 0 : edge_ends[i - 1]; e < edge_ends[i]; e++) {
            gradients[edges[e].input] += edges[e].slope * gradients[i];
        }
    }
    memcpy(gradient, gradients, (size_t)count * sizeof *gradient);
}
