#![no_main]

use libfuzzer_sys::fuzz_target;
use mcpdeploy_config::load;

fuzz_target!(|text: &str| {
    match load("deploy.toml", text, "default") {
        Ok(loaded) => {
            for environment in &loaded.environments {
                // One environment's answer holds for all: each is checked in every load.
                assert!(load("deploy.toml", text, environment).is_ok());
            }
        }
        Err(errors) => {
            assert!(!errors.errors().is_empty());
            let shown = errors.render(false, 80);
            assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
        }
    }
});
