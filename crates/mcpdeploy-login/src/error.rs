//! Why a login did not work, and what can be done about it.

use std::time::Duration;

use crate::kept::KeptError;

/// Why a login did not work.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// The endpoint is not named by an http or https URL.
    #[error("`{0}` is no http or https URL")]
    NotAUrl(String),
    /// Somebody on the way could read along, or the URL leads to where none of this belongs.
    #[error("{what} is not called: {url} is no https URL")]
    Unsafe {
        /// What is there.
        what: &'static str,
        /// The URL.
        url: String,
    },
    /// The certificates to trust cannot be read.
    #[error("the certificates to trust cannot be read: {0}")]
    NotCertificates(String),
    /// No answer came.
    #[error("{url} gets no answer: {why}")]
    Unanswered {
        /// Who was asked.
        url: String,
        /// Why.
        why: String,
    },
    /// The answer is none that can be used.
    #[error("{url} is answered with {with}")]
    Unexpected {
        /// Who was asked.
        url: String,
        /// With what.
        with: String,
    },
    /// The server lets everybody in.
    #[error("{0} asks for no login")]
    NoLogin(String),
    /// A metadata document is at none of its places.
    #[error("the metadata of {of} is not to be found: {}", .tried.join("; "))]
    NoMetadata {
        /// Of whom.
        of: String,
        /// Which places were tried, and what came of each.
        tried: Vec<String>,
    },
    /// A metadata document cannot be used.
    #[error("the document {url} {why}")]
    BadDocument {
        /// Where it is.
        url: String,
        /// What is wrong about it.
        why: String,
    },
    /// The protected-resource metadata is about something else.
    #[error("{endpoint} says that its login is for {named}, which is another resource")]
    OtherResource {
        /// What was asked for.
        endpoint: String,
        /// What it says.
        named: String,
    },
    /// The authorization server's metadata is of another one.
    #[error("{url} is of the issuer {named}, and {asked} was asked for")]
    OtherIssuer {
        /// Where the document is.
        url: String,
        /// What it says.
        named: String,
        /// What was asked for.
        asked: String,
    },
    /// The wanted authorization server is none of the endpoint's.
    #[error("{wanted} is none of its authorization servers, which are {}", .named.join(", "))]
    NotItsServer {
        /// What was wanted.
        wanted: String,
        /// Which there are.
        named: Vec<String>,
    },
    /// There is no way to become known to the authorization server.
    #[error("{0} registers no clients by itself")]
    CannotRegister(String),
    /// The registration is refused.
    #[error("{issuer} refuses to register this client: {why}")]
    NotRegistered {
        /// Who refuses.
        issuer: String,
        /// Why.
        why: String,
    },
    /// The client's metadata document is named by a URL that cannot be a client id.
    #[error("`{0}` cannot be a client's id: it has to be an https URL with a path")]
    NotADocument(String),
    /// The authorization server wants clients to prove themselves in a way that is not there.
    #[error("{issuer} knows clients only by {}", .methods.join(", "))]
    CannotAuthenticate {
        /// Which server.
        issuer: String,
        /// The ways that it knows.
        methods: Vec<String>,
    },
    /// Nothing could listen for the browser.
    #[error("nothing can listen at 127.0.0.1{}", .port.map_or_else(String::new, |port| format!(":{port}")))]
    NoListener {
        /// The port, where a certain one was wanted.
        port: Option<u16>,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// There is no randomness.
    #[error("this machine gives no random numbers")]
    NoRandomness,
    /// The person did not come back in time.
    #[error("nobody came back from the login page within {} s", .0.as_secs())]
    TooLate(Duration),
    /// The authorization server refused.
    #[error("the login was refused: {0}")]
    Denied(String),
    /// The answer came from another issuer, or does not say from which.
    #[error("the answer {said}, and the login was begun at {expected}: it is not used")]
    MixedUp {
        /// What the answer says.
        said: String,
        /// Where the login was begun.
        expected: String,
    },
    /// The answer has no code.
    #[error("the answer to the login has no code")]
    NoCode,
    /// The authorization server gives no token.
    #[error("{url} gives no token: {why}")]
    NoToken {
        /// Who was asked.
        url: String,
        /// Why.
        why: String,
    },
    /// Logging in again would change nothing.
    #[error("the server refuses a login that has the scopes it asks for: {}", .0.join(" "))]
    NothingToAdd(Vec<String>),
    /// Logins cannot be read or kept.
    #[error(transparent)]
    Kept(#[from] KeptError),
}

impl LoginError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAUrl(_) => "for example: https://example.com/mcp",
            Self::Unsafe { .. } => {
                "a login goes over https; plain http is only for a server on this machine"
            }
            Self::NotCertificates(_) => "AWS_CA_BUNDLE must name a file of PEM certificates",
            Self::NoMetadata { .. } | Self::BadDocument { .. } => {
                "mcpdeploy test shows what is wrong about how the server tells clients where to log in"
            }
            Self::OtherResource { .. } | Self::OtherIssuer { .. } | Self::MixedUp { .. } => {
                "this is what an attack looks like, but a wrong setting of the server is likelier: tell whoever runs it"
            }
            Self::NotItsServer { .. } => "look at --issuer",
            Self::CannotRegister(issuer) => {
                return Some(format!(
                    "register a client there by hand and name it: --client-id ID --issuer {issuer}"
                ));
            }
            Self::NotRegistered { issuer, .. } => {
                return Some(format!(
                    "a client that was registered by hand is named with --client-id ID --issuer {issuer}"
                ));
            }
            Self::CannotAuthenticate { .. } => {
                "none, client_secret_basic and client_secret_post are there"
            }
            Self::NoListener { .. } => "another program may have the port: see --callback-port",
            Self::TooLate(_) => "a longer time can be given with --wait",
            Self::Denied(_) | Self::NoCode | Self::NoToken { .. } => {
                "log in again; mcpdeploy logout forgets what is kept of this server first"
            }
            Self::NothingToAdd(_) => {
                "the account may not have what it takes: ask whoever runs the server"
            }
            Self::NotADocument(_) => "look at --client-metadata",
            Self::Kept(error) => return error.hint(),
            Self::Unanswered { .. } => "look at the address, and whether this machine gets there",
            Self::Unexpected { .. } | Self::NoLogin(_) | Self::NoRandomness => return None,
        };
        Some(hint.to_owned())
    }
}

/// Words of somebody else, fit to be shown: short, in one line, without control characters.
pub(crate) fn shown(text: &str) -> String {
    let line = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(300) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// An OAuth error and its description, as they are shown.
pub(crate) fn oauth(error: &str, description: Option<&str>) -> String {
    match description.map(shown).filter(|text| !text.is_empty()) {
        Some(description) => format!("{} ({description})", shown(error)),
        None => shown(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_others_cannot_move_the_cursor() {
        assert_eq!(shown("a\u{1b}[2Jb\r\nc"), "a [2Jb c");
        assert_eq!(shown(&"ä".repeat(400)).chars().count(), 301);
        assert_eq!(oauth("access_denied", Some(" ")), "access_denied");
        assert_eq!(oauth("e", Some("no\nway")), "e (no way)");
    }
}
