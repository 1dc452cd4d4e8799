use crate::products::dot;

const EPSILON: f64 = 1e-5;

/// `y = x · scale` with `scale[t] = (mean(x[t]²) + 1e-5)^-0.5`, row by row of `size` features.
pub fn rmsnorm(x: &[f64], y: &mut [f64], scale: &mut [f64], size: usize) {
    for ((x, y), scale) in x.chunks_exact(size).zip(y.chunks_exact_mut(size)).zip(scale) {
        *scale = (dot(x, x) / size as f64 + EPSILON).sqrt().recip();
        for (y, x) in y.iter_mut().zip(x) {
            *y = x * *scale;
        }
    }
}

/// `dx += scale · (dy - y · mean(dy · y))`, from the outputs of [`rmsnorm`].
pub fn rmsnorm_backward(y: &[f64], scale: &[f64], dy: &[f64], dx: &mut [f64], size: usize) {
    let rows = y
        .chunks_exact(size)
        .zip(dy.chunks_exact(size))
        .zip(dx.chunks_exact_mut(size))
        .zip(scale);
    for (((y, dy), dx), scale) in rows {
        let projection = dot(dy, y) / size as f64;
        for ((dx, dy), y) in dx.iter_mut().zip(dy).zip(y) {
            *dx += scale * (dy - y * projection);
        }
    }
}
