# The model's operations and their gradients. Activations are matrices [features, positions]; weights [outputs, inputs].

# Products by BLAS itself: for `*` every process would first compile loops for other kinds of matrices, which takes a second.

"a b"
product(a, b) = BLAS.gemm('N', 'N', a, b)
"aᵀ b"
transposed_product(a, b) = BLAS.gemm('T', 'N', a, b)
"a bᵀ"
outer_product(a, b) = BLAS.gemm('N', 'T', a, b)

"`x · (mean(x²) + 1e-5)^-0.5`, position by position, and what each position was multiplied by."
function rmsnorm(x)
    scale = 1 ./ sqrt.(sum(x .* x; dims = 1) ./ size(x, 1) .+ 1e-5)
    return x .* scale, scale
end

"The gradient of rmsnorm's input, from what it returned and the gradient `dy` of its output."
rmsnorm_gradient(y, scale, dy) = scale .* (dy .- y .* (sum(dy .* y; dims = 1) ./ size(y, 1)))

"Softmax of every column."
function softmax(x)
    exponentials = exp.(x .- reduce(max, x; dims = 1, init = -Inf))
    return exponentials ./ sum(exponentials; dims = 1)
end

"The rows of every head."
head_rows(n_embd, n_head) = [(head * (n_embd ÷ n_head) + 1):((head + 1) * (n_embd ÷ n_head)) for head in 0:(n_head - 1)]

"""
Each position looks at itself and those before it: returns the weights of every head, `[key position, query position]`,
and the values weighted so.
"""
function attend(q, k, v, n_head)
    n_embd, n = size(q)
    seen = [j <= t for j in 1:n, t in 1:n]
    attn_out = similar(q)
    weights = map(head_rows(n_embd, n_head)) do rows
        scores = transposed_product(k[rows, :], q[rows, :]) ./ sqrt(length(rows))
        attention = softmax(ifelse.(seen, scores, -Inf))
        attn_out[rows, :] = product(v[rows, :], attention)
        attention
    end
    return weights, attn_out
end

"The gradients of q, k and v, from the gradient of the attn_out values."
function attend_gradient(q, k, v, weights, dattn_out)
    dq, dk, dv = similar(q), similar(k), similar(v)
    for (rows, attention) in zip(head_rows(size(q, 1), length(weights)), weights)
        dattention = transposed_product(v[rows, :], dattn_out[rows, :])
        projection = sum(attention .* dattention; dims = 1)
        dscores = attention .* (dattention .- projection) ./ sqrt(length(rows))
        dq[rows, :] = product(k[rows, :], dscores)
        dk[rows, :] = outer_product(q[rows, :], dscores)
        dv[rows, :] = outer_product(dattn_out[rows, :], attention)
    end
    return dq, dk, dv
end

"One layer: what it makes of the residual stream, and what its gradient needs."
function layer(matrices, x, n_head)
    attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2 = matrices
    attn_norm, attn_scale = rmsnorm(x)
    q, k, v = product(attn_wq, attn_norm), product(attn_wk, attn_norm), product(attn_wv, attn_norm)
    weights, attn_out = attend(q, k, v, n_head)
    x = x + product(attn_wo, attn_out)
    mlp_norm, mlp_scale = rmsnorm(x)
    hidden = max.(product(mlp_fc1, mlp_norm), 0.0)
    x = x + product(mlp_fc2, hidden)
    return x, (; attn_norm, attn_scale, q, k, v, weights, attn_out, mlp_norm, mlp_scale, hidden)
end

"Adds to the gradients of a layer's matrices and returns that of its input, from that of its output."
function layer_gradient!(dmatrices, matrices, saved, dx)
    attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2 = matrices
    dattn_wq, dattn_wk, dattn_wv, dattn_wo, dmlp_fc1, dmlp_fc2 = dmatrices
    dhidden = transposed_product(mlp_fc2, dx) .* (saved.hidden .> 0)
    dmlp_fc2 .+= outer_product(dx, saved.hidden)
    dmlp_fc1 .+= outer_product(dhidden, saved.mlp_norm)
    dx = dx + rmsnorm_gradient(saved.mlp_norm, saved.mlp_scale, transposed_product(mlp_fc1, dhidden))

    dattn_wo .+= outer_product(dx, saved.attn_out)
    dq, dk, dv = attend_gradient(saved.q, saved.k, saved.v, saved.weights, transposed_product(attn_wo, dx))
    dattn_wq .+= outer_product(dq, saved.attn_norm)
    dattn_wk .+= outer_product(dk, saved.attn_norm)
    dattn_wv .+= outer_product(dv, saved.attn_norm)
    dattn_norm = transposed_product(attn_wq, dq) + transposed_product(attn_wk, dk) + transposed_product(attn_wv, dv)
    return dx + rmsnorm_gradient(saved.attn_norm, saved.attn_scale, dattn_norm)
end
