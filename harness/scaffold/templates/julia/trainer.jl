using .Microgpt: TrainingTask, document, learning_rate, zeros_like
import .Microgpt: gradient, parameters, reset!, step!

"Trains by recording every step on a tape. Plain and slow: replace its parts one at a time, and check after each."
mutable struct ScalarTrainer
    task::TrainingTask
    first_document::Int
    step::Int
    parameters::Vector{Matrix{Float64}}
    m::Vector{Matrix{Float64}}
    v::Vector{Matrix{Float64}}
end

function ScalarTrainer(task::TrainingTask)
    return ScalarTrainer(task, 0, 0, deepcopy(task.parameters), zeros_like(task.parameters), zeros_like(task.parameters))
end

function step!(trainer::ScalarTrainer)
    loss, gradients = loss_and_gradient(trainer)
    rate = learning_rate(trainer.task, trainer.step)
    trainer.step += 1
    for (p, g, m, v) in zip(trainer.parameters, gradients, trainer.m, trainer.v)
        @. m = 0.85 * m + 0.15 * g
        @. v = 0.99 * v + 0.01 * g * g
        m_hat, v_hat = m ./ (1 - 0.85^trainer.step), v ./ (1 - 0.99^trainer.step)
        @. p -= rate * m_hat / (sqrt(v_hat) + 1e-8)
    end
    return loss
end

function reset!(trainer::ScalarTrainer, first_document)
    fresh = ScalarTrainer(trainer.task)
    trainer.first_document, trainer.step = first_document, 0
    trainer.parameters, trainer.m, trainer.v = fresh.parameters, fresh.m, fresh.v
    return nothing
end

parameters(trainer::ScalarTrainer) = trainer.parameters

gradient(trainer::ScalarTrainer) = loss_and_gradient(trainer)[2]

function loss_and_gradient(trainer)
    task, tape = trainer.task, Tape()
    leaves = [map(value -> node!(tape, value), matrix) for matrix in trainer.parameters]
    losses, shares = Node[], Node[]
    first = trainer.first_document + trainer.step * task.batch
    for index in first:(first + task.batch - 1)
        positions = document_losses!(tape, task, leaves, document(task, index))
        share = node!(tape, 1 / length(positions) / task.batch)
        append!(losses, positions)
        append!(shares, fill(share, length(positions)))
    end
    loss = dot!(tape, losses, shares)
    gradients = gradient_of(tape, loss)
    return tape.values[loss], [gradients[matrix] for matrix in leaves]
end

"The loss of each position of a document."
function document_losses!(tape, task, leaves, tokens)
    wte, wpe, lm_head = leaves
    size_of_head = task.n_embd ÷ task.n_head
    caches = [(Vector{Node}[], Vector{Node}[]) for _ in 1:(task.n_layer)]
    losses = Node[]
    for position in 1:(length(tokens) - 1)
        x = rmsnorm!(tape, add!(tape, wte[tokens[position], :], wpe[position, :]))
        for (index, (keys, values)) in enumerate(caches)
            attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2 = leaves[(6 * index - 2):(6 * index + 3)]
            attn_norm = rmsnorm!(tape, x)
            q = linear!(tape, attn_wq, attn_norm)
            push!(keys, linear!(tape, attn_wk, attn_norm))
            push!(values, linear!(tape, attn_wv, attn_norm))
            attn_out = Node[]
            for start in 1:size_of_head:(task.n_embd)
                head = start:(start + size_of_head - 1)
                scores = [dot!(tape, q[head], key[head]) for key in keys]
                weights = softmax!(tape, scores, 1 / sqrt(size_of_head))
                append!(attn_out, [dot!(tape, weights, [value[i] for value in values]) for i in head])
            end
            x = add!(tape, linear!(tape, attn_wo, attn_out), x)
            x = add!(tape, linear!(tape, mlp_fc2, relu!(tape, linear!(tape, mlp_fc1, rmsnorm!(tape, x)))), x)
        end
        target = softmax!(tape, linear!(tape, lm_head, x), 1.0)[tokens[position + 1]]
        p = tape.values[target]
        push!(losses, node!(tape, -log(p), [(target, -1 / p)]))
    end
    return losses
end
