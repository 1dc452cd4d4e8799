use microgpt::{Task, Trainer};

use crate::tape::{Node, Tape};

/// Trains by recording every step on a tape. Plain and slow: replace its parts one at a time, and check after each.
pub struct ScalarTrainer<'a> {
    task: &'a Task,
    /// Of step 0.
    first_document: usize,
    step: usize,
    parameters: Vec<f64>,
    m: Vec<f64>,
    v: Vec<f64>,
}

impl<'a> ScalarTrainer<'a> {
    pub fn new(task: &'a Task) -> Self {
        let zeros = vec![0.0; task.parameters.len()];
        ScalarTrainer {
            task,
            first_document: 0,
            step: 0,
            parameters: task.parameters.clone(),
            m: zeros.clone(),
            v: zeros,
        }
    }

    fn loss_and_gradient(&self) -> (f64, Vec<f64>) {
        let mut tape = Tape::default();
        let leaves: Vec<Node> = self.parameters.iter().map(|value| tape.node(*value, vec![])).collect();
        let (mut losses, mut shares) = (Vec::new(), Vec::new());
        let first = self.first_document + self.step * self.task.batch;
        for index in first..first + self.task.batch {
            let document = self.losses(&mut tape, &leaves, self.task.document(index));
            let share = tape.node(1.0 / document.len() as f64 / self.task.batch as f64, vec![]);
            shares.extend(document.iter().map(|_| share));
            losses.extend(document);
        }
        let loss = tape.dot(&losses, &shares);
        let mut gradient = tape.gradient(loss);
        gradient.truncate(leaves.len());
        (tape.value(loss), gradient)
    }

    /// The loss of each position of a document.
    fn losses(&self, tape: &mut Tape, leaves: &[Node], tokens: &[usize]) -> Vec<Node> {
        let Task {
            n_embd,
            n_head,
            n_layer,
            vocab_size,
            ..
        } = *self.task;
        let size = n_embd / n_head;
        let matrix = |offset: usize, rows: usize, columns: usize| -> Vec<&[Node]> {
            leaves[offset..offset + rows * columns].chunks_exact(columns).collect()
        };
        let mut caches = vec![(Vec::new(), Vec::new()); n_layer];
        let mut losses = Vec::new();
        for (position, pair) in tokens.windows(2).enumerate() {
            let token = &leaves[pair[0] * n_embd..][..n_embd];
            let place = &leaves[self.task.wpe() + position * n_embd..][..n_embd];
            let embedding = tape.add(token, place);
            let mut x = tape.rmsnorm(&embedding);
            for (index, (keys, values)) in caches.iter_mut().enumerate() {
                let at = self.task.layer(index);
                let attn_norm = tape.rmsnorm(&x);
                let q = tape.linear(&matrix(at.attn_wq, n_embd, n_embd), &attn_norm);
                keys.push(tape.linear(&matrix(at.attn_wk, n_embd, n_embd), &attn_norm));
                values.push(tape.linear(&matrix(at.attn_wv, n_embd, n_embd), &attn_norm));
                let mut attn_out = Vec::with_capacity(n_embd);
                for head in (0..n_embd).step_by(size).map(|start| start..start + size) {
                    let keys: Vec<&[Node]> = keys.iter().map(|key: &Vec<Node>| &key[head.clone()]).collect();
                    let scores = tape.linear(&keys, &q[head.clone()]);
                    let weights = tape.softmax(&scores, (size as f64).sqrt().recip());
                    for i in head {
                        let column: Vec<Node> = values.iter().map(|value: &Vec<Node>| value[i]).collect();
                        attn_out.push(tape.dot(&weights, &column));
                    }
                }
                let projected = tape.linear(&matrix(at.attn_wo, n_embd, n_embd), &attn_out);
                x = tape.add(&projected, &x);
                let mlp_norm = tape.rmsnorm(&x);
                let hidden = tape.linear(&matrix(at.mlp_fc1, 4 * n_embd, n_embd), &mlp_norm);
                let hidden = tape.relu(&hidden);
                let projected = tape.linear(&matrix(at.mlp_fc2, n_embd, 4 * n_embd), &hidden);
                x = tape.add(&projected, &x);
            }
            let logits = tape.linear(&matrix(self.task.lm_head(), vocab_size, n_embd), &x);
            let target = tape.softmax(&logits, 1.0)[pair[1]];
            let p = tape.value(target);
            losses.push(tape.node(-p.ln(), vec![(target, -p.recip())]));
        }
        losses
    }
}

impl Trainer for ScalarTrainer<'_> {
    fn step(&mut self) -> f64 {
        let (loss, gradient) = self.loss_and_gradient();
        let exponent = self.step as i32 + 1;
        for (i, g) in gradient.iter().enumerate() {
            self.m[i] = 0.85 * self.m[i] + 0.15 * g;
            self.v[i] = 0.99 * self.v[i] + 0.01 * g * g;
            let m_hat = self.m[i] / (1.0 - 0.85_f64.powi(exponent));
            let v_hat = self.v[i] / (1.0 - 0.99_f64.powi(exponent));
            self.parameters[i] -= self.task.learning_rate_at(self.step) * m_hat / (v_hat.sqrt() + 1e-8);
        }
        self.step += 1;
        loss
    }

    fn reset(&mut self, first_document: usize) {
        *self = ScalarTrainer::new(self.task);
        self.first_document = first_document;
    }

    fn parameters(&self) -> Vec<f64> {
        self.parameters.clone()
    }

    fn gradients(&mut self) -> Vec<f64> {
        self.loss_and_gradient().1
    }
}
