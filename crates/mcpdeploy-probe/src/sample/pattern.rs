//! Text that a regular expression fits, as short as may be.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Text of at least `least` characters that fits; none when the expression is beyond us.
pub(super) fn shortest(pattern: &str, least: usize) -> Option<String> {
    let hir = regex_syntax::Parser::new().parse(pattern).ok()?;
    // Repetitions are drawn out until it is long enough.
    (0..=least.min(1000)).find_map(|more| {
        let mut text = String::new();
        write(&hir, more, &mut text)?;
        (text.chars().count() >= least).then_some(text)
    })
}

fn write(hir: &Hir, more: usize, out: &mut String) -> Option<()> {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => out.push(
            pick(|c| {
                class
                    .iter()
                    .any(|range| (range.start()..=range.end()).contains(&c))
            })
            .or_else(|| class.iter().next().map(|range| range.start()))?,
        ),
        HirKind::Class(Class::Bytes(class)) => out.push(pick(|c| {
            class
                .iter()
                .any(|range| (char::from(range.start())..=char::from(range.end())).contains(&c))
        })?),
        HirKind::Repetition(repetition) => {
            let least = usize::try_from(repetition.min).ok()?;
            let most = repetition
                .max
                .map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX));
            for _ in 0..least.saturating_add(more).min(most).min(10_000) {
                write(&repetition.sub, 0, out)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, more, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                write(part, more, out)?;
            }
        }
        HirKind::Alternation(choices) => write(choices.first()?, more, out)?,
    }
    Some(())
}

/// A character that reads well.
fn pick(has: impl Fn(char) -> bool) -> Option<char> {
    "a1A-_. ".chars().chain('!'..='~').find(|c| has(*c))
}

#[cfg(test)]
mod tests {
    use super::shortest;

    #[test]
    fn short_text_that_fits() {
        for (pattern, least, expected) in [
            ("^[a-z]+$", 0, Some("a")),
            ("^[a-z]+$", 4, Some("aaaa")),
            ("^(foo|bar)-[0-9]{3}$", 0, Some("foo-111")),
            ("x?", 0, Some("")),
            ("^[^a]$", 0, Some("1")),
            ("^a{2}$", 3, None),
            ("(?!x)", 0, None),
        ] {
            assert_eq!(shortest(pattern, least).as_deref(), expected, "{pattern}");
        }
    }
}
