use microgpt::{Task, Trainer};

use crate::gpt::Gpt;
use crate::tape::Tape;

/// Trains by recording each step's loss on a tape whose first nodes are the parameters.
pub struct ScalarAutograd<'a> {
    task: &'a Task,
    tape: Tape,
    gpt: Gpt,
    /// Of step 0.
    first_document: usize,
    step: usize,
    /// Adam's moments, one of each for every parameter.
    m: Vec<f64>,
    v: Vec<f64>,
}

impl<'a> ScalarAutograd<'a> {
    pub fn new(task: &'a Task) -> Self {
        let mut tape = Tape::default();
        let gpt = Gpt::new(task, &mut tape);
        ScalarAutograd {
            task,
            m: vec![0.0; tape.len()],
            v: vec![0.0; tape.len()],
            tape,
            gpt,
            first_document: 0,
            step: 0,
        }
    }

    /// Records the next step's loss, goes backwards from it, and cuts the tape back to the parameters.
    fn loss_and_gradient(&mut self) -> f64 {
        let (task, tape) = (self.task, &mut self.tape);
        let first = self.first_document + self.step * task.batch;
        let mut total = None;
        for index in first..first + task.batch {
            let loss = self.gpt.document_loss(tape, task.document(index));
            total = Some(total.map_or(loss, |sum| tape.add(sum, loss)));
        }
        let total = total.expect("a batch has a document");
        let loss = tape.scale(total, 1.0 / task.batch as f64);
        tape.backward(loss);
        let data = tape.data(loss);
        tape.truncate(task.parameters.len());
        data
    }
}

impl Trainer for ScalarAutograd<'_> {
    fn step(&mut self) -> f64 {
        let loss = self.loss_and_gradient();
        let rate = self.task.learning_rate_at(self.step);
        self.step += 1;
        let (m_correction, v_correction) = (
            1.0 - 0.85_f64.powi(self.step as i32),
            1.0 - 0.99_f64.powi(self.step as i32),
        );
        for i in 0..self.m.len() {
            let grad = self.tape.grad(i);
            self.m[i] = 0.85 * self.m[i] + 0.15 * grad;
            self.v[i] = 0.99 * self.v[i] + 0.01 * grad * grad;
            let m_hat = self.m[i] / m_correction;
            let v_hat = self.v[i] / v_correction;
            let data = self.tape.data(i) - rate * m_hat / (v_hat.sqrt() + 1e-8);
            self.tape.set_data(i, data);
        }
        loss
    }

    fn reset(&mut self, first_document: usize) {
        // The tape keeps its memory: in every lap the system would have to give it anew.
        for (i, start) in self.task.parameters.iter().enumerate() {
            self.tape.set_data(i, *start);
        }
        self.m.fill(0.0);
        self.v.fill(0.0);
        self.first_document = first_document;
        self.step = 0;
    }

    fn parameters(&self) -> Vec<f64> {
        (0..self.m.len()).map(|i| self.tape.data(i)).collect()
    }

    fn gradients(&mut self) -> Vec<f64> {
        self.loss_and_gradient();
        (0..self.m.len()).map(|i| self.tape.grad(i)).collect()
    }
}
