/// Turns `x` into its softmax. The maximum is subtracted first, so that no exponential overflows.
pub fn softmax(x: &mut [f64]) {
    let maximum = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for value in x.iter_mut() {
        *value = (*value - maximum).exp();
        sum += *value;
    }
    for value in x {
        *value /= sum;
    }
}
