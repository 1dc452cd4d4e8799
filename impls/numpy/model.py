"""The model's operations and their gradients. Activations are [positions, features], weights [outputs, inputs]."""

import numpy as np


def rmsnorm(x):
    """x · (mean(x²) + 1e-5)^-0.5 by row, and what each row was multiplied by."""
    scale = 1 / np.sqrt(np.mean(x * x, axis=-1, keepdims=True) + 1e-5)
    return x * scale, scale


def rmsnorm_backward(y, scale, dy):
    """The gradient of rmsnorm's input, from what it returned and the gradient of its output."""
    return scale * (dy - y * np.mean(dy * y, axis=-1, keepdims=True))


def softmax(x):
    exps = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return exps / np.sum(exps, axis=-1, keepdims=True)


def split_heads(x, n_head):
    """[positions, features] → [heads, positions, head_dim]"""
    return x.reshape(len(x), n_head, -1).swapaxes(0, 1)


def join_heads(x):
    """[heads, positions, head_dim] → [positions, features]"""
    return x.swapaxes(0, 1).reshape(x.shape[1], -1)


def attention(q, k, v):
    """Each position reads from itself and those before it. All [heads, positions, head_dim]; also returns the weights."""
    _, n, head_dim = q.shape
    scores = q @ k.swapaxes(1, 2) / head_dim**0.5
    scores = np.where(np.tri(n, dtype=bool), scores, -np.inf)
    attn_weights = softmax(scores)
    return attn_weights @ v, attn_weights


def attention_backward(q, k, v, attn_weights, dattn_out):
    """The gradients of q, k and v, from that of what attention returned."""
    dattn_weights = dattn_out @ v.swapaxes(1, 2)
    projection = np.sum(attn_weights * dattn_weights, axis=-1, keepdims=True)
    dscores = attn_weights * (dattn_weights - projection) / q.shape[2] ** 0.5
    return dscores @ k, dscores.swapaxes(1, 2) @ q, attn_weights.swapaxes(1, 2) @ dattn_out


def layer(w, x, n_head):
    """One layer: what it makes of the residual stream, and the activations that its gradient needs."""
    attn_norm, attn_scale = rmsnorm(x)
    q, k, v = (split_heads(attn_norm @ w[name].T, n_head) for name in ("attn_wq", "attn_wk", "attn_wv"))
    heads, attn_weights = attention(q, k, v)
    attn_out = join_heads(heads)
    x = x + attn_out @ w["attn_wo"].T

    mlp_norm, mlp_scale = rmsnorm(x)
    hidden = np.maximum(mlp_norm @ w["mlp_fc1"].T, 0)
    x = x + hidden @ w["mlp_fc2"].T
    return x, (attn_norm, attn_scale, q, k, v, attn_weights, attn_out, mlp_norm, mlp_scale, hidden)


def layer_backward(w, dw, activations, dx):
    """Adds to the gradients `dw` of the layer's matrices and returns that of its input, from that of its output."""
    attn_norm, attn_scale, q, k, v, attn_weights, attn_out, mlp_norm, mlp_scale, hidden = activations
    dw["mlp_fc2"] += dx.T @ hidden
    dhidden = (dx @ w["mlp_fc2"]) * (hidden > 0)
    dw["mlp_fc1"] += dhidden.T @ mlp_norm
    dx = dx + rmsnorm_backward(mlp_norm, mlp_scale, dhidden @ w["mlp_fc1"])

    dw["attn_wo"] += dx.T @ attn_out
    dheads = split_heads(dx @ w["attn_wo"], len(q))
    dattn_norm = 0
    for name, dhead in zip(("attn_wq", "attn_wk", "attn_wv"), attention_backward(q, k, v, attn_weights, dheads)):
        dy = join_heads(dhead)
        dw[name] += dy.T @ attn_norm
        dattn_norm = dattn_norm + dy @ w[name]
    return dx + rmsnorm_backward(attn_norm, attn_scale, dattn_norm)


def document_gradient(model, gradient, n_head, tokens, share):
    """Adds the gradient of `share` times the sum of a document's losses to `gradient`, and returns that loss."""
    inputs, targets = tokens[:-1], tokens[1:]
    positions = np.arange(len(inputs))
    embedding, embedding_scale = rmsnorm(model["wte"][inputs] + model["wpe"][: len(inputs)])
    x, saved = embedding, []
    for w in model["layers"]:
        x, activations = layer(w, x, n_head)
        saved.append(activations)
    probabilities = softmax(x @ model["lm_head"].T)
    loss = -share * np.sum(np.log(probabilities[positions, targets]))

    dlogits = probabilities
    dlogits[positions, targets] -= 1
    dlogits *= share
    gradient["lm_head"] += dlogits.T @ x
    dx = dlogits @ model["lm_head"]
    for w, dw, activations in zip(model["layers"][::-1], gradient["layers"][::-1], saved[::-1]):
        dx = layer_backward(w, dw, activations, dx)
    dembedding = rmsnorm_backward(embedding, embedding_scale, dx)
    np.add.at(gradient["wte"], inputs, dembedding)  # a token may come more than once
    gradient["wpe"][: len(inputs)] += dembedding
    return loss
