//! `schema`: the JSON Schema of a file, or of a kind's inputs.

use std::sync::Arc;

use mcpdeploy_aws::clients::ClientFactory;
use serde_json::{Value, json};

use crate::exit::Exit;
use crate::failure::Failure;
use crate::screen::Screen;

pub(crate) fn run(name: Option<&str>, screen: &Screen) -> Result<Exit, Failure> {
    let registry = crate::cloud::registry(&Arc::new(ClientFactory::offline()));
    let mut files: Vec<(&str, Value)> = vec![("deploy", mcpdeploy_config::schema())];
    files.extend(
        mcpdeploy_engine::schema::all()
            .into_iter()
            .chain([mcpdeploy_probe::schema::report()])
            .map(|(file, schema)| (file.split('.').next().unwrap_or(file), schema)),
    );
    let Some(name) = name else {
        let kinds: Vec<&str> = registry.iter().map(|kind| kind.name()).collect();
        let names: Vec<&str> = files.iter().map(|(name, _)| *name).collect();
        screen.result(
            "schema",
            &format!(
                "Files:\n  {}\n\nKinds:\n  {}",
                names.join("\n  "),
                kinds.join("\n  ")
            ),
            json!({"files": names, "kinds": kinds}),
        );
        return Ok(Exit::Done);
    };
    let schema = files
        .into_iter()
        .find(|(file, _)| *file == name)
        .map(|(_, schema)| schema)
        .or_else(|| {
            let kind = registry.get(name)?;
            Some(json!({"kind": name, "inputs": kind.input_schema(), "outputs": kind.output_schema()}))
        })
        .ok_or_else(|| {
            Failure::usage(format!("there is no schema `{name}`"))
                .hint("see which there are: mcpdeploy schema")
        })?;
    screen.document(&schema)?;
    Ok(Exit::Done)
}
