/// Index of a node on its tape.
pub type Value = usize;

/// A number, the numbers it was computed from, and how fast it changes with each of them.
struct Node {
    data: f64,
    /// d loss / d this, filled in by [`Tape::backward`].
    grad: f64,
    /// What it was computed from, and d this / d input. No operation has more than two; a missing one is the node itself
    /// with slope 0.
    inputs: [(Value, f64); 2],
}

/// Every number of a computation, in the order in which it was made.
#[derive(Default)]
pub struct Tape {
    nodes: Vec<Node>,
}

impl Tape {
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Forgets every node from `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.nodes.truncate(length);
    }

    pub fn data(&self, x: Value) -> f64 {
        self.nodes[x].data
    }

    pub fn set_data(&mut self, x: Value, data: f64) {
        self.nodes[x].data = data;
    }

    pub fn grad(&self, x: Value) -> f64 {
        self.nodes[x].grad
    }

    /// A number that was computed from nothing: a parameter or a constant.
    pub fn leaf(&mut self, data: f64) -> Value {
        let itself = (self.nodes.len(), 0.0);
        self.push(data, [itself, itself])
    }

    pub fn add(&mut self, x: Value, y: Value) -> Value {
        self.push(self.data(x) + self.data(y), [(x, 1.0), (y, 1.0)])
    }

    pub fn sub(&mut self, x: Value, y: Value) -> Value {
        self.push(self.data(x) - self.data(y), [(x, 1.0), (y, -1.0)])
    }

    pub fn mul(&mut self, x: Value, y: Value) -> Value {
        self.push(self.data(x) * self.data(y), [(x, self.data(y)), (y, self.data(x))])
    }

    pub fn div(&mut self, x: Value, y: Value) -> Value {
        let inverse = 1.0 / self.data(y);
        let quotient = self.data(x) * inverse;
        self.push(quotient, [(x, inverse), (y, -quotient * inverse)])
    }

    /// The product with a constant.
    pub fn scale(&mut self, x: Value, factor: f64) -> Value {
        self.unary(x, factor * self.data(x), factor)
    }

    pub fn pow(&mut self, x: Value, exponent: f64) -> Value {
        let data = self.data(x);
        self.unary(x, data.powf(exponent), exponent * data.powf(exponent - 1.0))
    }

    pub fn exp(&mut self, x: Value) -> Value {
        let result = self.data(x).exp();
        self.unary(x, result, result)
    }

    pub fn log(&mut self, x: Value) -> Value {
        self.unary(x, self.data(x).ln(), 1.0 / self.data(x))
    }

    pub fn relu(&mut self, x: Value) -> Value {
        let data = self.data(x);
        self.unary(x, data.max(0.0), if data > 0.0 { 1.0 } else { 0.0 })
    }

    /// Fills in every `grad` with the derivative of `loss`. The order of the tape is a topological one.
    pub fn backward(&mut self, loss: Value) {
        for node in &mut self.nodes {
            node.grad = 0.0;
        }
        self.nodes[loss].grad = 1.0;
        for i in (0..=loss).rev() {
            let Node { grad, inputs, .. } = self.nodes[i];
            for (input, slope) in inputs {
                self.nodes[input].grad += slope * grad;
            }
        }
    }

    fn unary(&mut self, x: Value, data: f64, slope: f64) -> Value {
        let itself = (self.nodes.len(), 0.0);
        self.push(data, [(x, slope), itself])
    }

    fn push(&mut self, data: f64, inputs: [(Value, f64); 2]) -> Value {
        self.nodes.push(Node {
            data,
            grad: 0.0,
            inputs,
        });
        self.nodes.len() - 1
    }
}
