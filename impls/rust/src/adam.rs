const BETA1: f64 = 0.85;
const BETA2: f64 = 0.99;
const EPSILON: f64 = 1e-8;

/// Adam's moments, one of each for every parameter.
pub struct Adam {
    m: Vec<f64>,
    v: Vec<f64>,
}

impl Adam {
    pub fn new(count: usize) -> Self {
        Adam {
            m: vec![0.0; count],
            v: vec![0.0; count],
        }
    }

    /// Keeps the memory: in every lap the system would have to give it anew.
    pub fn reset(&mut self) {
        self.m.fill(0.0);
        self.v.fill(0.0);
    }

    /// Updates every parameter; `step` is counted from 0.
    pub fn update(&mut self, parameters: &mut [f64], gradient: &[f64], learning_rate: f64, step: usize) {
        let exponent = step as i32 + 1;
        let m_correction = (1.0 - BETA1.powi(exponent)).recip();
        let v_correction = (1.0 - BETA2.powi(exponent)).recip();
        let moments = self.m.iter_mut().zip(&mut self.v);
        for ((p, g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
            *m = BETA1 * *m + (1.0 - BETA1) * g;
            *v = BETA2 * *v + (1.0 - BETA2) * g * g;
            *p -= learning_rate * (*m * m_correction) / ((*v * v_correction).sqrt() + EPSILON);
        }
    }
}
