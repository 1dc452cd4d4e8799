#ifndef TAPE_H
#define TAPE_H

/*
 * Every number of a computation in the order in which it was made, with its derivatives by the numbers it was made of.
 * A node is the index of a number; a vector is the index of its first: its numbers lie side by side.
 */
typedef int node;

/* Forgets everything. */
void clear_tape(void);

/* Adds to the derivatives of the number that is recorded next. */
void derivative(node input, double slope);

/* Records a number. */
node record(double value);

double value_of(node number);

/* What follows records a vector, or a number, and returns it. */
node dot(int size, node x, node y);
node linear(int rows, int columns, node matrix, node x);
node sum_of(int size, node x, node y);
node relu(int size, node x);
/* x · (mean(x²) + 1e-5)^-0.5 */
node rmsnorm(int size, node x);
/* Softmax of factor · x. */
node softmax(int size, node x, double factor);

/* The derivatives of `root` by the first `count` nodes. */
void gradient_of(node root, int count, double *gradient);

#endif
