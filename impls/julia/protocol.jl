"""
The task and the line protocol, version 2, that all trainers in Julia share; `impls/README.md` describes both.
A trainer is a type with a constructor from a `TrainingTask` and methods of `step!`, `reset!`, `parameters` and `gradient`.
"""
module Microgpt

export TrainingTask, document, learning_rate, serve, zeros_like

# This takes longer to compile, in every process anew, than to run.
Base.Experimental.@optlevel 1

"What is trained: the flags and the files behind them, read once and never changed."
struct TrainingTask
    vocab_size::Int
    n_embd::Int
    n_head::Int
    n_layer::Int
    block_size::Int
    "Documents a step."
    batch::Int
    "Length of the learning-rate schedule."
    num_steps::Int
    "Learning rate of the first step."
    learning_rate::Float64
    "Token ids, counted from 1 as Julia counts rows."
    documents::Vector{Vector{Int}}
    "Start parameters: wte, wpe, lm_head, then per layer attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2, each `[outputs, inputs]`."
    parameters::Vector{Matrix{Float64}}
end

"Trains one step and returns its loss, computed before the update."
function step! end

"Back to step 0, whose documents begin with `first_document`: start parameters, empty moments."
function reset! end

"The current parameters, matrix by matrix as in the task."
function parameters end

"The gradient of the next step's loss, matrix by matrix; changes nothing that training sees."
function gradient end

"The document of that number, counted from 0 and modulo the number of documents."
document(task, index) = task.documents[mod(index, length(task.documents)) + 1]

"The learning rate of a step, counted from 0."
learning_rate(task, step) = task.learning_rate * (1 - step / task.num_steps)

"Reads the flags and their files."
function read_task(arguments)
    whole(name) = parse(Int, flag(arguments, name))
    vocab_size, n_embd, n_layer, block_size = whole("--vocab-size"), whole("--n-embd"), whole("--n-layer"), whole("--block-size")
    return TrainingTask(
        vocab_size,
        n_embd,
        whole("--n-head"),
        n_layer,
        block_size,
        whole("--batch"),
        whole("--num-steps"),
        parse(Float64, flag(arguments, "--learning-rate")),
        cut_documents(elements(Int32, flag(arguments, "--tokens")), elements(Int32, flag(arguments, "--offsets"))),
        from_rows!(empty_matrices(vocab_size, n_embd, n_layer, block_size), elements(Float64, flag(arguments, "--parameters"))),
    )
end

# Plain loops here and below: each broadcast or generator would be compiled anew in every process.

function flag(arguments, name)
    for i in 1:2:(length(arguments) - 1)
        arguments[i] == name && return arguments[i + 1]
    end
    return error("$name is missing")
end

"The numbers of a file, which stand in little-endian order."
function elements(type, path)
    numbers = Vector{type}(undef, filesize(path) ÷ sizeof(type))
    file = open(path)
    read!(file, numbers)
    close(file)
    for i in eachindex(numbers)
        numbers[i] = ltoh(numbers[i])
    end
    return numbers
end

"Token ids document by document, counted from 1."
function cut_documents(tokens, offsets)
    documents = Vector{Int}[]
    for d in 1:(length(offsets) - 1)
        document = Vector{Int}(undef, offsets[d + 1] - offsets[d])
        for t in eachindex(document)
            document[t] = tokens[offsets[d] + t] + 1
        end
        push!(documents, document)
    end
    return documents
end

"Matrices of the model's shapes."
function empty_matrices(vocab_size, n_embd, n_layer, block_size)
    rows, columns = [vocab_size, block_size, vocab_size], [n_embd, n_embd, n_embd]
    for _ in 1:n_layer
        append!(rows, [n_embd, n_embd, n_embd, n_embd, 4 * n_embd, n_embd])
        append!(columns, [n_embd, n_embd, n_embd, n_embd, n_embd, 4 * n_embd])
    end
    matrices = Matrix{Float64}[]
    for i in eachindex(rows)
        push!(matrices, Matrix{Float64}(undef, rows[i], columns[i]))
    end
    return matrices
end

"Fills matrices with numbers that stand row by row."
function from_rows!(matrices, numbers)
    taken = 0
    for matrix in matrices
        taken + length(matrix) <= length(numbers) || error("--parameters has only $(length(numbers)) numbers")
        for row in axes(matrix, 1), column in axes(matrix, 2)
            matrix[row, column] = numbers[taken += 1]
        end
    end
    taken == length(numbers) || error("--parameters has $(length(numbers)) numbers, this model $taken")
    return matrices
end

"Zeros in the shapes of these matrices."
function zeros_like(matrices)
    zeros_too = Matrix{Float64}[]
    for matrix in matrices
        push!(zeros_too, zeros(size(matrix)))
    end
    return zeros_too
end

"All matrices as little-endian numbers that stand row by row."
function to_rows(matrices)
    numbers = Float64[]
    for matrix in matrices, row in axes(matrix, 1), column in axes(matrix, 2)
        push!(numbers, htol(matrix[row, column]))
    end
    return numbers
end

"Speaks the protocol for `create(task)` until `quit` or the end of input."
function serve(create, arguments)
    # Over a long run the moments of unused rows sink into subnormal numbers, which most processors handle several times
    # slower. Flushed to zero they change no digit that the losses show.
    set_zero_subnormals(true)
    trainer = create(read_task(arguments))
    answer("{\"ready\":2}")
    while !eof(stdin)
        line = readline(stdin)
        words = split(line, ' '; limit = 2)
        word, argument = String(words[1]), length(words) == 2 ? String(words[2]) : ""
        word == "quit" && break
        if word == "task" && isfile(argument)
            trainer = create(read_task(readlines(argument)))
            answer("{\"ready\":2}")
        else
            answer(reply(trainer, word, argument))
        end
    end
    return nothing
end

function reply(trainer, word, argument)
    if word == "train"
        return train(trainer, argument)
    elseif word == "reset"
        return reset(trainer, argument)
    elseif word == "parameters"
        return write_numbers(word, argument, to_rows(parameters(trainer)))
    elseif word == "gradients"
        return write_numbers(word, argument, to_rows(gradient(trainer)))
    end
    return refusal("unknown word: expected train, reset, parameters, gradients, task FILE or quit")
end

function train(trainer, argument)
    steps = tryparse(Int, argument)
    (steps === nothing || steps < 1) && return refusal("train wants a number of steps, at least 1")
    began = time_ns()
    losses = Float64[]
    for _ in 1:steps
        push!(losses, step!(trainer))
    end
    nanoseconds = Int(time_ns() - began)
    # Julia prints the shortest digits that read back as the same number.
    numbers = String[]
    for loss in losses
        push!(numbers, isfinite(loss) ? string(loss) : "null")
    end
    return string("{\"losses\":[", join(numbers, ","), "],\"nanoseconds\":", nanoseconds, "}")
end

function reset(trainer, argument)
    first_document = tryparse(Int, argument)
    (first_document === nothing || first_document < 0) && return refusal("reset wants the number of the first document, 0 or more")
    reset!(trainer, first_document)
    return "{\"reset\":true}"
end

function write_numbers(word, path, numbers)
    # Looked up first: where Julia runs with a libunwind that it was not built for, a caught exception ends the process.
    isdir(dirname(path)) || return refusal("$word: the folder of the file does not exist")
    try
        open(file -> write(file, numbers), path, "w")
    catch problem
        problem isa SystemError || rethrow()
        return refusal("$word: cannot write the file")
    end
    return "{\"$word\":$(length(numbers))}"
end

refusal(reason) = "{\"error\":\"$reason\"}"

function answer(line)
    println(stdout, line)
    flush(stdout)
    return nothing
end

end
