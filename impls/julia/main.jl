using LinearAlgebra: BLAS

include("protocol.jl")
include("model.jl")
include("analytic.jl")

BLAS.set_num_threads(1)
Microgpt.serve(Analytic, ARGS)
