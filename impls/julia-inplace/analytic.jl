using .Microgpt: TrainingTask, document, learning_rate, zeros_like
import .Microgpt: gradient, parameters, reset!, step!

"What one layer's gradient needs of its way forward. All [features, positions]."
struct Activations
    attn_norm::Matrix{Float64}
    attn_scale::Vector{Float64}
    q::Matrix{Float64}
    k::Matrix{Float64}
    v::Matrix{Float64}
    attn_weights::Vector{Matrix{Float64}}
    attn_out::Matrix{Float64}
    mlp_norm::Matrix{Float64}
    mlp_scale::Vector{Float64}
    hidden::Matrix{Float64}
end

function Activations(task)
    stream() = zeros(task.n_embd, task.block_size)
    scale() = zeros(task.block_size)
    weights = Matrix{Float64}[]
    for _ in 1:(task.n_head)
        push!(weights, zeros(task.block_size, task.block_size))
    end
    hidden = zeros(4 * task.n_embd, task.block_size)
    return Activations(stream(), scale(), stream(), stream(), stream(), weights, stream(), stream(), scale(), hidden)
end

"Trains by gradients written out by hand, in memory that is allocated once."
mutable struct Inplace
    task::TrainingTask
    "Of step 0."
    first_document::Int
    step::Int
    parameters::Vector{Matrix{Float64}}
    gradients::Vector{Matrix{Float64}}
    m::Vector{Matrix{Float64}}
    v::Vector{Matrix{Float64}}
    layers::Vector{Activations}
    embedding::Matrix{Float64}
    embedding_scale::Vector{Float64}
    "The residual stream."
    x::Matrix{Float64}
    "Logits, then probabilities, then the gradient of the logits."
    logits::Matrix{Float64}
    dx::Matrix{Float64}
    "The gradient inside a branch of the residual stream."
    dbranch::Matrix{Float64}
    dq::Matrix{Float64}
    dk::Matrix{Float64}
    dv::Matrix{Float64}
    dhidden::Matrix{Float64}
end

function Inplace(task::TrainingTask)
    layers = Activations[]
    for _ in 1:(task.n_layer)
        push!(layers, Activations(task))
    end
    stream() = zeros(task.n_embd, task.block_size)
    return Inplace(
        task,
        0,
        0,
        deepcopy(task.parameters),
        zeros_like(task.parameters),
        zeros_like(task.parameters),
        zeros_like(task.parameters),
        layers,
        stream(),
        zeros(task.block_size),
        stream(),
        zeros(task.vocab_size, task.block_size),
        stream(),
        stream(),
        stream(),
        stream(),
        stream(),
        zeros(4 * task.n_embd, task.block_size),
    )
end

function step!(trainer::Inplace)
    loss = loss_and_gradient!(trainer)
    rate = learning_rate(trainer.task, trainer.step)
    trainer.step += 1
    m_correction, v_correction = 1 / (1 - 0.85^trainer.step), 1 / (1 - 0.99^trainer.step)
    for i in eachindex(trainer.parameters)
        p, g, m, v = trainer.parameters[i], trainer.gradients[i], trainer.m[i], trainer.v[i]
        adam!(p, g, m, v, rate, m_correction, v_correction)
    end
    return loss
end

function reset!(trainer::Inplace, first_document)
    for i in eachindex(trainer.parameters)
        copyto!(trainer.parameters[i], trainer.task.parameters[i])
        fill!(trainer.m[i], 0.0)
        fill!(trainer.v[i], 0.0)
    end
    trainer.first_document = first_document
    trainer.step = 0
    return nothing
end

parameters(trainer::Inplace) = trainer.parameters

function gradient(trainer::Inplace)
    loss_and_gradient!(trainer)
    return trainer.gradients
end

"The loss of the next step; its gradient is in `trainer.gradients` afterwards."
function loss_and_gradient!(trainer)
    task = trainer.task
    for matrix in trainer.gradients
        fill!(matrix, 0.0)
    end
    first = trainer.first_document + trainer.step * task.batch
    loss = 0.0
    for index in first:(first + task.batch - 1)
        tokens = document(task, index)
        share = 1 / (length(tokens) - 1) / task.batch
        forward!(trainer, tokens)
        loss += share * loss_and_dlogits!(trainer.logits, tokens, share)
        backward!(trainer, tokens)
    end
    return loss
end

"The six matrices of a layer."
layer_matrices(matrices, index) = ntuple(i -> matrices[6 * index - 3 + i], Val(6))

"From a document's tokens to the logits of its positions."
function forward!(trainer, tokens)
    n = length(tokens) - 1
    x = trainer.x
    wte, wpe, lm_head = trainer.parameters[1], trainer.parameters[2], trainer.parameters[3]
    @inbounds for t in 1:n, i in axes(x, 1)
        trainer.embedding[i, t] = wte[tokens[t], i] + wpe[t, i]
    end
    rmsnorm!(x, trainer.embedding_scale, trainer.embedding, n)
    copyto!(trainer.embedding, 1, x, 1, size(x, 1) * n)

    for (index, layer) in enumerate(trainer.layers)
        attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2 = layer_matrices(trainer.parameters, index)
        rmsnorm!(layer.attn_norm, layer.attn_scale, x, n)
        product!(layer.q, attn_wq, layer.attn_norm, n)
        product!(layer.k, attn_wk, layer.attn_norm, n)
        product!(layer.v, attn_wv, layer.attn_norm, n)
        attend!(layer.attn_out, layer.attn_weights, layer.q, layer.k, layer.v, n)
        add_product!(x, attn_wo, layer.attn_out, n)

        rmsnorm!(layer.mlp_norm, layer.mlp_scale, x, n)
        product!(layer.hidden, mlp_fc1, layer.mlp_norm, n)
        relu!(layer.hidden, n)
        add_product!(x, mlp_fc2, layer.hidden, n)
    end
    product!(trainer.logits, lm_head, x, n)
    return nothing
end

"The sum of the losses of a document's positions; turns their logits into the gradient of `share` times that sum."
function loss_and_dlogits!(logits, tokens, share)
    loss = 0.0
    @inbounds for t in 1:(length(tokens) - 1)
        softmax!(logits, t, size(logits, 1))
        loss -= log(logits[tokens[t + 1], t])
        logits[tokens[t + 1], t] -= 1
        @simd ivdep for i in axes(logits, 1)
            logits[i, t] *= share
        end
    end
    return loss
end

"From the gradient of the logits to that of every matrix, which it is added to."
function backward!(trainer, tokens)
    n = length(tokens) - 1
    dx, dbranch, dhidden, dlogits = trainer.dx, trainer.dbranch, trainer.dhidden, trainer.logits
    dwte, dwpe, dlm_head = trainer.gradients[1], trainer.gradients[2], trainer.gradients[3]
    add_outer_products!(dlm_head, dlogits, trainer.x, n)
    transposed_product!(dx, trainer.parameters[3], dlogits, n)

    for index in length(trainer.layers):-1:1
        layer = trainer.layers[index]
        attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2 = layer_matrices(trainer.parameters, index)
        dattn_wq, dattn_wk, dattn_wv, dattn_wo, dmlp_fc1, dmlp_fc2 = layer_matrices(trainer.gradients, index)
        add_outer_products!(dmlp_fc2, dx, layer.hidden, n)
        transposed_product!(dhidden, mlp_fc2, dx, n)
        relu_gradient!(dhidden, layer.hidden, n)
        add_outer_products!(dmlp_fc1, dhidden, layer.mlp_norm, n)
        transposed_product!(dbranch, mlp_fc1, dhidden, n)
        add_rmsnorm_gradient!(dx, layer.mlp_norm, layer.mlp_scale, dbranch, n)

        add_outer_products!(dattn_wo, dx, layer.attn_out, n)
        transposed_product!(dbranch, attn_wo, dx, n)
        dq, dk, dv = trainer.dq, trainer.dk, trainer.dv
        attend_gradient!(dq, dk, dv, layer.attn_out, layer.attn_weights, layer.q, layer.k, layer.v, dbranch, n)
        add_outer_products!(dattn_wq, dq, layer.attn_norm, n)
        add_outer_products!(dattn_wk, dk, layer.attn_norm, n)
        add_outer_products!(dattn_wv, dv, layer.attn_norm, n)
        transposed_product!(dbranch, attn_wq, dq, n)
        add_transposed_product!(dbranch, attn_wk, dk, n)
        add_transposed_product!(dbranch, attn_wv, dv, n)
        add_rmsnorm_gradient!(dx, layer.attn_norm, layer.attn_scale, dbranch, n)
    end

    clear!(dbranch, n)
    add_rmsnorm_gradient!(dbranch, trainer.embedding, trainer.embedding_scale, dx, n)
    @inbounds for t in 1:n, i in axes(dbranch, 1)
        dwte[tokens[t], i] += dbranch[i, t]
        dwpe[t, i] += dbranch[i, t]
    end
    return nothing
end
