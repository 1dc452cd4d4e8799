include("../julia/protocol.jl")
include("tape.jl")
include("trainer.jl")

Microgpt.serve(ScalarTrainer, ARGS)
