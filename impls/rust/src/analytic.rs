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
    attn_norm: Vec<f64>,
    attn_scale: Vec<f64>,
    attention: Attention,
    /// Input of the MLP.
    mlp_norm: Vec<f64>,
    mlp_scale: Vec<f64>,
    /// After relu, `[positions][4 n_embd]`.
    hidden: Vec<f64>,
}

/// Trains by gradients written out by hand, one document after the other.
pub struct Analytic<'a> {
    task: &'a Task,
    /// Of step 0.
    first_document: usize,
    step: usize,
    parameters: Vec<f64>,
    gradient: Vec<f64>,
    adam: Adam,
    layers: Vec<Layer>,
    /// Output of the rmsnorm behind the embedding, and what it multiplied by.
    embedding: Vec<f64>,
    embedding_scale: Vec<f64>,
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

impl<'a> Analytic<'a> {
    pub fn new(task: &'a Task) -> Self {
        let scales = || vec![0.0; task.block_size];
        let stream = || vec![0.0; task.block_size * task.n_embd];
        let wide = || vec![0.0; task.block_size * task.n_embd * 4];
        let layer = |index| Layer {
            at: task.layer(index),
            attn_norm: stream(),
            attn_scale: scales(),
            attention: Attention::new(task.n_embd, task.n_head, task.block_size),
            mlp_norm: stream(),
            mlp_scale: scales(),
            hidden: wide(),
        };
        Analytic {
            task,
            first_document: 0,
            step: 0,
            parameters: task.parameters.clone(),
            gradient: vec![0.0; task.parameters.len()],
            adam: Adam::new(task.parameters.len()),
            layers: (0..task.n_layer).map(layer).collect(),
            embedding: stream(),
            embedding_scale: scales(),
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
        rmsnorm(x, &mut self.embedding[..stream], &mut self.embedding_scale, n_embd);
        x.copy_from_slice(&self.embedding[..stream]);

        for layer in &mut self.layers {
            let (at, square) = (layer.at, n_embd * n_embd);
            let attn_norm = &mut layer.attn_norm[..stream];
            rmsnorm(x, attn_norm, &mut layer.attn_scale, n_embd);
            linear(&p[at.attn_wq..at.attn_wk], attn_norm, &mut layer.attention.q, n_embd);
            linear(&p[at.attn_wk..at.attn_wv], attn_norm, &mut layer.attention.k, n_embd);
            linear(&p[at.attn_wv..at.attn_wo], attn_norm, &mut layer.attention.v, n_embd);
            layer.attention.forward(n);
            linear(
                &p[at.attn_wo..at.mlp_fc1],
                &layer.attention.attn_out[..stream],
                branch,
                n_embd,
            );
            add(branch, x);

            let mlp_norm = &mut layer.mlp_norm[..stream];
            let hidden = &mut layer.hidden[..wide];
            rmsnorm(x, mlp_norm, &mut layer.mlp_scale, n_embd);
            linear(&p[at.mlp_fc1..at.mlp_fc2], mlp_norm, hidden, n_embd);
            hidden.iter_mut().for_each(|value| *value = value.max(0.0));
            linear(&p[at.mlp_fc2..at.mlp_fc2 + 4 * square], hidden, branch, 4 * n_embd);
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
            let mlp_fc2 = at.mlp_fc2..at.mlp_fc2 + 4 * n_embd * n_embd;
            let (hidden, mlp_norm) = (&layer.hidden[..wide], &layer.mlp_norm[..stream]);
            dhidden.fill(0.0);
            linear_backward(&p[mlp_fc2.clone()], hidden, dx, dhidden, &mut g[mlp_fc2], 4 * n_embd);
            for (dhidden, hidden) in dhidden.iter_mut().zip(hidden) {
                *dhidden = if *hidden > 0.0 { *dhidden } else { 0.0 };
            }
            dbranch.fill(0.0);
            linear_backward(
                &p[at.mlp_fc1..at.mlp_fc2],
                mlp_norm,
                dhidden,
                dbranch,
                &mut g[at.mlp_fc1..at.mlp_fc2],
                n_embd,
            );
            rmsnorm_backward(mlp_norm, &layer.mlp_scale, dbranch, dx, n_embd);

            let attn_norm = &layer.attn_norm[..stream];
            dbranch.fill(0.0);
            let attn_out = &layer.attention.attn_out[..stream];
            linear_backward(
                &p[at.attn_wo..at.mlp_fc1],
                attn_out,
                dx,
                dbranch,
                &mut g[at.attn_wo..at.mlp_fc1],
                n_embd,
            );
            layer.attention.backward(n, dbranch, dq, dk, dv);
            dbranch.fill(0.0);
            linear_backward(
                &p[at.attn_wq..at.attn_wk],
                attn_norm,
                dq,
                dbranch,
                &mut g[at.attn_wq..at.attn_wk],
                n_embd,
            );
            linear_backward(
                &p[at.attn_wk..at.attn_wv],
                attn_norm,
                dk,
                dbranch,
                &mut g[at.attn_wk..at.attn_wv],
                n_embd,
            );
            linear_backward(
                &p[at.attn_wv..at.attn_wo],
                attn_norm,
                dv,
                dbranch,
                &mut g[at.attn_wv..at.attn_wo],
                n_embd,
            );
            rmsnorm_backward(attn_norm, &layer.attn_scale, dbranch, dx, n_embd);
        }

        dbranch.fill(0.0);
        rmsnorm_backward(&self.embedding[..stream], &self.embedding_scale, dx, dbranch, n_embd);
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

impl Trainer for Analytic<'_> {
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
        self.adam.reset();
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
