using .Microgpt: TrainingTask, document, learning_rate
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

zeros_like(matrices) = [zeros(size(matrix)) for matrix in matrices]

function Analytic(task::TrainingTask)
    return Analytic(task, 0, 0, deepcopy(task.parameters), zeros_like(task.parameters), zeros_like(task.parameters))
end

function step!(trainer::Analytic)
    loss, gradients = loss_and_gradient(trainer)
    rate = learning_rate(trainer.task, trainer.step)
    trainer.step += 1
    m_correction, v_correction = 1 / (1 - 0.85^trainer.step), 1 / (1 - 0.99^trainer.step)
    for (p, g, m, v) in zip(trainer.parameters, gradients, trainer.m, trainer.v)
        @. m = 0.85 * m + 0.15 * g
        @. v = 0.99 * v + 0.01 * g * g
        @. p -= rate * (m * m_correction) / (sqrt(v * v_correction) + 1e-8)
    end
    return loss
end

function reset!(trainer::Analytic, first_document)
    foreach(copyto!, trainer.parameters, trainer.task.parameters)
    foreach(matrix -> fill!(matrix, 0.0), trainer.m)
    foreach(matrix -> fill!(matrix, 0.0), trainer.v)
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
    loss = sum(first:(first + task.batch - 1)) do index
        tokens = document(task, index)
        share = 1 / (length(tokens) - 1) / task.batch
        document_gradient!(gradients, trainer.parameters, tokens, share, task)
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
    loss = -share * sum(log(probabilities[target, t]) for (t, target) in enumerate(targets))

    dlogits = share .* probabilities
    for (t, target) in enumerate(targets)
        dlogits[target, t] -= share
    end
    dlm_head .+= outer_product(dlogits, x)
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
