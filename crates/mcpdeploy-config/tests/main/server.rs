//! Defaults, names and notes of a file that deploys a server.

use mcpdeploy_config::{Architecture, Check, OnFailure, SecretSource, Transport};

use crate::{SMALLEST, bad_in, good, messages};

#[test]
fn what_is_not_said_has_a_default() {
    let config = good(SMALLEST).config;
    let server = config.server.as_ref().expect("a server");
    assert_eq!((server.memory_mb, server.timeout_seconds), (512, 30));
    assert_eq!(server.ephemeral_storage_mb, 512);
    assert_eq!(server.mcp_path, "/mcp");
    assert_eq!(server.architecture, Architecture::X86_64);
    assert_eq!(server.transport, Transport::Lambda);
    assert_eq!(config.aws.region, None);
    let observability = &config.observability;
    assert_eq!(observability.log_retention_days, 30);
    assert!(!observability.enable_xray && !observability.create_dashboard);
    assert_eq!(observability.alarms, Default::default());
    assert_eq!(
        (
            config.api_gateway.rate_limit,
            config.api_gateway.burst_limit
        ),
        (1000, 2000)
    );
    assert_eq!(
        config.post_deploy_tests.checks,
        [Check::Connectivity, Check::Conformance]
    );
    assert_eq!(config.post_deploy_tests.on_failure, OnFailure::Fail);
    assert_eq!(config.build.profile, "release");
    assert_eq!(config.assets.exclude.len(), 3);
}

#[test]
fn a_section_without_keys_is_as_good_as_none() {
    let sections = "[target]\n[aws]\n[observability]\n[observability.alarms]\n[auth]\n[iam]\n[tags]\n[secrets]\n";
    let config = good(&format!("{SMALLEST}{sections}")).config;
    assert_eq!(config.observability.log_retention_days, 30);
}

#[test]
fn each_way_to_write_a_key_is_the_same() {
    let text = "server = { \"name\" = 'calculator', memory_mb = 0x400 }\n\
                aws.region = \"us-east-1\"\nenvironment.BB = \"\"\n";
    let config = good(text).config;
    assert_eq!(config.server.map(|server| server.memory_mb), Some(1024));
    assert_eq!(config.aws.region.as_deref(), Some("us-east-1"));
    assert_eq!(config.environment["BB"], "");
}

#[test]
fn secrets_are_descriptions_or_arns() {
    let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:db-a1b2c3";
    let config = good(&format!(
        "{SMALLEST}[secrets]\nDB = \"{arn}\"\nKEY = \"for the API\"\n"
    ))
    .config;
    assert_eq!(
        config.secrets["DB"].source,
        SecretSource::Existing {
            arn: arn.to_owned()
        }
    );
    assert_eq!(
        config.secrets["KEY"].source,
        SecretSource::Managed {
            description: "for the API".to_owned()
        }
    );
}

#[test]
fn variables_keep_their_order() {
    let config = good(&format!(
        "{SMALLEST}[environment]\nZZ = \"1\"\nAA = \"2\"\nMM = \"3\"\n"
    ))
    .config;
    let names: Vec<&str> = config.environment.keys().map(String::as_str).collect();
    assert_eq!(names, ["ZZ", "AA", "MM"]);
}

#[test]
fn what_may_surprise_is_noted() {
    for (text, note) in [
        (
            "[gcp]\nproject_id = \"x\"\n",
            "`[gcp]` belongs to another tool and does nothing here",
        ),
        (
            "[[widgets]]\npath = \"x\"\n",
            "`[widgets]` belongs to another tool and does nothing here",
        ),
        (
            "[auth]\nenabled = false\n[auth.dcr]\nenabled = true\n",
            "login is off: under `[auth]`, dcr do nothing",
        ),
        (
            "[observability.alarms]\nlatency_threshold_ms = 60000\n",
            "this alarm never goes off: requests end after 30 s (timeout_seconds)",
        ),
        (
            "[observability]\nalarm_email = \"a@b.example\"\n",
            "no mail is ever sent: [observability.alarms] sets no threshold",
        ),
    ] {
        let loaded = good(&format!("{SMALLEST}{text}"));
        let notes: Vec<&str> = loaded
            .notes
            .iter()
            .map(|note| note.message.as_str())
            .collect();
        assert_eq!(notes, [note]);
    }
    assert!(good(SMALLEST).notes.is_empty());
}

#[test]
fn a_token_is_refused_wherever_it_stands_and_never_shown() {
    let token = format!("sk-{}", "proj-4f9Qx81".repeat(3));
    for place in [
        "[environment]\nOPENAI = \"@\"",
        "[tags]\nkey = \"a @ b\"",
        "[tags]\n@ = \"x\"",
    ] {
        let text = format!("{SMALLEST}{}\n", place.replace('@', &token));
        let errors = bad_in(&text, "default");
        assert_eq!(errors.errors().len(), 1, "{place}");
        assert!(!errors.render(false, 100).contains(&token), "{place}");
    }
    // Where only a value can be meant, it need not look like one.
    for place in [
        "[secrets]\nKEY = { value = \"hunter2\" }",
        "[secrets.KEY]\nvale = \"hunter2\"",
        "[secrets]\nKEY = [\"hunter2\"]",
        "[secrets]\nKEY = hunter2",
        "[secrets]\nKEY = \"hunter2",
        "[auth]\nenabled = true\nclient_secret = \"hunter2\"",
        "[environments.prod.secrets]\nKEY = { value = \"hunter2\" }",
    ] {
        let errors = bad_in(&format!("{SMALLEST}{place}\n"), "default");
        let shown = errors.render(false, 100);
        assert!(!shown.contains("hunter2"), "{place}:\n{shown}");
    }
    // A comment goes nowhere, and is masked where it is shown.
    let loaded = good(&format!("{SMALLEST}# {token}\n"));
    assert!(!loaded.source.text().contains(&token));
}

#[test]
fn targets_of_other_tools_are_named() {
    for target in [
        "google-cloud-run",
        "cloudflare-workers",
        "azure-container-apps",
        "pmcp-run",
    ] {
        let found = messages(&format!(
            "[target]\ntype = \"{target}\"\n[server]\nmemory = \"1Gi\"\n"
        ));
        assert_eq!(
            found,
            [format!(
                "the target \"{target}\" is not one that mcpdeploy deploys"
            )]
        );
    }
}

#[test]
fn limits_hold_at_both_ends() {
    for (line, fits) in [
        ("memory_mb = 128", true),
        ("memory_mb = 10240", true),
        ("memory_mb = 127", false),
        ("memory_mb = 10241", false),
        ("timeout_seconds = 900", true),
        ("timeout_seconds = 901", false),
        ("ephemeral_storage_mb = 511", false),
        ("reserved_concurrency = 0", true),
        ("reserved_concurrency = -1", false),
        ("provisioned_concurrency = 1", true),
        ("mcp_path = \"/\"", true),
        ("mcp_path = \"/a/b\"", true),
        ("mcp_path = \"/a/\"", false),
        ("mcp_path = \"/{proxy+}\"", false),
    ] {
        let text = format!("{SMALLEST}{line}\n");
        assert_eq!(
            mcpdeploy_config::load("x", &text, "default").is_ok(),
            fits,
            "{line}"
        );
    }
}

#[test]
fn errors_from_outside_look_the_same() {
    let loaded = good("[server]\nname = \"calculator\"\n[aws]\naccount_id = \"123456789012\"\n");
    let errors = loaded.error_at(
        "aws.account_id",
        "the caller is in another account",
        "not 210987654321",
        Some("choose another profile".to_owned()),
    );
    assert_eq!(
        errors.render(false, 100),
        "error: .pmcp/deploy.toml has 1 mistake

  × the caller is in another account
   ╭─[.pmcp/deploy.toml:4:14]
 4 │ account_id = \"123456789012\"
   ·              ───────┬──────
   ·                     ╰── not 210987654321
   ╰────
  help: choose another profile
"
    );
    assert!(errors.render(true, 100).contains("\u{1b}["));
}

#[test]
fn all_mistakes_are_said_at_once_and_in_order() {
    let errors = bad_in(
        "[server]\nname = 1\nmemory_mb = 1\nnope = 1\n[tags]\n\"aws:x\" = \"\"\n",
        "default",
    );
    let starts: Vec<usize> = errors
        .errors()
        .iter()
        .filter_map(|e| e.span())
        .map(|s| s.start)
        .collect();
    assert_eq!(starts.len(), 4);
    assert!(starts.is_sorted());
}
