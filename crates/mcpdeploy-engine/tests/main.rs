//! The engine on a fake cloud: one binary, one module for each thing that it promises.

mod crash;
mod decisions;
mod disk;
mod life;
mod order;
mod recover;
mod run;
mod scenes;
mod support;
