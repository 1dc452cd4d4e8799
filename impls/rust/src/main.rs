//! The model's gradients written out by hand, in float64.

mod adam;
mod analytic;
mod attention;
mod cache_lines;
mod products;
mod rmsnorm;
mod softmax;

use std::process::ExitCode;

fn main() -> ExitCode {
    let task = match microgpt::Task::from_flags(std::env::args().skip(1)) {
        Ok(task) => task,
        Err(problem) => {
            eprintln!("{problem}");
            return ExitCode::from(2);
        }
    };
    match microgpt::serve(&task, &mut analytic::Analytic::new(&task)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}
