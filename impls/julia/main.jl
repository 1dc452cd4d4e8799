using LinearAlgebra: BLAS

include("protocol.jl")
include("model.jl")
include("explicit.jl")

BLAS.set_num_threads(1)
Microgpt.serve(Explicit, ARGS)
