#!/usr/bin/env python3
"""microgpt: a GPT that learns to invent names, trained one scalar at a time, in plain Python 3.9 or newer.

This file is what every implementation of the benchmark is checked against. It follows Andrej Karpathy's microgpt
(February 2026) operation by operation, so that its losses agree with the original's to the last digit.
Read it from top to bottom: a number that can be differentiated, the model, training, samples, the command line.

    python3 reference/microgpt.py reference/datasets/us-names-2016.txt --steps 10
"""

import argparse
import json
import math
import random
import sys
import time
from typing import NamedTuple


# A number that can be differentiated ---------------------------------------------------------------------------------


class Value:
    """A number, the numbers it was computed from, and how fast it changes with each of them."""

    __slots__ = ("data", "grad", "inputs", "slopes")

    def __init__(self, data, inputs=(), slopes=()):
        self.data = data
        self.grad = 0.0  # d loss / d self, filled in by backward()
        self.inputs = inputs
        self.slopes = slopes  # d self / d input, one for each input

    def __add__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, exponent):
        return Value(self.data**exponent, (self,), (exponent * self.data ** (exponent - 1),))

    def exp(self):
        result = math.exp(self.data)
        return Value(result, (self,), (result,))

    def log(self):
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def relu(self):
        return Value(max(0.0, self.data), (self,), (float(self.data > 0),))

    # Everything else is made of the operations above.
    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * other**-1

    def backward(self, grad=1.0):
        """Adds grad · d self / d v to the gradient of every v that self was computed from, by the chain rule."""
        self.grad = grad
        for value in reversed(self.topological_order()):
            for source, slope in zip(value.inputs, value.slopes):
                source.grad += slope * value.grad

    def topological_order(self):
        """Every value that self depends on, and self, each after its own inputs.

        Depth first, inputs from left to right. The stack is explicit, because a sum over a wide row is a chain of
        additions deeper than Python's recursion limit.
        """
        order, seen, stack = [], set(), [self]
        while stack:
            value = stack.pop()
            if value is None:  # all inputs of the value beneath are in order
                order.append(stack.pop())
            elif value not in seen:
                seen.add(value)
                stack.append(value)
                stack.append(None)
                stack.extend(reversed(value.inputs))
        return order


# The model -----------------------------------------------------------------------------------------------------------


class Config(NamedTuple):
    n_embd: int  # width of a position's vector
    n_head: int  # attention heads; n_embd is divisible by n_head
    n_layer: int
    block_size: int  # longest context, in positions
    vocab_size: int  # characters + 1; the last token id is BOS, which begins and ends a document


def parameter_shapes(config):
    """(name, rows, columns) of every matrix, in the order in which parameters are drawn and stored."""
    n_embd = config.n_embd
    shapes = [("wte", config.vocab_size, n_embd), ("wpe", config.block_size, n_embd)]
    shapes += [("lm_head", config.vocab_size, n_embd)]
    for i in range(config.n_layer):
        shapes += [(f"layer{i}.attn_w{letter}", n_embd, n_embd) for letter in "qkvo"]
        shapes += [(f"layer{i}.mlp_fc1", 4 * n_embd, n_embd), (f"layer{i}.mlp_fc2", n_embd, 4 * n_embd)]
    return shapes


def initial_parameters(config):
    """Start parameters as one flat list of floats, drawn from Python's generator."""
    return [random.gauss(0, 0.08) for _, rows, columns in parameter_shapes(config) for _ in range(rows * columns)]


def matrices(config, parameters):
    """The flat list cut into rows: {name: [row][column]}."""
    entries = iter(parameters)
    return {
        name: [[next(entries) for _ in range(columns)] for _ in range(rows)]
        for name, rows, columns in parameter_shapes(config)
    }


def linear(x, w):
    """w x: [rows][columns] times [columns]."""
    return [sum(wi * xi for wi, xi in zip(row, x)) for row in w]


def softmax(logits):
    largest = max(logit.data for logit in logits)  # keeps exp() from overflowing; cancels out
    exps = [(logit - largest).exp() for logit in logits]
    total = sum(exps)
    return [e / total for e in exps]


def rmsnorm(x):
    mean_square = sum(xi * xi for xi in x) / len(x)
    scale = (mean_square + 1e-5) ** -0.5
    return [xi * scale for xi in x]


def attention(q, keys, values, n_head):
    """What position t reads from positions 0 … t. q: [n_embd]; keys, values: [t + 1][n_embd]; returns [n_embd]."""
    head_dim = len(q) // n_head
    out = []
    for start in range(0, len(q), head_dim):
        head = range(start, start + head_dim)
        scores = [sum(q[j] * k[j] for j in head) / head_dim**0.5 for k in keys]
        weights = softmax(scores)
        out += [sum(weight * v[j] for weight, v in zip(weights, values)) for j in head]
    return out


def logits_of_next(config, model, token, position, cache):
    """Logits [vocab_size] of the token after `token`. The cache holds earlier keys and values, and takes this one's."""
    x = [t + p for t, p in zip(model["wte"][token], model["wpe"][position])]
    x = rmsnorm(x)
    for i, (keys, values) in enumerate(cache):
        residual = x
        x = rmsnorm(x)
        q = linear(x, model[f"layer{i}.attn_wq"])
        keys.append(linear(x, model[f"layer{i}.attn_wk"]))
        values.append(linear(x, model[f"layer{i}.attn_wv"]))
        x = attention(q, keys, values, config.n_head)
        x = linear(x, model[f"layer{i}.attn_wo"])
        x = [a + b for a, b in zip(x, residual)]

        residual = x
        x = rmsnorm(x)
        x = linear(x, model[f"layer{i}.mlp_fc1"])
        x = [xi.relu() for xi in x]
        x = linear(x, model[f"layer{i}.mlp_fc2"])
        x = [a + b for a, b in zip(x, residual)]
    return linear(x, model["lm_head"])


def empty_cache(config):
    """One (keys, values) pair a layer."""
    return [([], []) for _ in range(config.n_layer)]


def document_loss(config, model, tokens):
    """Mean cross-entropy of predicting each token of `[BOS, …, BOS]` from those before it."""
    cache = empty_cache(config)
    losses = []
    for position in range(len(tokens) - 1):
        logits = logits_of_next(config, model, tokens[position], position, cache)
        losses.append(-softmax(logits)[tokens[position + 1]].log())
    return (1 / len(losses)) * sum(losses)


# Training ------------------------------------------------------------------------------------------------------------


class Trainer:
    """Adam over batches of documents, each a list of at most block_size + 1 token ids."""

    def __init__(self, config, start_parameters, documents, batch, num_steps, learning_rate):
        self.config = config
        self.start_parameters = start_parameters
        self.documents = documents
        self.batch = batch
        self.num_steps = num_steps  # length of the learning-rate schedule
        self.learning_rate = learning_rate
        self.reset()

    def reset(self, first_document=0):
        """Back to step 0, whose documents begin with this one: start parameters, empty moments."""
        self.parameters = [Value(data) for data in self.start_parameters]
        self.model = matrices(self.config, self.parameters)
        self.m = [0.0] * len(self.parameters)  # first moment of each gradient
        self.v = [0.0] * len(self.parameters)  # second moment
        self.first_document = first_document
        self.step = 0

    def backward(self):
        """Loss of the next step, the mean over its documents of their own; its gradient lands in the parameters.

        One document at a time, so that only one graph is in memory.
        """
        first = self.first_document + self.step * self.batch
        total = 0.0
        for i in range(first, first + self.batch):
            loss = document_loss(self.config, self.model, self.documents[i % len(self.documents)])
            loss.backward(1 / self.batch)
            total += loss.data
        return total / self.batch

    def gradients(self):
        """Gradient of the next step's loss, flat; the trainer stays as it was."""
        self.backward()
        gradients = [p.grad for p in self.parameters]
        for p in self.parameters:
            p.grad = 0.0
        return gradients

    def train_step(self):
        """One step of Adam; returns the loss before the update."""
        loss = self.backward()

        beta1, beta2, epsilon = 0.85, 0.99, 1e-8
        rate = self.learning_rate * (1 - self.step / self.num_steps)
        for i, p in enumerate(self.parameters):
            self.m[i] = beta1 * self.m[i] + (1 - beta1) * p.grad
            # Not p.grad**2: PyPy multiplies there, CPython calls pow(), which may round the last bit differently.
            self.v[i] = beta2 * self.v[i] + (1 - beta2) * (p.grad * p.grad)
            m_hat = self.m[i] / (1 - beta1 ** (self.step + 1))  # moments start at 0: undo the pull towards it
            v_hat = self.v[i] / (1 - beta2 ** (self.step + 1))
            p.data -= rate * m_hat / (v_hat**0.5 + epsilon)
            p.grad = 0.0
        self.step += 1
        return loss


# Samples -------------------------------------------------------------------------------------------------------------


def sample(config, model, temperature=0.5):
    """Token ids of one invented document, drawn from Python's generator."""
    bos = config.vocab_size - 1
    cache = empty_cache(config)
    token, tokens = bos, []
    for position in range(config.block_size):
        logits = logits_of_next(config, model, token, position, cache)
        probabilities = softmax([logit / temperature for logit in logits])
        token = random.choices(range(config.vocab_size), weights=[p.data for p in probabilities])[0]
        if token == bos:
            break
        tokens.append(token)
    return tokens


# The command line ----------------------------------------------------------------------------------------------------


def read_documents(path):
    """Lines of a text file, stripped, without the empty ones."""
    with open(path, encoding="utf-8") as file:
        stripped = [line.strip() for line in file.read().split("\n")]
    return [line for line in stripped if line]


def parse_flags():
    parser = argparse.ArgumentParser(description="Trains microgpt on the lines of a text file and prints every loss.")
    parser.add_argument("dataset", help="text file with one document a line")
    parser.add_argument("--n-embd", type=int, default=16)
    parser.add_argument("--n-head", type=int, default=4)
    parser.add_argument("--n-layer", type=int, default=1)
    parser.add_argument("--block-size", type=int, default=16)
    parser.add_argument("--batch", type=int, default=1, help="documents per step")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--num-steps", type=int, default=1000, help="length of the learning-rate schedule")
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--steps", type=int, help="how many steps to train (all of --num-steps)")
    parser.add_argument("--gradients", type=int, metavar="STEP", help="print the gradient of this step too")
    parser.add_argument("--samples", type=int, default=0, metavar="N", help="invent N documents after training")
    parser.add_argument("--timings", action="store_true", help="print how long each step took")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of lines")
    flags = parser.parse_args()
    for name in ("n_embd", "n_head", "n_layer", "block_size", "batch", "num_steps"):
        if getattr(flags, name) < 1:
            parser.error(f"--{name.replace('_', '-')} must be at least 1, not {getattr(flags, name)}")
    if flags.n_embd % flags.n_head:
        parser.error(f"--n-embd {flags.n_embd} is not divisible by --n-head {flags.n_head}")
    if flags.steps is None:
        flags.steps = flags.num_steps
    if not 0 <= flags.steps <= flags.num_steps:
        parser.error(f"--steps must lie between 0 and --num-steps {flags.num_steps}, not {flags.steps}")
    if flags.gradients is not None and not 1 <= flags.gradients <= flags.steps:
        parser.error(f"--gradients must be a step from 1 to {flags.steps}, not {flags.gradients}")
    try:
        flags.documents = read_documents(flags.dataset)
    except (OSError, UnicodeDecodeError) as error:
        parser.error(f"cannot read {flags.dataset}: {error}")
    if not flags.documents:
        parser.error(f"{flags.dataset} holds no documents: expected a text file with one document a line")
    return flags


def main():
    flags = parse_flags()
    say = (lambda *words: None) if flags.json else (lambda *words: print(*words, flush=True))

    # The order of random draws: shuffle, parameters, samples.
    random.seed(flags.seed)
    documents = flags.documents
    random.shuffle(documents)
    characters = sorted(set("".join(documents)))
    bos = len(characters)
    config = Config(flags.n_embd, flags.n_head, flags.n_layer, flags.block_size, bos + 1)
    token_of = {character: token for token, character in enumerate(characters)}
    tokens = [[bos, *(token_of[c] for c in d), bos][: config.block_size + 1] for d in documents]
    start_parameters = initial_parameters(config)
    trainer = Trainer(config, start_parameters, tokens, flags.batch, flags.num_steps, flags.learning_rate)
    say(f"documents {len(documents)}, vocabulary {config.vocab_size}, parameters {len(trainer.parameters)}")

    losses, nanoseconds, gradients = [], [], None
    for step in range(1, flags.steps + 1):
        if step == flags.gradients:
            gradients = trainer.gradients()
        start = time.perf_counter_ns()
        losses.append(trainer.train_step())
        nanoseconds.append(time.perf_counter_ns() - start)
        say("step", step, "loss", repr(losses[-1]), *([f"{nanoseconds[-1] / 1e6:.3f} ms"] if flags.timings else []))

    if gradients is not None:
        for name, matrix in matrices(config, gradients).items():
            for row, entries in enumerate(matrix):
                say("gradient", name, row, *map(repr, entries))

    samples = []
    for number in range(1, flags.samples + 1):
        samples.append("".join(characters[token] for token in sample(config, trainer.model)))
        say("sample", number, samples[-1])

    if flags.json:
        result = {
            "python": f"{sys.implementation.name} {sys.version.split()[0]}",
            "characters": characters,
            "losses": losses,
            "gradients": gradients,
            "samples": samples,
            "nanoseconds": nanoseconds,
        }
        print(json.dumps(result))


if __name__ == "__main__":
    main()
