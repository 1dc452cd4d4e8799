use microgpt::{LayerOffsets, Task};

use crate::tape::{Entry, Tape};

const RMSNORM_EPSILON: f32 = 1e-5;

/// The model as entries of a tape: parameter p of the task is entry `first_parameter + p`.
pub struct Gpt<'a> {
    task: &'a Task,
    first_parameter: Entry,
    /// Leaves: 1 / n_embd, head_size^-0.5 and -1.
    mean: Entry,
    attention_scale: Entry,
    minus_one: Entry,
}

impl<'a> Gpt<'a> {
    /// Puts the task's parameters on the tape; they and a few constants are its only leaves.
    pub fn new(task: &'a Task, tape: &mut Tape) -> Self {
        let head_size = (task.n_embd / task.n_head) as f32;
        let mean = tape.leaf(1.0 / task.n_embd as f32);
        let attention_scale = tape.leaf(head_size.sqrt().recip());
        let minus_one = tape.leaf(-1.0);
        let first_parameter = tape.len();
        for parameter in &task.parameters {
            tape.leaf(*parameter as f32);
        }
        Gpt {
            task,
            first_parameter,
            mean,
            attention_scale,
            minus_one,
        }
    }

    pub fn parameters(&self) -> std::ops::Range<Entry> {
        self.first_parameter..self.first_parameter + self.task.parameters.len()
    }

    /// Records the loss of each position of a document and returns them.
    pub fn losses(&self, tape: &mut Tape, tokens: &[usize]) -> Vec<Entry> {
        let n_embd = self.task.n_embd;
        let mut caches = vec![(Vec::new(), Vec::new()); self.task.n_layer];
        let mut losses = Vec::with_capacity(tokens.len() - 1);
        for (position, pair) in tokens.windows(2).enumerate() {
            let token = self.parameter(pair[0] * n_embd);
            let place = self.parameter(self.task.wpe() + position * n_embd);
            let embedding = self.add(tape, token, place);
            let mut x = self.rmsnorm(tape, embedding);
            for (index, (keys, values)) in caches.iter_mut().enumerate() {
                let at = self.task.layer(index);
                x = self.attend(tape, &at, x, keys, values);
                x = self.mlp(tape, &at, x);
            }
            losses.push(self.loss(tape, x, pair[1]));
        }
        losses
    }

    fn parameter(&self, offset: usize) -> Entry {
        self.first_parameter + offset
    }

    /// `-log softmax(lm_head x)[target]`, as `log Σ exp(logit - max) - (logit[target] - max)`
    fn loss(&self, tape: &mut Tape, x: Entry, target: usize) -> Entry {
        let logits = self.linear(tape, self.task.lm_head(), x, self.task.vocab_size, self.task.n_embd);
        let (exponentials, shift) = self.exponentials(tape, logits, self.task.vocab_size);
        for i in 0..self.task.vocab_size {
            tape.pair(exponentials + i, Tape::ONE);
        }
        let log_sum = tape.log();
        tape.pair(log_sum, Tape::ONE);
        tape.pair(logits + target, self.minus_one);
        tape.pair(shift, self.minus_one);
        tape.sum()
    }

    /// Attention and its residual; joins this position's key and value to the cache.
    fn attend(
        &self,
        tape: &mut Tape,
        at: &LayerOffsets,
        x: Entry,
        keys: &mut Vec<Entry>,
        values: &mut Vec<Entry>,
    ) -> Entry {
        let n_embd = self.task.n_embd;
        let size = n_embd / self.task.n_head;
        let attn_norm = self.rmsnorm(tape, x);
        let q = self.linear(tape, at.attn_wq, attn_norm, n_embd, n_embd);
        keys.push(self.linear(tape, at.attn_wk, attn_norm, n_embd, n_embd));
        values.push(self.linear(tape, at.attn_wv, attn_norm, n_embd, n_embd));
        let heads: Vec<Entry> = (0..n_embd)
            .step_by(size)
            .map(|head| {
                let products = tape.len();
                for key in keys.iter() {
                    tape.pairs(q + head, key + head, size);
                    tape.sum();
                }
                let scores = tape.len();
                for j in 0..keys.len() {
                    tape.pair(products + j, self.attention_scale);
                    tape.sum();
                }
                self.softmax(tape, scores, keys.len())
            })
            .collect();
        let attn_out = tape.len();
        for i in 0..n_embd {
            for (j, value) in values.iter().enumerate() {
                tape.pair(heads[i / size] + j, value + i);
            }
            tape.sum();
        }
        let projected = self.linear(tape, at.attn_wo, attn_out, n_embd, n_embd);
        self.add(tape, projected, x)
    }

    /// The MLP and its residual.
    fn mlp(&self, tape: &mut Tape, at: &LayerOffsets, x: Entry) -> Entry {
        let n_embd = self.task.n_embd;
        let mlp_norm = self.rmsnorm(tape, x);
        let hidden = tape.len();
        for row in 0..4 * n_embd {
            tape.pairs(self.parameter(at.mlp_fc1 + row * n_embd), mlp_norm, n_embd);
            tape.relu();
        }
        let projected = self.linear(tape, at.mlp_fc2, hidden, n_embd, 4 * n_embd);
        self.add(tape, projected, x)
    }

    fn linear(&self, tape: &mut Tape, weights: usize, x: Entry, outputs: usize, inputs: usize) -> Entry {
        let first = tape.len();
        for row in 0..outputs {
            tape.pairs(self.parameter(weights + row * inputs), x, inputs);
            tape.sum();
        }
        first
    }

    fn add(&self, tape: &mut Tape, x: Entry, y: Entry) -> Entry {
        let first = tape.len();
        for i in 0..self.task.n_embd {
            tape.pair(x + i, Tape::ONE);
            tape.pair(y + i, Tape::ONE);
            tape.sum();
        }
        first
    }

    fn rmsnorm(&self, tape: &mut Tape, x: Entry) -> Entry {
        tape.pairs(x, x, self.task.n_embd);
        let squares = tape.sum();
        tape.pair(squares, self.mean);
        let scale = tape.inverse_root(RMSNORM_EPSILON);
        let first = tape.len();
        for i in 0..self.task.n_embd {
            tape.pair(x + i, scale);
            tape.sum();
        }
        first
    }

    fn softmax(&self, tape: &mut Tape, x: Entry, count: usize) -> Entry {
        let (exponentials, _) = self.exponentials(tape, x, count);
        for i in 0..count {
            tape.pair(exponentials + i, Tape::ONE);
        }
        let inverse_sum = tape.reciprocal();
        let first = tape.len();
        for i in 0..count {
            tape.pair(exponentials + i, inverse_sum);
            tape.sum();
        }
        first
    }

    /// `exp(x - max)` and the constant `-max`, which takes part in no derivative: it cancels out.
    fn exponentials(&self, tape: &mut Tape, x: Entry, count: usize) -> (Entry, Entry) {
        let maximum = tape.values[x..x + count]
            .iter()
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        let shift = tape.leaf(-maximum);
        let first = tape.len();
        for i in 0..count {
            tape.pair(x + i, Tape::ONE);
            tape.pair(shift, Tape::ONE);
            tape.exp();
        }
        (first, shift)
    }
}
