//! Options of what shows a deployment and changes nothing: show, output, graph.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// A saved plan; without it, the state is shown
    #[arg(value_name = "PLANFILE")]
    pub(crate) plan: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Output {
    /// Only this one
    pub(crate) name: Option<String>,
    /// Only the value, without quotes: for scripts
    #[arg(long, requires = "name")]
    pub(crate) raw: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Graph {
    /// In which form
    #[arg(long, value_enum, default_value = "dot")]
    pub(crate) format: GraphFormat,
    /// Of what
    #[arg(long, value_enum, default_value = "plan")]
    pub(crate) of: GraphOf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Dot,
    Mermaid,
    Svg,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphOf {
    /// What is wanted, coloured by what would change
    Plan,
    /// What is in the state
    State,
}
