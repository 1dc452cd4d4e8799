/// Index of an entry. A vector is the index of its first entry: its entries lie side by side.
pub type Entry = usize;

/// Where an entry's inputs end, and its derivative by the sum of their products.
struct Record {
    pairs_end: u32,
    slope: f32,
}

/// The record of a computation, scalar by scalar, in the order in which it ran. Every entry is `f(Σ left · right)`
/// over pairs of earlier entries; leaves have no pairs. The order of the record is a topological order, so going
/// backwards is a loop and not a search.
pub struct Tape {
    /// `[entries]`
    pub values: Vec<f32>,
    /// `[entries]`, derivatives of the last root; valid after [`Tape::backward`].
    pub gradients: Vec<f32>,
    records: Vec<Record>,
    pairs: Vec<(u32, u32)>,
}

impl Tape {
    /// The entry that is always 1: a sum is a sum of products with it.
    pub const ONE: Entry = 0;

    pub fn new() -> Self {
        let mut tape = Tape {
            values: Vec::new(),
            gradients: Vec::new(),
            records: Vec::new(),
            pairs: Vec::new(),
        };
        tape.leaf(1.0);
        tape
    }

    /// Forgets every entry from `length` on; those before must be leaves.
    pub fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
        self.records.truncate(length);
        self.pairs.clear();
    }

    /// The next entry's index: where a vector that is about to be recorded will begin.
    pub fn len(&self) -> Entry {
        self.values.len()
    }

    pub fn leaf(&mut self, value: f32) -> Entry {
        self.record(value, 0.0)
    }

    /// Adds `left · right` to the sum of the entry that is recorded next.
    pub fn pair(&mut self, left: Entry, right: Entry) {
        self.pairs.push((left as u32, right as u32));
    }

    /// Adds the products of two vectors, entry by entry, to the sum of the entry that is recorded next.
    pub fn pairs(&mut self, left: Entry, right: Entry, count: usize) {
        self.pairs
            .extend((0..count).map(|i| ((left + i) as u32, (right + i) as u32)));
    }

    /// The sum of the products added since the last entry.
    pub fn sum(&mut self) -> Entry {
        let sum = self.pending_sum();
        self.record(sum, 1.0)
    }

    pub fn relu(&mut self) -> Entry {
        let sum = self.pending_sum();
        if sum > 0.0 {
            self.record(sum, 1.0)
        } else {
            self.record(0.0, 0.0)
        }
    }

    pub fn exp(&mut self) -> Entry {
        let value = self.pending_sum().exp();
        self.record(value, value)
    }

    pub fn log(&mut self) -> Entry {
        let sum = self.pending_sum();
        self.record(sum.ln(), sum.recip())
    }

    pub fn reciprocal(&mut self) -> Entry {
        let value = self.pending_sum().recip();
        self.record(value, -value * value)
    }

    /// `(Σ + epsilon)^-0.5`
    pub fn inverse_root(&mut self, epsilon: f32) -> Entry {
        let value = (self.pending_sum() + epsilon).sqrt().recip();
        self.record(value, -0.5 * value * value * value)
    }

    /// Fills `gradients` with the derivative of the last entry by every entry.
    pub fn backward(&mut self) {
        let count = self.values.len();
        self.gradients.clear();
        self.gradients.resize(count, 0.0);
        let (values, gradients) = (&self.values[..count], &mut self.gradients[..count]);
        gradients[count - 1] = 1.0;
        let mut end = self.pairs.len();
        for entry in (1..count).rev() {
            let begin = self.records[entry - 1].pairs_end as usize;
            let slope = gradients[entry] * self.records[entry].slope;
            if slope != 0.0 {
                for &(left, right) in &self.pairs[begin..end] {
                    let (left, right) = (left as usize, right as usize);
                    gradients[left] += values[right] * slope;
                    gradients[right] += values[left] * slope;
                }
            }
            end = begin;
        }
    }

    fn pending_sum(&self) -> f32 {
        let begin = self.records.last().map_or(0, |record| record.pairs_end as usize);
        let values = &self.values[..];
        self.pairs[begin..]
            .iter()
            .map(|&(left, right)| values[left as usize] * values[right as usize])
            .sum()
    }

    fn record(&mut self, value: f32, slope: f32) -> Entry {
        self.values.push(value);
        self.records.push(Record {
            pairs_end: self.pairs.len() as u32,
            slope,
        });
        self.values.len() - 1
    }
}
