//! How the policy language matches: wildcards, and wildcards in ARNs.

/// Whether a pattern matches a whole text: `*` is any text, `?` any character. Without regard to
/// case, as IAM matches actions; resources are matched with regard by [`glob_exact`].
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    glob_exact(&pattern.to_ascii_lowercase(), &text.to_ascii_lowercase())
}

/// Whether a pattern matches a whole text, with regard to case.
pub(crate) fn glob_exact(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stands, and what it has taken up to.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            Some(_) | None => {
                let Some((at, taken)) = star else {
                    return false;
                };
                star = Some((at, taken + 1));
                p = at + 1;
                t = taken + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// Whether a pattern matches an ARN, each of its six parts for itself. Source: "IAM JSON policy
/// elements: Condition operators", ARN condition operators.
pub(crate) fn arn_like(pattern: &str, arn: &str) -> bool {
    let pattern: Vec<&str> = pattern.splitn(6, ':').collect();
    let arn: Vec<&str> = arn.splitn(6, ':').collect();
    pattern.len() == arn.len()
        && pattern
            .iter()
            .zip(&arn)
            .all(|(pattern, part)| glob_exact(pattern, part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "x"),
            ("a*c", "abbc"),
            ("a*b*c", "a-b-b-c"),
            ("s3:Get*", "S3:getObject"),
            ("a?c", "abc"),
            ("**", "x"),
        ] {
            assert!(glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("", "x"),
            ("a", "ab"),
            ("a?", "a"),
            ("*a", "ab"),
            ("a*c", "ab"),
        ] {
            assert!(!glob(pattern, text), "{pattern} {text}");
        }
        assert!(!glob_exact("A*", "abc"));
    }

    #[test]
    fn a_wildcard_stays_in_its_part_of_an_arn() {
        let arn = "arn:aws:execute-api:us-east-1:000000000000:a1/*/GET/x:y";
        assert!(arn_like("arn:aws:execute-api:*:*:a1/*", arn));
        assert!(arn_like(
            "arn:aws:execute-api:us-east-1:000000000000:a1/*/*/x:y",
            arn
        ));
        assert!(!arn_like("arn:aws:*:a1/*", arn));
        assert!(!arn_like("*", arn));
    }
}
