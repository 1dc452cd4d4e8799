use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, Write};
use std::time::Instant;

use crate::Task;

/// One model in training.
pub trait Trainer {
    /// Trains the next step and returns its loss, computed before the update.
    fn step(&mut self) -> f64;
    /// Back to step 0, whose documents begin with `first_document`: start parameters, empty Adam moments.
    fn reset(&mut self, first_document: usize);
    /// The current parameters, in the order of [`Task::parameters`].
    fn parameters(&self) -> Vec<f64>;
    /// The gradient of the next step's loss, same order; changes nothing that training sees.
    fn gradients(&mut self) -> Vec<f64>;
}

/// Speaks the line protocol, version 2, on standard input and output until `quit` or the end of input.
///
/// # Errors
/// Where standard input or output fails.
pub fn serve(task: &Task, trainer: &mut impl Trainer) -> io::Result<()> {
    flush_subnormals_to_zero();
    let mut output = io::stdout().lock();
    writeln!(output, "{{\"ready\":2}}")?;
    output.flush()?;
    let mut step = 0;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (word, argument) = line.trim_end().split_once(' ').unwrap_or((line.trim_end(), ""));
        let answer = match word {
            "train" => match argument.parse() {
                Ok(steps) if steps >= 1 && steps <= task.num_steps - step => {
                    step += steps;
                    train(trainer, steps)
                }
                _ => format!(
                    "{{\"error\":\"train wants 1 to {} steps, the rest of the schedule\"}}",
                    task.num_steps - step
                ),
            },
            "reset" => match argument.parse() {
                Ok(first_document) => {
                    trainer.reset(first_document);
                    step = 0;
                    "{\"reset\":true}".to_string()
                }
                Err(_) => "{\"error\":\"reset wants the number of the first document, 0 or more\"}".to_string(),
            },
            "parameters" => write_file(word, argument, &trainer.parameters()),
            "gradients" => write_file(word, argument, &trainer.gradients()),
            "quit" => break,
            _ => "{\"error\":\"unknown word: expected train, reset, parameters, gradients or quit\"}".to_string(),
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}

fn train(trainer: &mut impl Trainer, steps: usize) -> String {
    let began = Instant::now();
    let losses: Vec<f64> = (0..steps).map(|_| trainer.step()).collect();
    let nanoseconds = began.elapsed().as_nanos();
    let mut answer = String::from("{\"losses\":[");
    for (i, loss) in losses.iter().enumerate() {
        let comma = if i > 0 { "," } else { "" };
        // Rust prints the shortest digits that read back as the same number.
        let written = if loss.is_finite() {
            write!(answer, "{comma}{loss:?}")
        } else {
            write!(answer, "{comma}null")
        };
        written.expect("a string takes any text");
    }
    answer + &format!("],\"nanoseconds\":{nanoseconds}}}")
}

fn write_file(word: &str, path: &str, numbers: &[f64]) -> String {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    match fs::write(path, bytes) {
        Ok(()) => format!("{{\"{word}\":{}}}", numbers.len()),
        Err(error) => format!(
            "{{\"error\":\"{word}: cannot write the file: {}\"}}",
            error.to_string().replace(['"', '\\'], "'")
        ),
    }
}

/// Over a long run the moments of unused rows and the tails of a softmax sink into subnormal numbers, which most
/// processors handle several times slower. Flushed to zero they change no digit that the losses show.
fn flush_subnormals_to_zero() {
    #[cfg(target_arch = "x86_64")]
    {
        const FLUSH_TO_ZERO: u32 = 0x8000;
        const DENORMALS_ARE_ZERO: u32 = 0x0040;
        let mut control = 0_u32;
        // SAFETY: reads and writes this thread's control register through a local variable; exceptions stay masked.
        unsafe {
            std::arch::asm!("stmxcsr [{}]", in(reg) &mut control);
            control |= FLUSH_TO_ZERO | DENORMALS_ARE_ZERO;
            std::arch::asm!("ldmxcsr [{}]", in(reg) &control);
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        const FLUSH_TO_ZERO: u64 = 1 << 24;
        let mut control: u64;
        // SAFETY: as above, for the register of this architecture.
        unsafe {
            std::arch::asm!("mrs {}, fpcr", out(reg) control);
            control |= FLUSH_TO_ZERO;
            std::arch::asm!("msr fpcr, {}", in(reg) control);
        }
    }
}
