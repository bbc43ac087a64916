//! The engine on a fake cloud: one binary, one module for each thing that it promises.

mod crash;
mod decisions;
mod disk;
mod life;
mod order;
mod random;
mod recover;
mod run;
mod scenes;
mod schemas;
mod support;
