//! Which checks there are: their ids, what they say, and the page of the specification that they
//! go by. Ids are stable: scripts name them, and reports of different days are compared by them.

mod about;

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

const SPEC: &str = "https://modelcontextprotocol.io/specification";

/// An era of the protocol: how a client begins, and what each request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Era {
    /// Versions up to 2025-11-25: an `initialize` handshake comes first.
    Legacy,
    /// Version 2026-07-28: no handshake, every request tells its version.
    Modern,
}

impl Era {
    /// Both, the older first.
    pub const ALL: [Self; 2] = [Self::Legacy, Self::Modern];

    /// The newest version of the era that this crate knows.
    #[must_use]
    pub fn version(self) -> &'static str {
        match self {
            Self::Legacy => "2025-11-25",
            Self::Modern => "2026-07-28",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Legacy => Self::Modern,
            Self::Modern => Self::Legacy,
        }
    }
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy => "legacy",
            Self::Modern => "modern",
        })
    }
}

/// A check. Its `Display` is the id, e.g. `legacy.tools-list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckId {
    /// Of the connection and of HTTP.
    Transport(TransportCheck),
    /// Of how strangers are turned away and told where to log in.
    Login(LoginCheck),
    /// Of one era, made in both.
    Common(Era, CommonCheck),
    /// Only of the era with a handshake.
    Legacy(LegacyCheck),
    /// Only of the era without.
    Modern(ModernCheck),
}

/// Checks of the connection and of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransportCheck {
    /// Something answers.
    Connect,
    /// What answers is an MCP server, of one era at least.
    SpeaksMcp,
    /// Replies say that they are JSON or an event stream.
    ContentTypes,
    /// An unknown `Origin` is turned away.
    ForeignOrigin,
    /// Browsers at the allowed origins are let in.
    Cors,
    /// How long warm calls take.
    Latency,
}

/// Checks of how strangers are turned away and told where to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LoginCheck {
    /// A request without a token gets 401 with a challenge.
    Challenge,
    /// A made-up token is refused.
    ForgedToken,
    /// The token that was given is taken.
    Token,
    /// The protected-resource metadata (RFC 9728) is there and right.
    Resource,
    /// The authorization server's metadata (RFC 8414) is there and right.
    Server,
    /// A token with all the right claims, and no signature that is worth anything, is refused.
    UnsignedToken,
}

/// Checks of one era, made in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommonCheck {
    /// `tools/list`, all pages.
    ToolsList,
    /// Names and schemas of the tools.
    ToolDefinitions,
    /// `tools/call`, one check a tool.
    ToolsCall,
    /// `resources/list`, all pages.
    ResourcesList,
    /// `resources/read` of the first resource.
    ResourcesRead,
    /// `prompts/list`, all pages.
    PromptsList,
    /// A method that there is not.
    UnknownMethod,
    /// A tool that there is not.
    UnknownTool,
    /// Parameters that do not fit.
    BadParams,
    /// A body that is no JSON.
    MalformedJson,
    /// An `Accept` that fits nothing.
    WrongAccept,
    /// `GET` on the endpoint.
    Get,
    /// `DELETE` on the endpoint.
    Delete,
}

/// Checks only of the era with a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LegacyCheck {
    /// `initialize`.
    Initialize,
    /// `initialize` with a version that there never was.
    Negotiation,
    /// `notifications/initialized`.
    Initialized,
    /// `ping`, with ids of both types.
    Ping,
    /// A session that there never was.
    UnknownSession,
    /// A header with a version that there never was.
    BadVersion,
}

/// Checks only of the era without a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ModernCheck {
    /// `server/discover`.
    Discover,
    /// Sessions are neither made nor asked for.
    NoSession,
    /// Requests without the required `_meta`.
    RequiredMeta,
    /// A version that there never was.
    UnsupportedVersion,
    /// `MCP-Protocol-Version` and the body disagree.
    VersionHeader,
    /// `Mcp-Method` is missing or disagrees with the body.
    MethodHeader,
    /// `Mcp-Name` disagrees with the body.
    NameHeader,
}

impl CheckId {
    /// Every check, in the order of the catalogue.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        all.extend(TransportCheck::ALL.map(Self::Transport));
        all.extend(LoginCheck::ALL.map(Self::Login));
        all.extend(LegacyCheck::ALL.map(Self::Legacy));
        all.extend(CommonCheck::ALL.map(|check| Self::Common(Era::Legacy, check)));
        all.extend(ModernCheck::ALL.map(Self::Modern));
        all.extend(CommonCheck::ALL.map(|check| Self::Common(Era::Modern, check)));
        all
    }

    /// What comes before the point: `transport`, `login`, `legacy` or `modern`.
    #[must_use]
    pub fn group(self) -> &'static str {
        match self {
            Self::Transport(_) => "transport",
            Self::Login(_) => "login",
            Self::Legacy(_) | Self::Common(Era::Legacy, _) => "legacy",
            Self::Modern(_) | Self::Common(Era::Modern, _) => "modern",
        }
    }

    /// What comes after the point, e.g. `tools-list`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Transport(check) => check.about().0,
            Self::Login(check) => check.about().0,
            Self::Common(_, check) => check.name(),
            Self::Legacy(check) => check.about().0,
            Self::Modern(check) => check.about().0,
        }
    }

    /// What is so when it passes.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Transport(check) => check.about().1,
            Self::Login(check) => check.about().1,
            Self::Common(era, check) => check.title(era),
            Self::Legacy(check) => check.about().1,
            Self::Modern(check) => check.about().1,
        }
    }

    /// The page of the specification that it goes by; none where it is good sense only.
    #[must_use]
    pub fn page(self) -> Option<String> {
        let page = match self {
            Self::Transport(check) => check.about().2,
            Self::Login(check) => check.about().2,
            Self::Common(era, check) => Some(check.page(era)),
            Self::Legacy(check) => check.about().2,
            Self::Modern(check) => check.about().2,
        };
        page.map(|page| format!("{SPEC}{page}"))
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.group(), self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_are_unique_and_of_one_form() {
        let all = CheckId::all();
        let ids: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(ids.len(), all.len());
        // Beside the mark and the id, that is what 80 columns leave.
        for id in &all {
            assert!(id.title().len() <= 48, "{}", id.title());
        }
        for id in ids {
            assert!(
                id.chars()
                    .all(|c| c.is_ascii_lowercase() || ".-".contains(c)),
                "{id}"
            );
        }
    }
}
