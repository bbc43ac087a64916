#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpdeploy_config::load;
use mcpdeploy_engine::value::{InterpolationError, parse_interpolation};

const REST: &str = "[server]\nname = \"x\"\n[[resources]]\nkind = \"aws.sns.topic\"\nname = \"x\"\n";

fuzz_target!(|text: &str| {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    let file = format!("{REST}inputs = {{ display_name = {quoted} }}\n");
    match load("deploy.toml", &file, "default") {
        // What the file's checks let pass, the engine must be able to read: it may not know the
        // kind, but it does not see another shape.
        Ok(_) => {
            let read = parse_interpolation(text, &|kind| kind.contains('.'));
            assert!(!matches!(read, Err(InterpolationError::Open(_))), "{read:?}");
        }
        Err(errors) => drop(errors.render(false, 80)),
    }
});
