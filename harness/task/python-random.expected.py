"""Prints python-random.expected.json, what Python draws: python3 harness/task/python-random.expected.py"""

import json
import random


def draws(seed):
    random.seed(seed)
    order = list(range(10))
    random.shuffle(order)
    return {
        "seed": str(seed),
        "shuffled": order,
        "random": [random.random() for _ in range(4)],
        "gauss": [random.gauss(0, 0.08) for _ in range(9)],  # an odd number: the next draw finds a second one in store
        "choices": [random.choices(range(5), weights=[0.1, 0.2, 0, 0.65, 0.05])[0] for _ in range(12)],
        "randbelow": [random.randrange(n) for n in (1, 2, 3, 27, 2**31, 2**32, 2**32 + 1, 2**53 - 1)],
        "getrandbits": [random.getrandbits(bits) for bits in range(1, 54)],
        "laterGauss": random.gauss(1.5, 2),
        "random1000thLater": [random.random() for _ in range(1000)][-1],
    }


print(json.dumps([draws(seed) for seed in (0, 1, 42, 2**40, -42, -(2**40) - 3, 2**70 + 5)], indent=2))
