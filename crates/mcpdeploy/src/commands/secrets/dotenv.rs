//! `.env` files: `NAME=value`, a line each. As dotenv's implementations agree on: `export` before it,
//! comments, 'literal' and "escaped" values, which may go over several lines.

/// The names and values, in order. An error names the line and nothing that is in it.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
    while !rest.is_empty() {
        let line = 1 + text[..text.len() - rest.len()].matches('\n').count();
        let wrong = |what: &str| format!("line {line}: {what}");
        let (first, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let trimmed = first.trim();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            rest = after;
            continue;
        }
        let (name, _) = first
            .split_once('=')
            .ok_or_else(|| wrong("there is no `=`"))?;
        let value_at = name.len() + 1;
        let name = name.trim();
        let name = name.strip_prefix("export ").map_or(name, str::trim);
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(fits) {
            return Err(wrong("what is before the `=` is no name"));
        }
        let value = rest[value_at..].trim_start_matches([' ', '\t']);
        let (value, left) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => {
                quoted(&value[1..], quote).ok_or_else(|| wrong("a quote is not closed"))?
            }
            Some(_) | None => plain(value),
        };
        let (behind, after) = left.split_once('\n').unwrap_or((left, ""));
        let behind = behind.trim();
        if !behind.is_empty() && !behind.starts_with('#') {
            return Err(wrong("there is something behind the closing quote"));
        }
        if pairs.iter().any(|(other, _)| other == name) {
            return Err(wrong(&format!("{name} is there a second time")));
        }
        pairs.push((name.to_owned(), value));
        rest = after;
    }
    Ok(pairs)
}

/// A value without quotes: to the end of the line or to a comment. Also gives back what is left.
fn plain(text: &str) -> (String, &str) {
    let end = text.find('\n').unwrap_or(text.len());
    let line = &text[..end];
    let comment = if line.starts_with('#') {
        Some(0)
    } else {
        line.find(" #")
    };
    let value = &line[..comment.unwrap_or(line.len())];
    (value.trim().to_owned(), &text[end..])
}

/// A value up to its closing quote. Also gives back what is left.
fn quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            c if c == quote => return Some((value, &text[at + c.len_utf8()..])),
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => value.push('\n'),
                'r' => value.push('\r'),
                't' => value.push('\t'),
                other @ ('"' | '\\' | '$') => value.push(other),
                other => value.extend(['\\', other]),
            },
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_as_they_are_written() {
        let text = "\u{feff}# first\r\nA=1\r\nexport B = two words # why\nC='it''s' \n";
        assert!(parse(text).is_err());
        let text = "# first\nA=1\r\n\n  export B = two words # why\nC='a # $b\\n'  # c\nD=\"x\\ny \\\"z\\\"\"\nE=\"one\ntwo\"\nF=\nG=a=b#c\nH=last";
        let pairs = parse(text).unwrap();
        let pairs: Vec<(&str, &str)> = pairs
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            pairs,
            [
                ("A", "1"),
                ("B", "two words"),
                ("C", "a # $b\\n"),
                ("D", "x\ny \"z\""),
                ("E", "one\ntwo"),
                ("F", ""),
                ("G", "a=b#c"),
                ("H", "last"),
            ]
        );
    }

    #[test]
    fn mistakes_name_their_line() {
        for (text, line) in [
            ("A=1\nhunter2", "line 2"),
            ("A=1\n\nB=\"hunter2", "line 3"),
            ("A B=hunter2", "line 1"),
            ("A=1\nA=2", "line 2"),
            ("A=\"one\ntwo\"\nhunter2", "line 3"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(line), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
