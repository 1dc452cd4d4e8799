use microgpt::{LayerOffsets, Task, Trainer};

use crate::adam::Adam;
use crate::attention::Attention;
use crate::products::{linear, linear_backward};
use crate::rmsnorm::{rmsnorm, rmsnorm_backward};
use crate::softmax::softmax;

/// What one layer's backward pass needs of its forward pass.
struct Layer {
    at: LayerOffsets,
    /// Input of attention, and what rmsnorm multiplied by.
    normed1: Vec<f64>,
    scale1: Vec<f64>,
    attention: Attention,
    /// Input of the MLP.
    normed2: Vec<f64>,
    scale2: Vec<f64>,
    /// After relu, `[positions][4 n_embd]`.
    hidden: Vec<f64>,
}

/// Trains by gradients written out by hand, one document after the other.
pub struct Explicit<'a> {
    task: &'a Task,
    /// Of step 0.
    first_document: usize,
    step: usize,
    parameters: Vec<f64>,
    gradient: Vec<f64>,
    adam: Adam,
    layers: Vec<Layer>,
    /// Output of the rmsnorm behind the embedding, and what it multiplied by.
    embedded: Vec<f64>,
    embedded_scale: Vec<f64>,
    /// The residual stream, then its gradient in `dx`.
    x: Vec<f64>,
    dx: Vec<f64>,
    /// What a branch adds to the residual stream; backwards, the gradient inside a branch.
    branch: Vec<f64>,
    dq: Vec<f64>,
    dk: Vec<f64>,
    dv: Vec<f64>,
    dhidden: Vec<f64>,
    /// Logits, then probabilities, then their gradient, `[positions][vocab_size]`.
    logits: Vec<f64>,
}

impl<'a> Explicit<'a> {
    pub fn new(task: &'a Task) -> Self {
        let scales = || vec![0.0; task.block_size];
        let stream = || vec![0.0; task.block_size * task.n_embd];
        let wide = || vec![0.0; task.block_size * task.n_embd * 4];
        let layer = |index| Layer {
            at: task.layer(index),
            normed1: stream(),
            scale1: scales(),
            attention: Attention::new(task.n_embd, task.n_head, task.block_size),
            normed2: stream(),
            scale2: scales(),
            hidden: wide(),
        };
        Explicit {
            task,
            first_document: 0,
            step: 0,
            parameters: task.parameters.clone(),
            gradient: vec![0.0; task.parameters.len()],
            adam: Adam::new(task.parameters.len()),
            layers: (0..task.n_layer).map(layer).collect(),
            embedded: stream(),
            embedded_scale: scales(),
            x: stream(),
            dx: stream(),
            branch: stream(),
            dq: stream(),
            dk: stream(),
            dv: stream(),
            dhidden: wide(),
            logits: vec![0.0; task.block_size * task.vocab_size],
        }
    }

    /// The sum of the losses of a document's positions; `logits` hold the probabilities afterwards.
    fn forward(&mut self, tokens: &[usize]) -> f64 {
        let Task { n_embd, vocab_size, .. } = *self.task;
        let n = tokens.len() - 1;
        let (stream, wide) = (n * n_embd, 4 * n * n_embd);
        let p = &self.parameters;
        let (x, branch) = (&mut self.x[..stream], &mut self.branch[..stream]);
        for (t, row) in x.chunks_exact_mut(n_embd).enumerate() {
            let (token, position) = (&p[tokens[t] * n_embd..], &p[self.task.wpe() + t * n_embd..]);
            for ((x, token), position) in row.iter_mut().zip(token).zip(position) {
                *x = token + position;
            }
        }
        rmsnorm(x, &mut self.embedded[..stream], &mut self.embedded_scale, n_embd);
        x.copy_from_slice(&self.embedded[..stream]);

        for layer in &mut self.layers {
            let (at, square) = (layer.at, n_embd * n_embd);
            let normed = &mut layer.normed1[..stream];
            rmsnorm(x, normed, &mut layer.scale1, n_embd);
            linear(&p[at.wq..at.wk], normed, &mut layer.attention.q, n_embd);
            linear(&p[at.wk..at.wv], normed, &mut layer.attention.k, n_embd);
            linear(&p[at.wv..at.wo], normed, &mut layer.attention.v, n_embd);
            layer.attention.forward(n);
            linear(&p[at.wo..at.fc1], &layer.attention.mixed[..stream], branch, n_embd);
            add(branch, x);

            let normed = &mut layer.normed2[..stream];
            let hidden = &mut layer.hidden[..wide];
            rmsnorm(x, normed, &mut layer.scale2, n_embd);
            linear(&p[at.fc1..at.fc2], normed, hidden, n_embd);
            hidden.iter_mut().for_each(|value| *value = value.max(0.0));
            linear(&p[at.fc2..at.fc2 + 4 * square], hidden, branch, 4 * n_embd);
            add(branch, x);
        }

        let logits = &mut self.logits[..n * vocab_size];
        let lm_head = &p[self.task.lm_head()..][..vocab_size * n_embd];
        linear(lm_head, x, logits, n_embd);
        logits.chunks_exact_mut(vocab_size).for_each(softmax);
        logits
            .chunks_exact(vocab_size)
            .zip(&tokens[1..])
            .map(|(row, target)| -row[*target].ln())
            .sum()
    }

    /// Adds the gradient of `share` times the sum of the losses that `forward` just computed to `gradient`.
    fn backward(&mut self, tokens: &[usize], share: f64) {
        let Task { n_embd, vocab_size, .. } = *self.task;
        let n = tokens.len() - 1;
        let (stream, wide) = (n * n_embd, 4 * n * n_embd);
        let (p, g) = (&self.parameters, &mut self.gradient);
        let (dx, dbranch, dhidden) = (
            &mut self.dx[..stream],
            &mut self.branch[..stream],
            &mut self.dhidden[..wide],
        );
        let (dq, dk, dv) = (&mut self.dq[..stream], &mut self.dk[..stream], &mut self.dv[..stream]);

        let dlogits = &mut self.logits[..n * vocab_size];
        for (row, target) in dlogits.chunks_exact_mut(vocab_size).zip(&tokens[1..]) {
            row[*target] -= 1.0;
            row.iter_mut().for_each(|value| *value *= share);
        }
        let lm_head = self.task.lm_head()..self.task.lm_head() + vocab_size * n_embd;
        dx.fill(0.0);
        linear_backward(
            &p[lm_head.clone()],
            &self.x[..stream],
            dlogits,
            dx,
            &mut g[lm_head],
            n_embd,
        );

        for layer in self.layers.iter().rev() {
            let at = layer.at;
            let fc2 = at.fc2..at.fc2 + 4 * n_embd * n_embd;
            let (hidden, normed) = (&layer.hidden[..wide], &layer.normed2[..stream]);
            dhidden.fill(0.0);
            linear_backward(&p[fc2.clone()], hidden, dx, dhidden, &mut g[fc2], 4 * n_embd);
            for (dhidden, hidden) in dhidden.iter_mut().zip(hidden) {
                *dhidden = if *hidden > 0.0 { *dhidden } else { 0.0 };
            }
            dbranch.fill(0.0);
            linear_backward(
                &p[at.fc1..at.fc2],
                normed,
                dhidden,
                dbranch,
                &mut g[at.fc1..at.fc2],
                n_embd,
            );
            rmsnorm_backward(normed, &layer.scale2, dbranch, dx, n_embd);

            let normed = &layer.normed1[..stream];
            dbranch.fill(0.0);
            let mixed = &layer.attention.mixed[..stream];
            linear_backward(&p[at.wo..at.fc1], mixed, dx, dbranch, &mut g[at.wo..at.fc1], n_embd);
            layer.attention.backward(n, dbranch, dq, dk, dv);
            dbranch.fill(0.0);
            linear_backward(&p[at.wq..at.wk], normed, dq, dbranch, &mut g[at.wq..at.wk], n_embd);
            linear_backward(&p[at.wk..at.wv], normed, dk, dbranch, &mut g[at.wk..at.wv], n_embd);
            linear_backward(&p[at.wv..at.wo], normed, dv, dbranch, &mut g[at.wv..at.wo], n_embd);
            rmsnorm_backward(normed, &layer.scale1, dbranch, dx, n_embd);
        }

        dbranch.fill(0.0);
        rmsnorm_backward(&self.embedded[..stream], &self.embedded_scale, dx, dbranch, n_embd);
        for (t, row) in dbranch.chunks_exact(n_embd).enumerate() {
            add(row, &mut g[tokens[t] * n_embd..][..n_embd]);
            add(row, &mut g[self.task.wpe() + t * n_embd..][..n_embd]);
        }
    }

    /// Fills `gradient` for the next step's documents and returns their loss.
    fn loss_and_gradient(&mut self) -> f64 {
        self.gradient.fill(0.0);
        let task = self.task;
        let first = self.first_document + self.step * task.batch;
        (first..first + task.batch)
            .map(|index| {
                let tokens = task.document(index);
                let share = 1.0 / (tokens.len() - 1) as f64 / task.batch as f64;
                let loss = share * self.forward(tokens);
                self.backward(tokens, share);
                loss
            })
            .sum()
    }
}

impl Trainer for Explicit<'_> {
    fn step(&mut self) -> f64 {
        let loss = self.loss_and_gradient();
        self.adam.update(
            &mut self.parameters,
            &self.gradient,
            self.task.learning_rate_at(self.step),
            self.step,
        );
        self.step += 1;
        loss
    }

    fn reset(&mut self, first_document: usize) {
        self.parameters.copy_from_slice(&self.task.parameters);
        self.adam = Adam::new(self.parameters.len());
        self.first_document = first_document;
        self.step = 0;
    }

    fn parameters(&self) -> Vec<f64> {
        self.parameters.clone()
    }

    fn gradients(&mut self) -> Vec<f64> {
        self.loss_and_gradient();
        self.gradient.clone()
    }
}

/// `x += y`
fn add(y: &[f64], x: &mut [f64]) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += y;
    }
}
