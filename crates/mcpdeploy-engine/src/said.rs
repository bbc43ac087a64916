//! The lines of machine output: the events of a run, and what only commands say. Here, because
//! programs read both in one stream, under one schema.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::Event;
use crate::plan::Plan;

/// One line of machine output: an event of the engine, or something that only commands say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Line {
    /// Said by the command.
    Said(Box<Said>),
    /// Something that happened.
    Event(Event),
}

/// What only commands say.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Said {
    /// The first line: who writes, in which format.
    Version {
        /// The version of this format.
        format: u32,
        /// The version of mcpdeploy.
        mcpdeploy: String,
    },
    /// The plan.
    Planned {
        /// All of it.
        plan: Box<Plan>,
    },
    /// What a command was asked for, e.g. outputs or a list.
    Result {
        /// The command, e.g. `output`.
        command: String,
        /// What it found.
        data: Value,
    },
    /// Something to look at; what was asked for goes on.
    Warning {
        /// What, and what to do about it.
        warning: String,
    },
    /// Something failed.
    Error {
        /// What.
        error: String,
        /// Why, the nearest cause first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        causes: Vec<String>,
        /// On what.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        on: Option<String>,
        /// What a person can do about it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        hints: Vec<String>,
        /// What to do next.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        next: Option<String>,
    },
}
