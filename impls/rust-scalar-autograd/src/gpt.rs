use microgpt::Task;

use crate::tape::{Tape, Value};

/// Rows of values.
type Matrix = Vec<Vec<Value>>;

/// The parameters as values on a tape.
pub struct Gpt {
    n_head: usize,
    wte: Matrix,
    wpe: Matrix,
    lm_head: Matrix,
    layers: Vec<Layer>,
}

struct Layer {
    attn_wq: Matrix,
    attn_wk: Matrix,
    attn_wv: Matrix,
    attn_wo: Matrix,
    mlp_fc1: Matrix,
    mlp_fc2: Matrix,
}

impl Gpt {
    /// Puts the task's start parameters on the tape, in their order.
    pub fn new(task: &Task, tape: &mut Tape) -> Self {
        let mut numbers = task.parameters.iter();
        let mut matrix = |rows: usize, columns: usize| -> Matrix {
            (0..rows)
                .map(|_| numbers.by_ref().take(columns).map(|data| tape.leaf(*data)).collect())
                .collect()
        };
        let Task { n_embd, .. } = *task;
        Gpt {
            n_head: task.n_head,
            wte: matrix(task.vocab_size, n_embd),
            wpe: matrix(task.block_size, n_embd),
            lm_head: matrix(task.vocab_size, n_embd),
            layers: (0..task.n_layer)
                .map(|_| Layer {
                    attn_wq: matrix(n_embd, n_embd),
                    attn_wk: matrix(n_embd, n_embd),
                    attn_wv: matrix(n_embd, n_embd),
                    attn_wo: matrix(n_embd, n_embd),
                    mlp_fc1: matrix(4 * n_embd, n_embd),
                    mlp_fc2: matrix(n_embd, 4 * n_embd),
                })
                .collect(),
        }
    }

    /// Mean cross-entropy of predicting each token of a document from those before it.
    pub fn document_loss(&self, tape: &mut Tape, tokens: &[usize]) -> Value {
        let mut cache: Vec<(Matrix, Matrix)> = self.layers.iter().map(|_| (vec![], vec![])).collect();
        let mut losses = vec![];
        for (position, pair) in tokens.windows(2).enumerate() {
            let logits = self.logits(tape, pair[0], position, &mut cache);
            let probability = softmax(tape, &logits)[pair[1]];
            let log = tape.log(probability);
            losses.push(tape.scale(log, -1.0));
        }
        let total = sum(tape, &losses);
        tape.scale(total, 1.0 / losses.len() as f64)
    }

    /// Logits of the token after `token`. The cache holds earlier keys and values of each layer, and takes this position's.
    fn logits(&self, tape: &mut Tape, token: usize, position: usize, cache: &mut [(Matrix, Matrix)]) -> Vec<Value> {
        let x = add(tape, &self.wte[token], &self.wpe[position]);
        let mut x = rmsnorm(tape, &x);
        for (layer, (keys, values)) in self.layers.iter().zip(cache) {
            let attn_norm = rmsnorm(tape, &x);
            let q = linear(tape, &attn_norm, &layer.attn_wq);
            keys.push(linear(tape, &attn_norm, &layer.attn_wk));
            values.push(linear(tape, &attn_norm, &layer.attn_wv));
            let attn_out = attention(tape, &q, keys, values, self.n_head);
            let attn_out = linear(tape, &attn_out, &layer.attn_wo);
            x = add(tape, &attn_out, &x);

            let mlp_norm = rmsnorm(tape, &x);
            let hidden = linear(tape, &mlp_norm, &layer.mlp_fc1);
            let hidden: Vec<Value> = hidden.iter().map(|h| tape.relu(*h)).collect();
            let mlp_out = linear(tape, &hidden, &layer.mlp_fc2);
            x = add(tape, &mlp_out, &x);
        }
        linear(tape, &x, &self.lm_head)
    }
}

/// What a position reads from itself and those before it. q: `[n_embd]`; keys, values: `[positions][n_embd]`.
fn attention(tape: &mut Tape, q: &[Value], keys: &Matrix, values: &Matrix, n_head: usize) -> Vec<Value> {
    let head_dim = q.len() / n_head;
    let mut out = Vec::with_capacity(q.len());
    for start in (0..q.len()).step_by(head_dim) {
        let head = start..start + head_dim;
        let scores: Vec<Value> = keys
            .iter()
            .map(|k| {
                let score = dot(tape, &q[head.clone()], &k[head.clone()]);
                tape.scale(score, 1.0 / (head_dim as f64).sqrt())
            })
            .collect();
        let attn_weights = softmax(tape, &scores);
        for i in head {
            let column: Vec<Value> = values.iter().map(|v| v[i]).collect();
            out.push(dot(tape, &attn_weights, &column));
        }
    }
    out
}

fn sum(tape: &mut Tape, x: &[Value]) -> Value {
    let mut total = x[0];
    for value in &x[1..] {
        total = tape.add(total, *value);
    }
    total
}

fn add(tape: &mut Tape, x: &[Value], y: &[Value]) -> Vec<Value> {
    x.iter().zip(y).map(|(a, b)| tape.add(*a, *b)).collect()
}

fn dot(tape: &mut Tape, x: &[Value], y: &[Value]) -> Value {
    let mut total = tape.mul(x[0], y[0]);
    for (a, b) in x[1..].iter().zip(&y[1..]) {
        let product = tape.mul(*a, *b);
        total = tape.add(total, product);
    }
    total
}

/// w x: `[rows][columns]` times `[columns]`.
fn linear(tape: &mut Tape, x: &[Value], w: &Matrix) -> Vec<Value> {
    w.iter().map(|row| dot(tape, row, x)).collect()
}

fn softmax(tape: &mut Tape, logits: &[Value]) -> Vec<Value> {
    let largest = logits.iter().map(|x| tape.data(*x)).fold(f64::NEG_INFINITY, f64::max);
    let largest = tape.leaf(largest);
    let exps: Vec<Value> = logits
        .iter()
        .map(|logit| {
            let shifted = tape.sub(*logit, largest);
            tape.exp(shifted)
        })
        .collect();
    let total = sum(tape, &exps);
    exps.iter().map(|e| tape.div(*e, total)).collect()
}

/// `x · (mean(x²) + 1e-5)^-0.5`
fn rmsnorm(tape: &mut Tape, x: &[Value]) -> Vec<Value> {
    let squares = dot(tape, x, x);
    let mean_square = tape.scale(squares, 1.0 / x.len() as f64);
    let epsilon = tape.leaf(1e-5);
    let shifted = tape.add(mean_square, epsilon);
    let scale = tape.pow(shifted, -0.5);
    x.iter().map(|value| tape.mul(*value, scale)).collect()
}
