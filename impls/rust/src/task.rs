use std::collections::HashMap;
use std::fs;
use std::str::FromStr;

/// What is trained: the flags and the files behind them (`impls/README.md`), read once and never changed.
pub struct Task {
    pub vocab_size: usize,
    pub n_embd: usize,
    pub n_head: usize,
    pub n_layer: usize,
    pub block_size: usize,
    /// Documents a step.
    pub batch: usize,
    /// Length of the learning-rate schedule.
    pub num_steps: usize,
    /// Learning rate of step 0.
    pub learning_rate: f64,
    /// Start parameters, flat: wte, wpe, lm_head, then per layer attn_wq, attn_wk, attn_wv, attn_wo, mlp_fc1, mlp_fc2.
    pub parameters: Vec<f64>,
    tokens: Vec<usize>,
    offsets: Vec<usize>,
}

/// Where the matrices of one layer begin in the flat parameters.
#[derive(Clone, Copy)]
pub struct LayerOffsets {
    pub attn_wq: usize,
    pub attn_wk: usize,
    pub attn_wv: usize,
    pub attn_wo: usize,
    pub mlp_fc1: usize,
    pub mlp_fc2: usize,
}

impl Task {
    /// Reads the flags of this process and their files.
    ///
    /// # Errors
    /// One line for the person who started the program.
    pub fn from_flags(arguments: impl Iterator<Item = String>) -> Result<Task, String> {
        let words: Vec<String> = arguments.collect();
        let flags: HashMap<&str, &str> = words
            .chunks_exact(2)
            .map(|pair| (pair[0].as_str(), pair[1].as_str()))
            .collect();
        let task = Task {
            vocab_size: number(&flags, "--vocab-size")?,
            n_embd: number(&flags, "--n-embd")?,
            n_head: number(&flags, "--n-head")?,
            n_layer: number(&flags, "--n-layer")?,
            block_size: number(&flags, "--block-size")?,
            batch: number(&flags, "--batch")?,
            num_steps: number(&flags, "--num-steps")?,
            learning_rate: number(&flags, "--learning-rate")?,
            parameters: elements(&flags, "--parameters", f64::from_le_bytes)?,
            tokens: elements(&flags, "--tokens", |bytes| i32::from_le_bytes(bytes) as usize)?,
            offsets: elements(&flags, "--offsets", |bytes| i32::from_le_bytes(bytes) as usize)?,
        };
        task.check()?;
        Ok(task)
    }

    /// The tokens of a document, BOS at both ends unless it was cut; counted modulo the number of documents.
    pub fn document(&self, index: usize) -> &[usize] {
        let d = index % (self.offsets.len() - 1);
        &self.tokens[self.offsets[d]..self.offsets[d + 1]]
    }

    /// Learning rate of a step, counted from 0.
    pub fn learning_rate_at(&self, step: usize) -> f64 {
        self.learning_rate * (1.0 - step as f64 / self.num_steps as f64)
    }

    /// Where wpe begins; wte is at 0.
    pub fn wpe(&self) -> usize {
        self.vocab_size * self.n_embd
    }

    pub fn lm_head(&self) -> usize {
        (self.vocab_size + self.block_size) * self.n_embd
    }

    pub fn layer(&self, index: usize) -> LayerOffsets {
        let square = self.n_embd * self.n_embd;
        let attn_wq = (2 * self.vocab_size + self.block_size) * self.n_embd + index * 12 * square;
        LayerOffsets {
            attn_wq,
            attn_wk: attn_wq + square,
            attn_wv: attn_wq + 2 * square,
            attn_wo: attn_wq + 3 * square,
            mlp_fc1: attn_wq + 4 * square,
            mlp_fc2: attn_wq + 8 * square,
        }
    }

    /// Everything that later code relies on without looking again.
    fn check(&self) -> Result<(), String> {
        if self.n_head == 0 || self.n_embd % self.n_head != 0 {
            return Err(format!(
                "--n-embd {} is not divisible by --n-head {}",
                self.n_embd, self.n_head
            ));
        }
        let count = self.layer(self.n_layer).attn_wq;
        if self.parameters.len() != count {
            return Err(format!(
                "--parameters has {} numbers, this model {count}",
                self.parameters.len()
            ));
        }
        if let Some(token) = self.tokens.iter().find(|token| **token >= self.vocab_size) {
            return Err(format!(
                "token {token} is outside the vocabulary of {}",
                self.vocab_size
            ));
        }
        let lengths_fit = self
            .offsets
            .windows(2)
            .all(|pair| pair[1] >= pair[0] + 2 && pair[1] - pair[0] <= self.block_size + 1);
        if self.offsets.len() < 2 || !lengths_fit || self.offsets.last() != Some(&self.tokens.len()) {
            return Err("--offsets and --tokens do not fit together".to_string());
        }
        Ok(())
    }
}

fn flag<'a>(flags: &HashMap<&str, &'a str>, name: &str) -> Result<&'a str, String> {
    flags.get(name).copied().ok_or_else(|| format!("{name} is missing"))
}

fn number<T: FromStr>(flags: &HashMap<&str, &str>, name: &str) -> Result<T, String> {
    let text = flag(flags, name)?;
    text.parse().map_err(|_| format!("{name} wants a number, not '{text}'"))
}

/// A little-endian file as its elements of `N` bytes.
fn elements<T, const N: usize>(
    flags: &HashMap<&str, &str>,
    name: &str,
    from: fn([u8; N]) -> T,
) -> Result<Vec<T>, String> {
    let path = flag(flags, name)?;
    let bytes = fs::read(path).map_err(|error| format!("{name} {path}: {error}"))?;
    if bytes.len() % N != 0 {
        return Err(format!(
            "{name} {path}: {} bytes are not a whole number of {N}-byte elements",
            bytes.len()
        ));
    }
    Ok(bytes
        .chunks_exact(N)
        .map(|chunk| from(chunk.try_into().expect("chunks of N bytes")))
        .collect())
}
