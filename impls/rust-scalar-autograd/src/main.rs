//! Scalar autograd on a tape of nodes, in float64: the plain port.

mod gpt;
mod tape;
mod trainer;

use std::process::ExitCode;

fn main() -> ExitCode {
    let task = match microgpt::Task::from_flags(std::env::args().skip(1)) {
        Ok(task) => task,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    match microgpt::serve(&task, &mut trainer::ScalarAutograd::new(&task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
