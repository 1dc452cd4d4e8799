# The model's operations and their gradients. Activations are matrices [features, positions]; weights [outputs, inputs].

"`x · (mean(x²) + 1e-5)^-0.5`, position by position, and what each position was multiplied by."
function rmsnorm(x)
    scale = 1 ./ sqrt.(sum(abs2, x; dims = 1) ./ size(x, 1) .+ 1e-5)
    return x .* scale, scale
end

"The gradient of rmsnorm's input, from what it returned and the gradient `dy` of its output."
rmsnorm_gradient(y, scale, dy) = scale .* (dy .- y .* (sum(dy .* y; dims = 1) ./ size(y, 1)))

"Softmax of every column."
function softmax(x)
    exponentials = exp.(x .- maximum(x; dims = 1))
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
    mixed = similar(q)
    weights = map(head_rows(n_embd, n_head)) do rows
        scores = k[rows, :]' * q[rows, :] ./ sqrt(length(rows))
        attention = softmax(ifelse.(seen, scores, -Inf))
        mixed[rows, :] = v[rows, :] * attention
        attention
    end
    return weights, mixed
end

"The gradients of q, k and v, from the gradient of the mixed values."
function attend_gradient(q, k, v, weights, dmixed)
    dq, dk, dv = similar(q), similar(k), similar(v)
    for (rows, attention) in zip(head_rows(size(q, 1), length(weights)), weights)
        dattention = v[rows, :]' * dmixed[rows, :]
        projection = sum(attention .* dattention; dims = 1)
        dscores = attention .* (dattention .- projection) ./ sqrt(length(rows))
        dq[rows, :] = k[rows, :] * dscores
        dk[rows, :] = q[rows, :] * dscores'
        dv[rows, :] = dmixed[rows, :] * attention'
    end
    return dq, dk, dv
end

"One layer: what it makes of the residual stream, and what its gradient needs."
function layer(matrices, x, n_head)
    wq, wk, wv, wo, fc1, fc2 = matrices
    normed1, scale1 = rmsnorm(x)
    q, k, v = wq * normed1, wk * normed1, wv * normed1
    weights, mixed = attend(q, k, v, n_head)
    x = x + wo * mixed
    normed2, scale2 = rmsnorm(x)
    hidden = max.(fc1 * normed2, 0.0)
    x = x + fc2 * hidden
    return x, (; normed1, scale1, q, k, v, weights, mixed, normed2, scale2, hidden)
end

"Adds to the gradients of a layer's matrices and returns that of its input, from that of its output."
function layer_gradient!(dmatrices, matrices, saved, dx)
    wq, wk, wv, wo, fc1, fc2 = matrices
    dwq, dwk, dwv, dwo, dfc1, dfc2 = dmatrices
    dhidden = (fc2' * dx) .* (saved.hidden .> 0)
    dfc2 .+= dx * saved.hidden'
    dfc1 .+= dhidden * saved.normed2'
    dx = dx + rmsnorm_gradient(saved.normed2, saved.scale2, fc1' * dhidden)

    dwo .+= dx * saved.mixed'
    dq, dk, dv = attend_gradient(saved.q, saved.k, saved.v, saved.weights, wo' * dx)
    dwq .+= dq * saved.normed1'
    dwk .+= dk * saved.normed1'
    dwv .+= dv * saved.normed1'
    return dx + rmsnorm_gradient(saved.normed1, saved.scale1, wq' * dq + wk' * dk + wv' * dv)
end
