# The model's operations and their gradients, written into memory that is reused. Activations are matrices [features, positions];
# the first `n` columns are in use. Weights are [outputs, inputs]. Arguments of one call never overlap; `ivdep` tells this to the
# compiler.

"y += w x. Four columns of `w` at a time, so that `y` is loaded and stored once for four products."
function add_product!(y, w, x, n)
    outputs, inputs = size(w)
    @inbounds for t in 1:n
        for i in 1:4:(inputs - 3)
            a, b, c, d = x[i, t], x[i + 1, t], x[i + 2, t], x[i + 3, t]
            @simd ivdep for o in 1:outputs
                y[o, t] += w[o, i] * a + w[o, i + 1] * b + w[o, i + 2] * c + w[o, i + 3] * d
            end
        end
        for i in (inputs - inputs % 4 + 1):inputs
            a = x[i, t]
            @simd ivdep for o in 1:outputs
                y[o, t] += w[o, i] * a
            end
        end
    end
    return nothing
end

"dx += wᵀ dy"
function add_transposed_product!(dx, w, dy, n)
    outputs, inputs = size(w)
    @inbounds for t in 1:n
        for i in 1:4:(inputs - 3)
            a = b = c = d = 0.0
            @simd ivdep for o in 1:outputs
                dyo = dy[o, t]
                a += w[o, i] * dyo
                b += w[o, i + 1] * dyo
                c += w[o, i + 2] * dyo
                d += w[o, i + 3] * dyo
            end
            dx[i, t] += a
            dx[i + 1, t] += b
            dx[i + 2, t] += c
            dx[i + 3, t] += d
        end
        for i in (inputs - inputs % 4 + 1):inputs
            a = 0.0
            @simd ivdep for o in 1:outputs
                a += w[o, i] * dy[o, t]
            end
            dx[i, t] += a
        end
    end
    return nothing
end

"dw += dy xᵀ. Four positions at a time."
function add_outer_products!(dw, dy, x, n)
    outputs, inputs = size(dw)
    @inbounds for i in 1:inputs
        for t in 1:4:(n - 3)
            a, b, c, d = x[i, t], x[i, t + 1], x[i, t + 2], x[i, t + 3]
            @simd ivdep for o in 1:outputs
                dw[o, i] += dy[o, t] * a + dy[o, t + 1] * b + dy[o, t + 2] * c + dy[o, t + 3] * d
            end
        end
        for t in (n - n % 4 + 1):n
            a = x[i, t]
            @simd ivdep for o in 1:outputs
                dw[o, i] += dy[o, t] * a
            end
        end
    end
    return nothing
end

function product!(y, w, x, n)
    clear!(y, n)
    return add_product!(y, w, x, n)
end

function transposed_product!(dx, w, dy, n)
    clear!(dx, n)
    return add_transposed_product!(dx, w, dy, n)
end

function relu!(x, n)
    @inbounds @simd ivdep for i in 1:(size(x, 1) * n)
        x[i] = max(x[i], 0.0)
    end
    return nothing
end

"The gradient of relu's input, from what it returned and the gradient `dy` of its output, which is overwritten."
function relu_gradient!(dy, y, n)
    @inbounds @simd ivdep for i in 1:(size(y, 1) * n)
        dy[i] = ifelse(y[i] > 0.0, dy[i], 0.0)
    end
    return nothing
end

"y = x · scale, where a position's scale is `(mean(x²) + 1e-5)^-0.5`."
function rmsnorm!(y, scale, x, n)
    features = size(x, 1)
    @inbounds for t in 1:n
        squares = 0.0
        @simd for i in 1:features
            squares += x[i, t]^2
        end
        factor = 1 / sqrt(squares / features + 1e-5)
        scale[t] = factor
        @simd ivdep for i in 1:features
            y[i, t] = factor * x[i, t]
        end
    end
    return nothing
end

"dx += the gradient of rmsnorm's input, from what it returned and the gradient `dy` of its output."
function add_rmsnorm_gradient!(dx, y, scale, dy, n)
    features = size(y, 1)
    @inbounds for t in 1:n
        projection = 0.0
        @simd for i in 1:features
            projection += dy[i, t] * y[i, t]
        end
        projection /= features
        factor = scale[t]
        @simd ivdep for i in 1:features
            dx[i, t] += factor * (dy[i, t] - y[i, t] * projection)
        end
    end
    return nothing
end

"Turns the first `count` entries of column `column` into their softmax."
function softmax!(x, column, count)
    @inbounds begin
        maximal = x[1, column]
        for i in 2:count
            maximal = max(maximal, x[i, column])
        end
        total = 0.0
        for i in 1:count
            x[i, column] = exp(x[i, column] - maximal)
            total += x[i, column]
        end
        factor = 1 / total
        @simd ivdep for i in 1:count
            x[i, column] *= factor
        end
    end
    return nothing
end

"""
Each position looks at itself and those before it, head by head: from `q`, `k`, `v` to `attn_weights`, one matrix
`[key position, query position]` a head, and `attn_out`.
"""
function attend!(attn_out, attn_weights, q, k, v, n)
    head_dim = size(q, 1) ÷ length(attn_weights)
    factor = 1 / sqrt(head_dim)
    @inbounds for (head, weights) in enumerate(attn_weights)
        first, last = (head - 1) * head_dim + 1, head * head_dim
        for t in 1:n
            for j in 1:t
                score = 0.0
                @simd for i in first:last
                    score += q[i, t] * k[i, j]
                end
                weights[j, t] = score * factor
            end
            softmax!(weights, t, t)
            for i in first:last
                attn_out[i, t] = 0.0
            end
            for j in 1:t
                weight = weights[j, t]
                @simd ivdep for i in first:last
                    attn_out[i, t] += weight * v[i, j]
                end
            end
        end
    end
    return nothing
end

"The gradients of `q`, `k` and `v`, from that of `attn_out`."
function attend_gradient!(dq, dk, dv, attn_out, attn_weights, q, k, v, dattn_out, n)
    head_dim = size(q, 1) ÷ length(attn_weights)
    factor = 1 / sqrt(head_dim)
    clear!(dq, n)
    clear!(dk, n)
    clear!(dv, n)
    @inbounds for (head, weights) in enumerate(attn_weights)
        first, last = (head - 1) * head_dim + 1, head * head_dim
        for t in 1:n
            # Equal to the sum of weights times their gradients, which softmax's derivative takes away from each.
            projection = 0.0
            @simd for i in first:last
                projection += attn_out[i, t] * dattn_out[i, t]
            end
            for j in 1:t
                dweight = 0.0
                @simd for i in first:last
                    dweight += dattn_out[i, t] * v[i, j]
                end
                weight = weights[j, t]
                dscore = weight * (dweight - projection) * factor
                @simd ivdep for i in first:last
                    dv[i, j] += weight * dattn_out[i, t]
                    dq[i, t] += dscore * k[i, j]
                    dk[i, j] += dscore * q[i, t]
                end
            end
        end
    end
    return nothing
end

"Zeros in the first `n` columns."
function clear!(x, n)
    @inbounds @simd for i in 1:(size(x, 1) * n)
        x[i] = 0.0
    end
    return nothing
end

"One update of `p` by Adam; the corrections are 1 / (1 - βᵏ) after k steps."
function adam!(p, g, m, v, rate, m_correction, v_correction)
    @inbounds @simd ivdep for i in eachindex(p)
        m[i] = 0.85 * m[i] + 0.15 * g[i]
        v[i] = 0.99 * v[i] + 0.01 * g[i] * g[i]
        # Base's own square root looks for negative numbers first, and so is not vectorized.
        p[i] -= rate * m_correction * m[i] / (@fastmath(sqrt(v[i] * v_correction)) + 1e-8)
    end
    return nothing
end
