import array, json, math, sys, time, types
flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))
sizes = "vocab-size", "n-embd", "n-head", "n-layer", "block-size", "batch", "num-steps"
vocab, embd, heads, layers, block, batch, num_steps = (int(flags["--" + size]) for size in sizes)
shapes = [(vocab, embd), (block, embd), (vocab, embd)] + ([(embd, embd)] * 4 + [(4 * embd, embd), (embd, 4 * embd)]) * layers
tokens, offsets, start = (array.array(c, open(flags["--" + f], "rb").read()) for c, f in zip("iid", ("tokens", "offsets", "parameters")))
p, m, v, losses, first, tape = [], [], [], [], [0], []  # the tape has every node in the order it was made: backwards is its reverse
def node(data, inputs=()):  # inputs: pairs of a node and the derivative of this one by it
    return tape.append(made := types.SimpleNamespace(data=data, grad=0.0, inputs=inputs)) or made
def dot(x, y): return node(sum(a.data * b.data for a, b in zip(x, y)), [(a, b.data) for a, b in (*zip(x, y), *zip(y, x))])
def linear(rows, x): return [dot(row, x) for row in rows]
def add(x, y): return [node(a.data + b.data, [(a, 1.0), (b, 1.0)]) for a, b in zip(x, y)]
def relu(x): return [node(max(a.data, 0.0), [(a, float(a.data > 0.0))]) for a in x]
def rmsnorm(x):
    s = (sum(a.data * a.data for a in x) / len(x) + 1e-5) ** -0.5
    return linear([[a] for a in x], [node(s, [(a, -s * s * s * a.data / len(x)) for a in x])])
def softmax(x, scale=1.0):
    exps = [math.exp(scale * (a.data - max(b.data for b in x))) for a in x]
    y = [e / sum(exps) for e in exps]
    return [node(y[i], [(a, scale * y[i] * ((i == j) - y[j])) for j, a in enumerate(x)]) for i in range(len(x))]
def loss_and_gradient(step):
    tape.clear()
    leaves, targets = iter([node(number) for number in p]), []
    wte, wpe, lm_head, *weights = [[[next(leaves) for _ in range(columns)] for _ in range(rows)] for rows, columns in shapes]
    for d in (d % (len(offsets) - 1) for d in range(first[0] + step * batch, first[0] + step * batch + batch)):
        document, cache = tokens[offsets[d] : offsets[d + 1]], [([], []) for _ in range(layers)]
        for position, (token, target) in enumerate(zip(document, document[1:])):
            x = rmsnorm(add(wte[token], wpe[position]))
            for (keys, values), (attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2) in zip(cache, zip(*[iter(weights)] * 6)):
                attn_norm, attn_out = rmsnorm(x), []
                q, _, _ = linear(attn_wq, attn_norm), keys.append(linear(attn_wk, attn_norm)), values.append(linear(attn_wv, attn_norm))
                for h in (slice(i, i + embd // heads) for i in range(0, embd, embd // heads)):
                    attn_out += linear(zip(*(x[h] for x in values)), softmax(linear([x[h] for x in keys], q[h]), len(q[h]) ** -0.5))
                x = add(linear(attn_wo, attn_out), x)
                x = add(linear(mlp_fc2, relu(linear(mlp_fc1, rmsnorm(x)))), x)
            targets.append((softmax(linear(lm_head, x))[target], 1 / (len(document) - 1) / batch))
    node(-sum(math.log(y.data) * share for y, share in targets), [(y, -share / y.data) for y, share in targets]).grad = 1.0
    for result in reversed(tape):
        for source, derivative in result.inputs: source.grad += derivative * result.grad
    return tape[-1].data, [leaf.grad for leaf in tape[: len(p)]]
def train(steps):
    for step in range(len(losses), len(losses) + steps):
        loss, gradient = loss_and_gradient(step)
        losses.append(loss if math.isfinite(loss) else None)
        rate = float(flags["--learning-rate"]) * (1 - step / num_steps)
        for i, g in enumerate(gradient):
            m[i], v[i] = 0.85 * m[i] + 0.15 * g, 0.99 * v[i] + 0.01 * g * g
            p[i] -= rate * m[i] / (1 - 0.85 ** (step + 1)) / (math.sqrt(v[i] / (1 - 0.99 ** (step + 1))) + 1e-8)
    return losses[-steps:]
def answer(word, argument=""):
    began = time.perf_counter_ns()
    if word == "train": return {"losses": train(int(argument)), "nanoseconds": time.perf_counter_ns() - began}
    if word == "reset":
        first[0], p[:], m[:], v[:], losses[:] = int(argument), start, [0.0] * len(start), [0.0] * len(start), []
        return {"reset": True}
    if word == "quit": sys.exit()
    numbers = {"parameters": lambda: p, "gradients": lambda: loss_and_gradient(len(losses))[1]}[word]()
    return {word: open(argument, "wb").write(array.array("d", numbers)) // 8}
print(json.dumps({"ready": 2}) if answer("reset", "0") else "", flush=True)
for line in sys.stdin:
    try: print(json.dumps(answer(*line.strip().split(" ", 1))), flush=True)
    except Exception as problem: print(json.dumps({"error": f"{line.strip()}: {problem!r}"}), flush=True)
