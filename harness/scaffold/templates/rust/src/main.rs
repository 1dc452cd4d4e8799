mod tape;
mod trainer;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let task = microgpt::Task::from_flags(std::env::args().skip(1))?;
    microgpt::serve(&task, &mut trainer::ScalarTrainer::new(&task))?;
    Ok(())
}
