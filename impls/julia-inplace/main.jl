include("../julia/protocol.jl")
include("kernels.jl")
include("analytic.jl")

Microgpt.serve(Inplace, ARGS)
