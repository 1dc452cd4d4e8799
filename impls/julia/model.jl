# The model's operations and their gradients. Activations are matrices [features, positions]; weights [outputs, inputs].

# Products by BLAS itself: for `*` every process would first compile loops for other kinds of matrices, which takes a second.

"a b"
product(a, b) = BLAS.gemm('N', 'N', a, b)
"aᵀ b"
transposed_product(a, b) = BLAS.gemm('T', 'N', a, b)
"a bᵀ"
outer_product(a, b) = BLAS.gemm('N', 'T', a, b)

"Adds `term` to `total`. A function of its own, so that it is compiled once."
@noinline function add!(total, term)
    total .+= term
    return nothing
end

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

"The rows of one head."
head_rows(n_embd, n_head, head) = ((head - 1) * (n_embd ÷ n_head) + 1):(head * (n_embd ÷ n_head))

"Sets the scores, `[key position, query position]`, of what comes after the query to -Inf, and returns them."
function hide_future!(scores)
    for t in axes(scores, 2), j in (t + 1):size(scores, 1)
        scores[j, t] = -Inf
    end
    return scores
end

"""
Each position looks at itself and those before it: returns the weights of every head, `[key position, query position]`,
and the values weighted so.
"""
function attend(q, k, v, n_head)
    weights, attn_out = Matrix{Float64}[], similar(q)
    for head in 1:n_head
        rows = head_rows(size(q, 1), n_head, head)
        scores = transposed_product(k[rows, :], q[rows, :]) ./ sqrt(length(rows))
        push!(weights, softmax(hide_future!(scores)))
        attn_out[rows, :] = product(v[rows, :], weights[head])
    end
    return weights, attn_out
end

"The gradients of q, k and v, from the gradient of the attn_out values."
function attend_gradient(q, k, v, weights, dattn_out)
    dq, dk, dv = similar(q), similar(k), similar(v)
    for head in eachindex(weights)
        rows, attention = head_rows(size(q, 1), length(weights), head), weights[head]
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
    add!(dmlp_fc2, outer_product(dx, saved.hidden))
    add!(dmlp_fc1, outer_product(dhidden, saved.mlp_norm))
    dx = dx + rmsnorm_gradient(saved.mlp_norm, saved.mlp_scale, transposed_product(mlp_fc1, dhidden))

    add!(dattn_wo, outer_product(dx, saved.attn_out))
    dq, dk, dv = attend_gradient(saved.q, saved.k, saved.v, saved.weights, transposed_product(attn_wo, dx))
    add!(dattn_wq, outer_product(dq, saved.attn_norm))
    add!(dattn_wk, outer_product(dk, saved.attn_norm))
    add!(dattn_wv, outer_product(dv, saved.attn_norm))
    dattn_norm = transposed_product(attn_wq, dq)
    add!(dattn_norm, transposed_product(attn_wk, dk))
    add!(dattn_norm, transposed_product(attn_wv, dv))
    return dx + rmsnorm_gradient(saved.attn_norm, saved.attn_scale, dattn_norm)
end
