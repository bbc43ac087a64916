//! `[environments.<name>]`: what it lays over the file, and what is said about it.

use crate::{bad_in, good, good_in, messages};

const FILE: &str = r#"
[aws]
region = "us-east-1"

[server]
name = "calculator"
memory_mb = 512

[environment]
RUST_LOG = "info"
STAGE = "base"

[api_gateway]
cors_origins = ["https://a.example", "https://b.example"]

[[resources]]
kind = "aws.dynamodb.table"
name = "base"

[environments.prod]
aws.region = "eu-central-1"

[environments.prod.server]
memory_mb = 2048

[environments.prod.environment]
STAGE = "prod"

[environments.prod.api_gateway]
cors_origins = ["https://c.example"]

[[environments.prod.resources]]
kind = "aws.dynamodb.table"
name = "prod"

[environments.staging]
"#;

#[test]
fn tables_are_merged_and_lists_replaced() {
    let base = good(FILE);
    let prod = good_in(FILE, "prod");
    let server =
        |loaded: &mcpdeploy_config::Loaded| loaded.config.server.clone().expect("a server");
    assert_eq!(server(&base).memory_mb, 512);
    assert_eq!(server(&prod).memory_mb, 2048);
    assert_eq!(server(&prod).name, "calculator");
    assert_eq!(prod.config.aws.region.as_deref(), Some("eu-central-1"));
    assert_eq!(prod.config.environment["RUST_LOG"], "info");
    assert_eq!(prod.config.environment["STAGE"], "prod");
    assert_eq!(prod.config.api_gateway.cors_origins, ["https://c.example"]);
    assert_eq!(prod.config.resources.len(), 1);
    assert_eq!(prod.config.resources[0].name.value, "prod");
    assert_eq!(prod.environments, ["prod", "staging"]);
}

#[test]
fn the_place_is_that_of_the_value_which_holds() {
    let prod = good_in(FILE, "prod");
    let span = prod.span_of("server.memory_mb").expect("it is set");
    assert_eq!(&FILE[span], "2048");
    let base = good(FILE);
    let span = base.span_of("server.memory_mb").expect("it is set");
    assert_eq!(&FILE[span.clone()], "512");
    assert_eq!(base.source.line_of(span.start), 7);
}

#[test]
fn the_default_may_have_a_section_of_its_own() {
    let text = "[server]\nname = \"a\"\n[environments.default.server]\nmemory_mb = 1024\n";
    let server = good(text).config.server.expect("a server");
    assert_eq!(server.memory_mb, 1024);
}

#[test]
fn the_file_may_leave_to_its_environments_what_they_must_say() {
    let text = "[server]\nmemory_mb = 512\n[environments.prod.server]\nname = \"a\"\n";
    good_in(text, "prod");
    assert_eq!(messages(text), ["`server` needs `name`"]);
    let text = "[aws]\nregion = \"us-east-1\"\n[environments.prod.server]\nname = \"a\"\n";
    good_in(text, "prod");
    assert_eq!(messages(text), ["there is no `[server]`"]);
}

#[test]
fn mistakes_of_environments_that_are_not_chosen_are_said_once() {
    let text = "[server]\nname = \"a\"\nmemory_mb = 1\n\
                [environments.one.server]\nname = \"A\"\n[environments.two.server]\ntimeout_seconds = 0\n";
    for chosen in ["default", "one", "two"] {
        let errors = bad_in(text, chosen);
        assert_eq!(errors.errors().len(), 3, "{}", errors.render(false, 100));
    }
}

#[test]
fn an_environment_that_is_not_there_is_named_with_those_that_are() {
    let errors = bad_in(FILE, "pord");
    let error = &errors.errors()[0];
    assert_eq!(
        error.message(),
        "there is no environment `pord`; did you mean `prod`?"
    );
    assert!(
        error
            .help_text()
            .is_some_and(|help| help.contains("prod, staging"))
    );
    let errors = bad_in("[server]\nname = \"a\"\n", "prod");
    assert!(
        errors.errors()[0]
            .help_text()
            .is_some_and(|help| help.contains("[environments.prod]"))
    );
}

#[test]
fn environments_are_tables_with_names() {
    for (text, message) in [
        (
            "environments = 1\n",
            "`environments` must be a table, not an integer",
        ),
        (
            "environments.prod = \"x\"\n",
            "`prod` must be a table, not a string",
        ),
        (
            "[[environments]]\nname = \"prod\"\n",
            "`environments` must be a table, not a list",
        ),
        (
            "[environments.PROD]\n",
            "`PROD` cannot be a name in `[environments]`",
        ),
    ] {
        let text = format!("{text}[server]\nname = \"a\"\n");
        assert_eq!(messages(&text), [message]);
    }
}
