"Index of a number on the tape."
const Node = Int

"Every number of a computation in the order in which it was made, with its derivatives by the numbers it was made of."
struct Tape
    values::Vector{Float64}
    inputs::Vector{Vector{Tuple{Node,Float64}}}
end

Tape() = Tape(Float64[], Vector{Tuple{Node,Float64}}[])

"Records a number; `inputs` are pairs of a node and the derivative of this number by it."
function node!(tape, value, inputs = Tuple{Node,Float64}[])
    push!(tape.values, value)
    push!(tape.inputs, inputs)
    return length(tape.values)
end

function dot!(tape, x, y)
    total = 0.0
    inputs = Tuple{Node,Float64}[]
    for (a, b) in zip(x, y)
        total += tape.values[a] * tape.values[b]
        push!(inputs, (a, tape.values[b]), (b, tape.values[a]))
    end
    return node!(tape, total, inputs)
end

"The product of a matrix of nodes, `[outputs, inputs]`, and a vector of nodes."
linear!(tape, matrix, x) = [dot!(tape, row, x) for row in eachrow(matrix)]

add!(tape, x, y) = [node!(tape, tape.values[a] + tape.values[b], [(a, 1.0), (b, 1.0)]) for (a, b) in zip(x, y)]

relu!(tape, x) = [node!(tape, max(tape.values[a], 0.0), [(a, tape.values[a] > 0 ? 1.0 : 0.0)]) for a in x]

"`x · (mean(x²) + 1e-5)^-0.5`"
function rmsnorm!(tape, x)
    s = 1 / sqrt(sum(tape.values[a]^2 for a in x) / length(x) + 1e-5)
    scale = node!(tape, s, [(a, -s^3 * tape.values[a] / length(x)) for a in x])
    return [dot!(tape, (a,), (scale,)) for a in x]
end

"Softmax of `factor · x`."
function softmax!(tape, x, factor)
    maximal = maximum(tape.values[a] for a in x)
    exponentials = [exp(factor * (tape.values[a] - maximal)) for a in x]
    p = exponentials ./ sum(exponentials)
    return [node!(tape, p[i], [(a, factor * p[i] * ((i == j) - p[j])) for (j, a) in enumerate(x)]) for i in eachindex(p)]
end

"Derivatives of `root` by every node."
function gradient_of(tape, root)
    gradient = zeros(length(tape.values))
    gradient[root] = 1.0
    for made in root:-1:1, (input, derivative) in tape.inputs[made]
        gradient[input] += derivative * gradient[made]
    end
    return gradient
end
