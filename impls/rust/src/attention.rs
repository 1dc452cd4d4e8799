use crate::products::{add_scaled, dot};
use crate::softmax::softmax;

/// Causal attention of one layer over one document; all matrices `[positions][n_embd]`.
pub struct Attention {
    n_embd: usize,
    /// Features of a head.
    size: usize,
    block_size: usize,
    pub q: Vec<f64>,
    pub k: Vec<f64>,
    pub v: Vec<f64>,
    /// `[heads][block_size][block_size]`: row t is the softmax over positions 0 to t.
    weights: Vec<f64>,
    /// Values, weighted.
    pub attn_out: Vec<f64>,
}

impl Attention {
    pub fn new(n_embd: usize, n_head: usize, block_size: usize) -> Self {
        let stream = || vec![0.0; block_size * n_embd];
        Attention {
            n_embd,
            size: n_embd / n_head,
            block_size,
            q: stream(),
            k: stream(),
            v: stream(),
            weights: vec![0.0; n_head * block_size * block_size],
            attn_out: stream(),
        }
    }

    /// From `q`, `k` and `v` of the first `n` positions to `attn_out`.
    pub fn forward(&mut self, n: usize) {
        let factor = (self.size as f64).sqrt().recip();
        self.attn_out[..n * self.n_embd].fill(0.0);
        for (head, weights) in self
            .weights
            .chunks_exact_mut(self.block_size * self.block_size)
            .enumerate()
        {
            for t in 0..n {
                let at = |t: usize| t * self.n_embd + head * self.size..t * self.n_embd + (head + 1) * self.size;
                let row = &mut weights[t * self.block_size..][..t + 1];
                for (j, weight) in row.iter_mut().enumerate() {
                    *weight = dot(&self.q[at(t)], &self.k[at(j)]) * factor;
                }
                softmax(row);
                for (j, weight) in row.iter().enumerate() {
                    add_scaled(*weight, &self.v[at(j)], &mut self.attn_out[at(t)]);
                }
            }
        }
    }

    /// From the gradient of `attn_out` to those of `q`, `k` and `v`, which are overwritten.
    pub fn backward(&self, n: usize, dattn_out: &[f64], dq: &mut [f64], dk: &mut [f64], dv: &mut [f64]) {
        let factor = (self.size as f64).sqrt().recip();
        dq.fill(0.0);
        dk.fill(0.0);
        dv.fill(0.0);
        for (head, weights) in self.weights.chunks_exact(self.block_size * self.block_size).enumerate() {
            for t in 0..n {
                let at = |t: usize| t * self.n_embd + head * self.size..t * self.n_embd + (head + 1) * self.size;
                let dattn_out = &dattn_out[at(t)];
                // Equal to the sum of weights times their gradients, which softmax's derivative takes away from each.
                let projection = dot(&self.attn_out[at(t)], dattn_out);
                for (j, weight) in weights[t * self.block_size..][..t + 1].iter().enumerate() {
                    let dscore = weight * (dot(dattn_out, &self.v[at(j)]) - projection) * factor;
                    add_scaled(*weight, dattn_out, &mut dv[at(j)]);
                    add_scaled(dscore, &self.k[at(j)], &mut dq[at(t)]);
                    add_scaled(dscore, &self.q[at(t)], &mut dk[at(j)]);
                }
            }
        }
    }
}
