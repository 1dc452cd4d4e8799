#ifndef ATTENTION_H
#define ATTENTION_H

#include <stddef.h>

/* Documents are names or lines: beyond this the weights of attention would take more memory than they are worth. */
#define LONGEST_BLOCK 1024

/*
 * One document's attention, in `columns` of activations [features][columns]. Up to a tile of columns behind the document is
 * overwritten: the documents of a step come in order, and the next one writes its own.
 */
typedef struct {
    int columns;     /* of all activations: floats from one feature to the next */
    int first;       /* the document's first column */
    int n;           /* its positions */
    int heads, size; /* features a head */
} attention_shape;

/* Floats that one document's softmax weights take. */
size_t attention_floats(attention_shape shape);

/*
 * From q, k, v to attn_out. `weights` [heads][keys][positions], both padded to tiles, keeps the softmax: row j has the weight
 * that each position t gives to position j.
 */
void attend(attention_shape shape, const float *q, const float *k, const float *v, float *weights, float *attn_out);

/* From the gradient of attn_out to those of q, k and v, which are overwritten. */
void attend_backward(attention_shape shape, const float *q, const float *k, const float *v, const float *weights, const float *dattn_out,
                     float *dq, float *dk, float *dv);

#endif
