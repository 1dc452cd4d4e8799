"""Trains with NumPy: gradients by hand, one matrix for all positions of a document."""

import os
import sys

# One thread, like every other row. The libraries read this when they are loaded.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"):
    os.environ[variable] = "1"
sys.path.append(os.path.join(os.path.dirname(__file__), "..", "..", "reference"))

import numpy as np  # noqa: E402
from microgpt import parameter_shapes  # noqa: E402
from model import document_gradient  # noqa: E402
from serve import serve  # noqa: E402


class Analytic:
    def __init__(self, config, start_parameters, documents, batch, num_steps, learning_rate):
        self.config = config
        self.start_parameters = np.array(start_parameters)
        self.documents = [np.array(tokens) for tokens in documents]
        self.batch = batch
        self.num_steps = num_steps
        self.learning_rate = learning_rate
        self.reset()

    def reset(self, first_document=0):
        self.parameters = self.start_parameters.copy()
        self.model = self.matrices(self.parameters)
        self.gradient = np.zeros_like(self.parameters)
        self.dmodel = self.matrices(self.gradient)
        self.m = np.zeros_like(self.parameters)
        self.v = np.zeros_like(self.parameters)
        self.first_document = first_document
        self.step = 0

    def matrices(self, flat):
        """Views of a flat vector, by the names of the matrices."""
        model, layers, start = {}, [{} for _ in range(self.config.n_layer)], 0
        for name, rows, columns in parameter_shapes(self.config):
            matrix = flat[start : start + rows * columns].reshape(rows, columns)
            start += rows * columns
            layer, _, short = name.rpartition(".")
            (layers[int(layer.removeprefix("layer"))] if layer else model)[short] = matrix
        return {**model, "layers": layers}

    def loss_and_gradient(self):
        """Loss of the next step; its gradient is in `self.gradient` afterwards."""
        self.gradient[:] = 0
        first = self.first_document + self.step * self.batch
        loss = 0.0
        for i in range(first, first + self.batch):
            tokens = self.documents[i % len(self.documents)]
            share = 1 / (len(tokens) - 1) / self.batch
            loss += document_gradient(self.model, self.dmodel, self.config.n_head, tokens, share)
        return float(loss)

    def train_step(self):
        loss = self.loss_and_gradient()
        rate = self.learning_rate * (1 - self.step / self.num_steps)
        self.step += 1
        g, m, v = self.gradient, self.m, self.v
        m[:] = 0.85 * m + 0.15 * g
        v[:] = 0.99 * v + 0.01 * g * g
        m_hat, v_hat = m / (1 - 0.85**self.step), v / (1 - 0.99**self.step)
        self.parameters -= rate * m_hat / (np.sqrt(v_hat) + 1e-8)
        return loss

    def gradients(self):
        self.loss_and_gradient()
        return self.gradient

    def current_parameters(self):
        return self.parameters


serve(Analytic)
