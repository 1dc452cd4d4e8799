use microgpt::{Task, Trainer};

use crate::gpt::Gpt;
use crate::tape::Tape;

const BETA1: f64 = 0.85;
const BETA2: f64 = 0.99;
const EPSILON: f32 = 1e-8;

/// Trains by recording each step's loss on a tape. The tape's leaves hold the parameters from step to step.
pub struct FlatTape<'a> {
    task: &'a Task,
    tape: Tape,
    gpt: Gpt<'a>,
    /// Of step 0.
    first_document: usize,
    step: usize,
    /// Adam's moments, one of each for every parameter.
    m: Vec<f32>,
    v: Vec<f32>,
}

impl<'a> FlatTape<'a> {
    pub fn new(task: &'a Task) -> Self {
        let mut tape = Tape::new();
        let gpt = Gpt::new(task, &mut tape);
        let count = task.parameters.len();
        FlatTape {
            task,
            tape,
            gpt,
            first_document: 0,
            step: 0,
            m: vec![0.0; count],
            v: vec![0.0; count],
        }
    }

    /// Records the next step's loss, goes backwards from it, and cuts the tape back to its leaves.
    fn loss_and_gradient(&mut self) -> f64 {
        let (task, tape) = (self.task, &mut self.tape);
        let first = self.first_document + self.step * task.batch;
        let mut shares = Vec::new();
        for index in first..first + task.batch {
            let losses = self.gpt.losses(tape, task.document(index));
            let share = tape.leaf(1.0 / (losses.len() * task.batch) as f32);
            shares.extend(losses.into_iter().map(|loss| (loss, share)));
        }
        for (loss, share) in shares {
            tape.pair(loss, share);
        }
        let loss = tape.sum();
        tape.backward();
        let value = f64::from(tape.values[loss]);
        tape.truncate(self.gpt.parameters().end);
        value
    }
}

impl Trainer for FlatTape<'_> {
    fn step(&mut self) -> f64 {
        let loss = self.loss_and_gradient();
        let exponent = self.step as i32 + 1;
        let m_correction = (1.0 - BETA1.powi(exponent)).recip() as f32;
        let v_correction = (1.0 - BETA2.powi(exponent)).recip() as f32;
        let learning_rate = self.task.learning_rate_at(self.step) as f32;
        let leaves = self.gpt.parameters();
        let moments = self.m.iter_mut().zip(&mut self.v);
        let parameters = self.tape.values[leaves.clone()]
            .iter_mut()
            .zip(&self.tape.gradients[leaves]);
        for ((p, g), (m, v)) in parameters.zip(moments) {
            *m = BETA1 as f32 * *m + (1.0 - BETA1) as f32 * g;
            *v = BETA2 as f32 * *v + (1.0 - BETA2) as f32 * g * g;
            *p -= learning_rate * (*m * m_correction) / ((*v * v_correction).sqrt() + EPSILON);
        }
        self.step += 1;
        loss
    }

    fn reset(&mut self, first_document: usize) {
        // The tape keeps its memory: in every lap the system would have to give it anew.
        let leaves = self.gpt.parameters();
        for (value, start) in self.tape.values[leaves].iter_mut().zip(&self.task.parameters) {
            *value = *start as f32;
        }
        self.m.fill(0.0);
        self.v.fill(0.0);
        self.first_document = first_document;
        self.step = 0;
    }

    fn parameters(&self) -> Vec<f64> {
        self.tape.values[self.gpt.parameters()]
            .iter()
            .map(|value| f64::from(*value))
            .collect()
    }

    fn gradients(&mut self) -> Vec<f64> {
        self.loss_and_gradient();
        self.tape.gradients[self.gpt.parameters()]
            .iter()
            .map(|value| f64::from(*value))
            .collect()
    }
}
