//! Paths as those who watch see them: without what lets somebody in.

/// Parts of names of parameters whose values stay unseen: a login passes through the gateway, too.
const SECRET: [&str; 5] = ["code", "password", "secret", "state", "token"];

/// Path and query with the values of such parameters left out.
pub(super) fn shown(path: &str) -> String {
    let Some((path, query)) = path.split_once('?') else {
        return path.to_owned();
    };
    let query: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) if !value.is_empty() && is_secret(name) => format!("{name}=…"),
            Some(_) | None => pair.to_owned(),
        })
        .collect();
    format!("{path}?{}", query.join("&"))
}

/// Whether what a parameter says is nobody's to see. A challenge and how it was made are public.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.starts_with("code_challenge") && SECRET.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lets_somebody_in_is_not_shown() {
        for (path, expected) in [
            ("/mcp", "/mcp"),
            ("/a?b=c&d", "/a?b=c&d"),
            (
                "/callback?code=x%20y&state=z&iss=i",
                "/callback?code=…&state=…&iss=i",
            ),
            (
                "/a?Access_Token=x&api_secret=y",
                "/a?Access_Token=…&api_secret=…",
            ),
            (
                "/authorize?code_challenge=c&code_challenge_method=S256&code_verifier=v",
                "/authorize?code_challenge=c&code_challenge_method=S256&code_verifier=…",
            ),
            ("/a?code=&state", "/a?code=&state"),
        ] {
            assert_eq!(shown(path), expected);
        }
    }
}
