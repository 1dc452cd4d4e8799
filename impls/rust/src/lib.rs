//! What every trainer in Rust shares: the task and the line protocol. A trainer of your own is a type that
//! implements [`Trainer`] and a `main` that calls [`serve`].

mod protocol;
mod task;

pub use protocol::{serve, Trainer};
pub use task::{LayerOffsets, Task};
