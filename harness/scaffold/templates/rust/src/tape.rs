/// Index of a number on the tape.
pub type Node = usize;

/// Every number of a computation in the order in which it was made, with its derivatives by the numbers it was made of.
#[derive(Default)]
pub struct Tape {
    values: Vec<f64>,
    inputs: Vec<Vec<(Node, f64)>>,
}

impl Tape {
    /// Records a number; `inputs` are pairs of a node and the derivative of this number by it.
    pub fn node(&mut self, value: f64, inputs: Vec<(Node, f64)>) -> Node {
        self.values.push(value);
        self.inputs.push(inputs);
        self.values.len() - 1
    }

    pub fn value(&self, node: Node) -> f64 {
        self.values[node]
    }

    /// `Σ x · y`
    pub fn dot(&mut self, x: &[Node], y: &[Node]) -> Node {
        let pairs = || x.iter().zip(y);
        let sum = pairs().map(|(a, b)| self.values[*a] * self.values[*b]).sum();
        let inputs = pairs()
            .flat_map(|(a, b)| [(*a, self.values[*b]), (*b, self.values[*a])])
            .collect();
        self.node(sum, inputs)
    }

    pub fn linear(&mut self, rows: &[&[Node]], x: &[Node]) -> Vec<Node> {
        rows.iter().map(|row| self.dot(row, x)).collect()
    }

    pub fn add(&mut self, x: &[Node], y: &[Node]) -> Vec<Node> {
        x.iter()
            .zip(y)
            .map(|(a, b)| self.node(self.values[*a] + self.values[*b], vec![(*a, 1.0), (*b, 1.0)]))
            .collect()
    }

    pub fn relu(&mut self, x: &[Node]) -> Vec<Node> {
        let slope = |value: f64| if value > 0.0 { 1.0 } else { 0.0 };
        x.iter()
            .map(|a| self.node(self.values[*a].max(0.0), vec![(*a, slope(self.values[*a]))]))
            .collect()
    }

    /// `x · (mean(x²) + 1e-5)^-0.5`
    pub fn rmsnorm(&mut self, x: &[Node]) -> Vec<Node> {
        let size = x.len() as f64;
        let squares: f64 = x.iter().map(|a| self.values[*a] * self.values[*a]).sum();
        let s = (squares / size + 1e-5).sqrt().recip();
        let derivatives = x.iter().map(|a| (*a, -s * s * s * self.values[*a] / size)).collect();
        let scale = self.node(s, derivatives);
        x.iter().map(|a| self.dot(&[*a], &[scale])).collect()
    }

    /// Softmax of `factor · x`.
    pub fn softmax(&mut self, x: &[Node], factor: f64) -> Vec<Node> {
        let maximum = x.iter().map(|a| self.values[*a]).fold(f64::NEG_INFINITY, f64::max);
        let exponentials: Vec<f64> = x.iter().map(|a| (factor * (self.values[*a] - maximum)).exp()).collect();
        let sum: f64 = exponentials.iter().sum();
        let p: Vec<f64> = exponentials.iter().map(|exponential| exponential / sum).collect();
        let slope = |i: usize, j: usize| factor * p[i] * (if i == j { 1.0 } else { 0.0 } - p[j]);
        (0..x.len())
            .map(|i| self.node(p[i], x.iter().enumerate().map(|(j, a)| (*a, slope(i, j))).collect()))
            .collect()
    }

    /// Derivatives of `root` by every node.
    pub fn gradient(&self, root: Node) -> Vec<f64> {
        let mut gradient = vec![0.0; self.values.len()];
        gradient[root] = 1.0;
        for node in (0..=root).rev() {
            for (input, derivative) in &self.inputs[node] {
                gradient[*input] += derivative * gradient[node];
            }
        }
        gradient
    }
}
