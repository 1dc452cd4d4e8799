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

/// `y += Σ_r factor_r · row_r`. Four rows at a time: y is loaded and stored a quarter as often.
fn add_rows(mut factors: impl Iterator<Item = f64>, rows: &[f64], y: &mut [f64]) {
    let size = y.len();
    let mut fours = rows.chunks_exact(4 * size);
    for four in &mut fours {
        let mut next = || factors.next().expect("one factor for each row");
        let (f0, f1, f2, f3) = (next(), next(), next(), next());
        let (r0, rest) = four.split_at(size);
        let (r1, rest) = rest.split_at(size);
        let (r2, r3) = rest.split_at(size);
        for ((((y, a), b), c), d) in y.iter_mut().zip(r0).zip(r1).zip(r2).zip(r3) {
            *y = f3.mul_add(*d, f2.mul_add(*c, f1.mul_add(*b, f0.mul_add(*a, *y))));
        }
    }
    for (factor, row) in factors.zip(fours.remainder().chunks_exact(size)) {
        add_scaled(factor, row, y);
    }
}

/// `dx[t][i] += Σ_o w[o][i] dy[t][o]` and `dw[o][i] += Σ_t dy[t][o] x[t][i]`
pub fn linear_backward(w: &[f64], x: &[f64], dy: &[f64], dx: &mut [f64], dw: &mut [f64], inputs: usize) {
    let outputs = w.len() / inputs;
    for (dy, dx) in dy.chunks_exact(outputs).zip(dx.chunks_exact_mut(inputs)) {
        add_rows(dy.iter().copied(), w, dx);
    }
    for (o, drow) in dw.chunks_exact_mut(inputs).enumerate() {
        add_rows(dy.iter().skip(o).step_by(outputs).copied(), x, drow);
    }
}
