#!/usr/bin/env python3
"""Runs microgpt.py as a competitor, by the line protocol: the task as files and flags, words in, JSON lines out.

Other trainers in Python call `serve` with a class of their own, which has the methods of `Competitor`.
"""

import argparse
import array
import json
import math
import os
import sys
import time

from microgpt import Config, Trainer, parameter_shapes

PROTOCOL_VERSION = 2
INT32, FLOAT64 = "i", "d"


def read_numbers(type_code, path):
    numbers = array.array(type_code)
    with open(path, "rb") as file:
        numbers.frombytes(file.read())
    if sys.byteorder == "big":  # the files are little-endian
        numbers.byteswap()
    return numbers.tolist()


def write_numbers(type_code, path, values):
    """Writes the numbers and returns how many they are."""
    numbers = array.array(type_code, values)
    if sys.byteorder == "big":
        numbers.byteswap()
    with open(path, "wb") as file:
        file.write(numbers.tobytes())
    return len(numbers)


def parse_flags(words=None):
    parser = argparse.ArgumentParser(description="Trains the given task, as told on standard input.")
    for flag in ("--tokens", "--offsets", "--parameters"):
        parser.add_argument(flag, required=True, metavar="FILE")
    for flag in ("--vocab-size", "--n-embd", "--n-head", "--n-layer", "--block-size"):
        parser.add_argument(flag, required=True, type=int)
    for flag in ("--batch", "--num-steps", "--seed"):
        parser.add_argument(flag, required=True, type=int)
    parser.add_argument("--learning-rate", required=True, type=float)
    return parser.parse_args(words)


class Competitor(Trainer):
    """What the protocol asks of a trainer: `reset`, `train_step` and `gradients` of the reference, and this."""

    def current_parameters(self):
        """All parameters, flat, in the order of `parameter_shapes`."""
        return [p.data for p in self.parameters]


def load_trainer(create, flags):
    """The trainer of exactly the documents and start parameters that the files hold."""
    config = Config(flags.n_embd, flags.n_head, flags.n_layer, flags.block_size, flags.vocab_size)
    tokens = read_numbers(INT32, flags.tokens)
    offsets = read_numbers(INT32, flags.offsets)
    parameters = read_numbers(FLOAT64, flags.parameters)
    expected = sum(rows * columns for _, rows, columns in parameter_shapes(config))
    if len(parameters) != expected:
        raise ValueError(f"{flags.parameters} holds {len(parameters)} parameters, these sizes need {expected}")
    documents = [tokens[start:end] for start, end in zip(offsets, offsets[1:])]
    return create(config, parameters, documents, flags.batch, flags.num_steps, flags.learning_rate)


def train(trainer, steps):
    start = time.perf_counter_ns()
    losses = [trainer.train_step() for _ in range(int(steps))]
    nanoseconds = time.perf_counter_ns() - start
    return {"losses": [loss if math.isfinite(loss) else None for loss in losses], "nanoseconds": nanoseconds}


def reset(trainer, first_document):
    if int(first_document) < 0:
        raise ValueError("documents are counted from 0")
    trainer.reset(int(first_document))
    return {"reset": True}


def parameters(trainer, path):
    return {"parameters": write_numbers(FLOAT64, path, trainer.current_parameters())}


def gradients(trainer, path):
    return {"gradients": write_numbers(FLOAT64, path, trainer.gradients())}


WORDS = {"train": train, "reset": reset, "parameters": parameters, "gradients": gradients}


def answer(trainer, line):
    # A path may contain spaces: everything after the first word is one argument.
    word, *arguments = line.strip().split(" ", 1)
    if word not in WORDS:
        return {"error": f"unknown word {word!r}, expected one of {', '.join(WORDS)}, task FILE, quit"}
    try:
        return WORDS[word](trainer, *arguments)
    except (TypeError, ValueError, ArithmeticError, OSError) as error:
        return {"error": f"{line.strip()}: {error}"}


def serve(create):
    """Speaks the protocol until `quit` or the end of input, for a trainer made as `Trainer` is: from config, start
    parameters, documents, batch, num_steps and learning_rate."""

    def say(message):
        print(json.dumps(message), flush=True)

    trainer = load_trainer(create, parse_flags())
    say({"ready": PROTOCOL_VERSION})
    for line in sys.stdin:
        word, *argument = line.strip().split(" ", 1)
        if word == "quit":
            break
        if word == "task" and argument and os.path.isfile(argument[0]):
            with open(argument[0], encoding="utf8") as file:
                trainer = load_trainer(create, parse_flags(file.read().splitlines()))
            say({"ready": PROTOCOL_VERSION})
        else:
            say(answer(trainer, line))


if __name__ == "__main__":
    serve(Competitor)
