//! The `WWW-Authenticate` of a refusal (RFC 9110, 11.6.1): which login it wants, and where to begin.

/// One challenge: a scheme and its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The scheme, as the server writes it, e.g. `Bearer`.
    pub scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// All challenges of a header. What follows something that is none is dropped.
    #[must_use]
    pub fn all(header: &str) -> Vec<Self> {
        let mut challenges: Vec<Self> = Vec::new();
        let mut rest = header;
        loop {
            rest = rest.trim_start_matches([' ', '\t', ',']);
            let end = rest.find([' ', '\t', ',', '=', '"']).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            if word.is_empty() {
                return challenges;
            }
            let value = after.trim_start_matches([' ', '\t']).strip_prefix('=');
            match (value, challenges.last_mut()) {
                (Some(value), Some(challenge)) => {
                    let Some((value, next)) = value_of(value) else {
                        return challenges;
                    };
                    challenge.parameters.push((word.to_owned(), value));
                    rest = next;
                }
                (Some(_), None) => return challenges,
                (None, _) => {
                    challenges.push(Self {
                        scheme: word.to_owned(),
                        parameters: Vec::new(),
                    });
                    rest = after;
                }
            }
        }
    }

    /// The challenge that a bearer token answers.
    #[must_use]
    pub fn bearer(header: &str) -> Option<Self> {
        Self::all(header)
            .into_iter()
            .find(|challenge| challenge.scheme.eq_ignore_ascii_case("bearer"))
    }

    /// A parameter, e.g. `resource_metadata`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The scopes that it asks for.
    #[must_use]
    pub fn scopes(&self) -> Vec<String> {
        let scopes = self.get("scope").unwrap_or_default().split_whitespace();
        scopes.map(str::to_owned).collect()
    }

    /// Whether it wants a token that may do more (RFC 6750, 3.1).
    #[must_use]
    pub fn wants_more(&self) -> bool {
        self.get("error") == Some("insufficient_scope")
    }
}

/// The value at the beginning, and what follows it. None where a quote is not closed.
fn value_of(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start_matches([' ', '\t']);
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([' ', '\t', ',']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return Some((value, &quoted[at + 1..])),
            _ => {
                value.push(c);
                escaped = false;
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let header = r#"Bearer error="invalid_token", error_description="it, \"x\", ran out", resource_metadata="https://a.test/.well-known/x?y=1", scope=read"#;
        let challenge = Challenge::bearer(header).unwrap();
        for (name, expected) in [
            ("error", Some("invalid_token")),
            ("error_description", Some("it, \"x\", ran out")),
            (
                "resource_metadata",
                Some("https://a.test/.well-known/x?y=1"),
            ),
            ("Scope", Some("read")),
            ("realm", None),
        ] {
            assert_eq!(challenge.get(name), expected, "{name}");
        }
        assert_eq!(challenge.scopes(), ["read"]);
    }

    #[test]
    fn challenges_of_one_header_are_told_apart() {
        let all = Challenge::all("Negotiate, Basic realm=\"a, b\" , bearer scope = \"x  y\"");
        let schemes: Vec<&str> = all.iter().map(|one| one.scheme.as_str()).collect();
        assert_eq!(schemes, ["Negotiate", "Basic", "bearer"]);
        assert_eq!(all[1].get("realm"), Some("a, b"));
        assert_eq!(all[2].scopes(), ["x", "y"]);
    }

    #[test]
    fn nonsense_is_no_challenge() {
        assert_eq!(Challenge::bearer("Basic realm=x"), None);
        assert_eq!(Challenge::all(""), []);
        assert_eq!(Challenge::all("=x"), []);
        let open = Challenge::bearer("Bearer scope=\"open").unwrap();
        assert_eq!(open.get("scope"), None);
        assert_eq!(Challenge::bearer("Bearer").unwrap().scopes(), [""; 0]);
    }
}
