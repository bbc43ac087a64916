//! Whatever the text is: an answer, at once, and no panic.

use mcpdeploy_config::{Source, load};

use crate::{SMALLEST, bad_in, good, messages};

#[test]
fn odd_beginnings_and_line_ends_are_fine() {
    good(&format!("\u{feff}{SMALLEST}"));
    good(&SMALLEST.replace('\n', "\r\n"));
    good(SMALLEST.trim_end());
    let errors = bad_in(&format!("\u{feff}nope = 1\n{SMALLEST}"), "default");
    assert!(errors.render(false, 80).contains("nope = 1"));
}

#[test]
fn nothing_at_all_is_an_empty_file() {
    for text in ["", "\n\n", "# only this\n", "\u{feff}", "   \t\r\n"] {
        assert_eq!(messages(text), ["the file is empty"], "{text:?}");
    }
}

#[test]
fn monsters_are_answered_briefly() {
    let long = "x".repeat(1 << 20);
    let deep_list = format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_table = format!("a = {}1{}", "{ a = ".repeat(100_000), " }".repeat(100_000));
    let dots = "a.".repeat(100_000);
    let quoted_dots = "\"a\".".repeat(100_000);
    for text in [
        format!("{SMALLEST}mcp_path = \"{long}\"\n"),
        format!("{SMALLEST}{long} = 1\n"),
        format!("{SMALLEST}[{long}]\n"),
        format!("{SMALLEST}memory_mb = {}\n", "9".repeat(1 << 16)),
        format!("{SMALLEST}[tags]\n\"aws:{long}\" = \"\"\n"),
        format!("{SMALLEST}[assets]\ninclude = [\"/{long}\"]\n"),
        format!("{SMALLEST}[environment]\nAA = \"{long}\"\n"),
        format!(
            "{SMALLEST}[[resources]]\nkind = \"a.b\"\nname = \"x\"\ninputs = {{ a = \"{long}${{\" }}\n"
        ),
        deep_list,
        deep_table,
        format!("{dots}a = 1\n"),
        format!("[{dots}a]\n"),
        format!("x = {{ {dots}a = 1 }}\n"),
        format!("{quoted_dots}\"a\" = 1\n"),
        format!("{SMALLEST}{}", "nope = \u{0}\n".repeat(3)),
        "\u{0}\u{0}\u{0}".to_owned(),
        "= = =\n[[[\n\"".to_owned(),
    ] {
        let errors = bad_in(&text, "default");
        let shown = errors.render(false, 100);
        assert!(
            shown.len() < 20_000,
            "{} bytes: {}",
            shown.len(),
            &shown[..500]
        );
        assert!(shown.chars().all(|c| c == '\n' || !c.is_control()));
    }
}

#[test]
fn thousands_of_mistakes_are_counted() {
    let text: String = (0..3_000)
        .map(|index| format!("nope{index} = 1\n"))
        .collect();
    let errors = bad_in(&text, "default");
    assert_eq!(errors.errors().len(), 3_001);
    assert!(errors.render(false, 100).contains("… and 2951 more"));
}

/// Every cut of a file that holds every key: the parser sees each possible half-written thing.
#[test]
fn half_a_file_is_never_a_panic() {
    let whole = include_str!("every_key.toml");
    for end in (0..whole.len()).step_by(5) {
        if let Err(errors) = load("x", &whole[..end], "default") {
            errors.render(false, 80);
        }
    }
}

/// Every single character of it replaced by something nasty.
#[test]
fn a_wrong_character_is_never_a_panic() {
    let whole = include_str!("every_key.toml");
    for (at, c) in whole.char_indices().step_by(17) {
        for nasty in ["\"", "[", "=", "\n", "ä", "${", "-9"] {
            let text = format!("{}{nasty}{}", &whole[..at], &whole[at + c.len_utf8()..]);
            if let Err(errors) = load("x", &text, "default") {
                errors.render(false, 80);
            }
        }
    }
}

#[test]
fn values_of_any_type_are_never_a_panic() {
    let values = [
        "-1",
        "1.5",
        "true",
        "\"\"",
        "\"${\"",
        "[1, \"a\", {}]",
        "{ a = 1 }",
        "1979-05-27",
        "99999999999999999999",
    ];
    let whole = include_str!("every_key.toml");
    for (number, line) in whole.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ") else {
            continue;
        };
        for value in values {
            let lines = whole.lines().enumerate().map(|(at, line)| {
                if at == number {
                    format!("{key} = {value}\n")
                } else {
                    format!("{line}\n")
                }
            });
            let text: String = lines.collect();
            if let Err(errors) = load("x", &text, "default") {
                let shown = errors.render(false, 80);
                assert!(
                    !shown.contains("fault of mcpdeploy"),
                    "{key} = {value}\n{shown}"
                );
            }
        }
    }
}

#[test]
fn places_outside_the_text_are_survived() {
    let source = Source::new("x", "ab");
    for span in [0..0, 2..2, 1..99, 50..60] {
        let error = source.error("wrong", Some(span), "here", None);
        let errors = mcpdeploy_config::ConfigErrors::new(source.clone(), vec![error]);
        assert!(errors.render(false, 80).contains("wrong"));
    }
}
