using .Microgpt: TrainingTask, document, learning_rate, zeros_like
import .Microgpt: gradient, parameters, reset!, step!

"Trains by gradients written out by hand, one document after the other."
mutable struct Analytic
    task::TrainingTask
    first_document::Int
    step::Int
    parameters::Vector{Matrix{Float64}}
    m::Vector{Matrix{Float64}}
    v::Vector{Matrix{Float64}}
end

function Analytic(task::TrainingTask)
    return Analytic(task, 0, 0, deepcopy(task.parameters), zeros_like(task.parameters), zeros_like(task.parameters))
end

function step!(trainer::Analytic)
    loss, gradients = loss_and_gradient(trainer)
    rate = learning_rate(trainer.task, trainer.step)
    trainer.step += 1
    m_correction, v_correction = 1 / (1 - 0.85^trainer.step), 1 / (1 - 0.99^trainer.step)
    for i in eachindex(gradients)
        p, g, m, v = trainer.parameters[i], gradients[i], trainer.m[i], trainer.v[i]
        @. m = 0.85 * m + 0.15 * g
        @. v = 0.99 * v + 0.01 * g * g
        @. p -= rate * (m * m_correction) / (sqrt(v * v_correction) + 1e-8)
    end
    return loss
end

function reset!(trainer::Analytic, first_document)
    for i in eachindex(trainer.parameters)
        copyto!(trainer.parameters[i], trainer.task.parameters[i])
        fill!(trainer.m[i], 0.0)
        fill!(trainer.v[i], 0.0)
    end
    trainer.first_document = first_document
    trainer.step = 0
    return nothing
end

parameters(trainer::Analytic) = trainer.parameters

gradient(trainer::Analytic) = loss_and_gradient(trainer)[2]

"The loss of the next step, and its gradient by every matrix."
function loss_and_gradient(trainer)
    task = trainer.task
    gradients = zeros_like(trainer.parameters)
    first = trainer.first_document + trainer.step * task.batch
    loss = 0.0
    for index in first:(first + task.batch - 1)
        tokens = document(task, index)
        share = 1 / (length(tokens) - 1) / task.batch
        loss += document_gradient!(gradients, trainer.parameters, tokens, share, task)
    end
    return loss, gradients
end

"The matrices of one layer among all of them."
layer_matrices(matrices, index) = matrices[(6 * index - 2):(6 * index + 3)]

"Adds the gradient of `share` times the sum of a document's losses to `gradients`, and returns that loss."
function document_gradient!(gradients, matrices, tokens, share, task)
    wte, wpe, lm_head = matrices
    dwte, dwpe, dlm_head = gradients
    inputs, targets = tokens[1:(end - 1)], tokens[2:end]
    embedding, scale = rmsnorm(permutedims(wte[inputs, :] .+ wpe[1:length(inputs), :]))

    x = embedding
    saved = NamedTuple[]
    for index in 1:(task.n_layer)
        x, activations = layer(layer_matrices(matrices, index), x, task.n_head)
        push!(saved, activations)
    end
    probabilities = softmax(product(lm_head, x))

    loss = 0.0
    dlogits = share .* probabilities
    for (t, target) in enumerate(targets)
        loss -= share * log(probabilities[target, t])
        dlogits[target, t] -= share
    end
    add!(dlm_head, outer_product(dlogits, x))
    dx = transposed_product(lm_head, dlogits)
    for index in (task.n_layer):-1:1
        dx = layer_gradient!(layer_matrices(gradients, index), layer_matrices(matrices, index), saved[index], dx)
    end
    dembedding = rmsnorm_gradient(embedding, scale, dx)
    for (t, token) in enumerate(inputs)
        dwte[token, :] .+= dembedding[:, t]
        dwpe[t, :] .+= dembedding[:, t]
    end
    return loss
end
