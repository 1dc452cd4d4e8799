//! Matrices are row by row: weights `[outputs][inputs]`, activations `[positions][features]`.

/// Sums of a dot product that run side by side, so that no addition waits for the one before.
const LANES: usize = 8;

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (a_chunks, b_chunks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f64 = a_chunks
        .remainder()
        .iter()
        .zip(b_chunks.remainder())
        .map(|(a, b)| a * b)
        .sum();
    for (a, b) in a_chunks.zip(b_chunks) {
        for lane in 0..LANES {
            sums[lane] = a[lane].mul_add(b[lane], sums[lane]);
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// `y += factor · x`
pub fn add_scaled(factor: f64, x: &[f64], y: &mut [f64]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y = factor.mul_add(*x, *y);
    }
}

/// `y[t][o] = Σ_i w[o][i] x[t][i]`
pub fn linear(w: &[f64], x: &[f64], y: &mut [f64], inputs: usize) {
    let outputs = w.len() / inputs;
    for (o, row) in w.chunks_exact(inputs).enumerate() {
        for (x, y) in x.chunks_exact(inputs).zip(y.chunks_exact_mut(outputs)) {
            y[o] = dot(row, x);
        }
    }
}

/// `dx[t][i] += Σ_o w[o][i] dy[t][o]` and `dw[o][i] += Σ_t dy[t][o] x[t][i]`
pub fn linear_backward(w: &[f64], x: &[f64], dy: &[f64], dx: &mut [f64], dw: &mut [f64], inputs: usize) {
    let outputs = w.len() / inputs;
    for (dy, dx) in dy.chunks_exact(outputs).zip(dx.chunks_exact_mut(inputs)) {
        for (d, row) in dy.iter().zip(w.chunks_exact(inputs)) {
            add_scaled(*d, row, dx);
        }
    }
    for (o, drow) in dw.chunks_exact_mut(inputs).enumerate() {
        for (x, dy) in x.chunks_exact(inputs).zip(dy.chunks_exact(outputs)) {
            add_scaled(dy[o], x, drow);
        }
    }
}
