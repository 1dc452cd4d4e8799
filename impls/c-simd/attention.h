#ifndef ATTENTION_H
#define ATTENTION_H

#include <stddef.h>

/* One document's attention, in `columns` of activations [features][columns]; a document begins at a multiple of 8. */
typedef struct {
    int columns;     /* of all activations: floats from one feature to the next */
    int first;       /* the document's first column */
    int n;           /* its positions */
    int heads, size; /* features a head */
} attention_shape;

/*
 * From q, k, v to the mixed values. `weights` [heads][round_up(n, 8)][round_up(n, 8)] keeps the softmax, key by key: row j has
 * the weight that each position t gives to position j.
 */
void attend(attention_shape shape, const float *q, const float *k, const float *v, float *weights, float *mixed);

/* From the gradient of the mixed values to those of q, k and v, which are overwritten. */
void attend_backward(attention_shape shape, const float *q, const float *k, const float *v, const float *weights, const float *dmixed,
                     float *dq, float *dk, float *dv);

#endif
