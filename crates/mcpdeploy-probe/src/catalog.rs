//! Which checks there are: their ids, what they say, and the page of the specification that they
//! go by. Ids are stable: scripts name them, and reports of different days are compared by them.

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

impl TransportCheck {
    const ALL: [Self; 6] = [
        Self::Connect,
        Self::SpeaksMcp,
        Self::ContentTypes,
        Self::ForeignOrigin,
        Self::Cors,
        Self::Latency,
    ];

    /// Name, title, page.
    fn about(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::Connect => ("connect", "the endpoint answers", None),
            Self::SpeaksMcp => (
                "speaks-mcp",
                "it is an MCP server",
                Some("/2026-07-28/basic/versioning"),
            ),
            Self::ContentTypes => (
                "content-types",
                "replies are JSON or event streams and say so",
                Some("/2025-11-25/basic/transports#sending-messages-to-the-server"),
            ),
            Self::ForeignOrigin => (
                "foreign-origin",
                "an unknown Origin is turned away with 403",
                Some("/2025-11-25/basic/transports#security-warning"),
            ),
            Self::Cors => ("cors", "browsers at the allowed origins are let in", None),
            Self::Latency => ("latency", "how long warm calls take", None),
        }
    }
}

impl LoginCheck {
    const ALL: [Self; 5] = [
        Self::Challenge,
        Self::ForgedToken,
        Self::Token,
        Self::Resource,
        Self::Server,
    ];

    fn about(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::Challenge => (
                "challenge",
                "without a token: 401 and where to log in",
                Some("/2026-07-28/basic/authorization"),
            ),
            Self::ForgedToken => (
                "forged-token",
                "a made-up token is refused with 401",
                Some("/2026-07-28/basic/authorization"),
            ),
            Self::Token => ("token", "the given token is taken", None),
            Self::Resource => (
                "resource",
                "the protected-resource metadata is right",
                Some("/2026-07-28/basic/authorization/authorization-server-discovery"),
            ),
            Self::Server => (
                "server",
                "the authorization server's metadata is right",
                Some("/2026-07-28/basic/authorization/authorization-server-discovery"),
            ),
        }
    }
}

impl CommonCheck {
    const ALL: [Self; 13] = [
        Self::ToolsList,
        Self::ToolDefinitions,
        Self::ToolsCall,
        Self::ResourcesList,
        Self::ResourcesRead,
        Self::PromptsList,
        Self::UnknownMethod,
        Self::UnknownTool,
        Self::BadParams,
        Self::MalformedJson,
        Self::WrongAccept,
        Self::Get,
        Self::Delete,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::ToolsList => "tools-list",
            Self::ToolDefinitions => "tool-definitions",
            Self::ToolsCall => "tools-call",
            Self::ResourcesList => "resources-list",
            Self::ResourcesRead => "resources-read",
            Self::PromptsList => "prompts-list",
            Self::UnknownMethod => "unknown-method",
            Self::UnknownTool => "unknown-tool",
            Self::BadParams => "bad-params",
            Self::MalformedJson => "malformed-json",
            Self::WrongAccept => "wrong-accept",
            Self::Get => "get",
            Self::Delete => "delete",
        }
    }

    fn title(self, era: Era) -> &'static str {
        match (self, era) {
            (Self::ToolsList, _) => "tools/list gives all pages",
            (Self::ToolDefinitions, _) => "tools have good names and valid schemas",
            (Self::ToolsCall, _) => "tools/call answers as the tool promises",
            (Self::ResourcesList, _) => "resources/list gives all pages",
            (Self::ResourcesRead, _) => "resources/read gives the first resource",
            (Self::PromptsList, _) => "prompts/list gives all pages",
            (Self::UnknownMethod, Era::Legacy) => "an unknown method is -32601",
            (Self::UnknownMethod, Era::Modern) => "an unknown method is 404 with -32601",
            (Self::UnknownTool, _) => "an unknown tool is an error",
            (Self::BadParams, _) => "wrong parameters are an error",
            (Self::MalformedJson, _) => "a body that is no JSON is 400",
            (Self::WrongAccept, _) => "an Accept that fits nothing is 406",
            (Self::Get, Era::Legacy) => "GET is 405 or an event stream",
            (Self::Get, Era::Modern) => "GET is 405",
            (Self::Delete, Era::Legacy) => "DELETE ends the session or is 405",
            (Self::Delete, Era::Modern) => "DELETE is 405",
        }
    }

    fn page(self, era: Era) -> &'static str {
        match (self, era) {
            (Self::ToolsList | Self::ToolDefinitions, Era::Legacy) => {
                "/2025-11-25/server/tools#listing-tools"
            }
            (Self::ToolsList | Self::ToolDefinitions, Era::Modern) => {
                "/2026-07-28/server/tools#listing-tools"
            }
            (Self::ToolsCall, Era::Legacy) => "/2025-11-25/server/tools#calling-tools",
            (Self::ToolsCall, Era::Modern) => "/2026-07-28/server/tools#calling-tools",
            (Self::ResourcesList | Self::ResourcesRead, Era::Legacy) => {
                "/2025-11-25/server/resources"
            }
            (Self::ResourcesList | Self::ResourcesRead, Era::Modern) => {
                "/2026-07-28/server/resources"
            }
            (Self::PromptsList, Era::Legacy) => "/2025-11-25/server/prompts",
            (Self::PromptsList, Era::Modern) => "/2026-07-28/server/prompts",
            (Self::UnknownTool | Self::BadParams, Era::Legacy) => {
                "/2025-11-25/server/tools#error-handling"
            }
            (Self::UnknownTool | Self::BadParams, Era::Modern) => {
                "/2026-07-28/server/tools#error-handling"
            }
            (Self::UnknownMethod, Era::Legacy) => "/2025-11-25/basic#responses",
            (Self::UnknownMethod, Era::Modern) => {
                "/2026-07-28/basic/transports/streamable-http#protocol-version-header"
            }
            (Self::MalformedJson | Self::WrongAccept, Era::Legacy) => {
                "/2025-11-25/basic/transports#sending-messages-to-the-server"
            }
            (Self::MalformedJson | Self::WrongAccept, Era::Modern) => {
                "/2026-07-28/basic/transports/streamable-http#sending-messages"
            }
            (Self::Get, Era::Legacy) => {
                "/2025-11-25/basic/transports#listening-for-messages-from-the-server"
            }
            (Self::Delete, Era::Legacy) => "/2025-11-25/basic/transports#session-management",
            (Self::Get | Self::Delete, Era::Modern) => {
                "/2026-07-28/basic/transports/streamable-http#earlier-streamable-http-revisions"
            }
        }
    }
}

impl LegacyCheck {
    const ALL: [Self; 6] = [
        Self::Initialize,
        Self::Negotiation,
        Self::Initialized,
        Self::Ping,
        Self::UnknownSession,
        Self::BadVersion,
    ];

    fn about(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::Initialize => (
                "initialize",
                "initialize tells version, server and capabilities",
                Some("/2025-11-25/basic/lifecycle#initialization"),
            ),
            Self::Negotiation => (
                "negotiation",
                "an unknown version is answered with a known one",
                Some("/2025-11-25/basic/lifecycle#version-negotiation"),
            ),
            Self::Initialized => (
                "initialized",
                "a notification is 202 without a body",
                Some("/2025-11-25/basic/transports#sending-messages-to-the-server"),
            ),
            Self::Ping => (
                "ping",
                "ping is answered, with the id that was sent",
                Some("/2025-11-25/basic/utilities/ping"),
            ),
            Self::UnknownSession => (
                "unknown-session",
                "an unknown session is 404",
                Some("/2025-11-25/basic/transports#session-management"),
            ),
            Self::BadVersion => (
                "bad-version",
                "an unknown MCP-Protocol-Version is 400",
                Some("/2025-11-25/basic/transports#protocol-version-header"),
            ),
        }
    }
}

impl ModernCheck {
    const ALL: [Self; 7] = [
        Self::Discover,
        Self::NoSession,
        Self::RequiredMeta,
        Self::UnsupportedVersion,
        Self::VersionHeader,
        Self::MethodHeader,
        Self::NameHeader,
    ];

    fn about(self) -> (&'static str, &'static str, Option<&'static str>) {
        const VALIDATION: &str = "/2026-07-28/basic/transports/streamable-http#server-validation";
        match self {
            Self::Discover => (
                "discover",
                "server/discover tells versions and capabilities",
                Some("/2026-07-28/server/discover"),
            ),
            Self::NoSession => (
                "no-session",
                "a session id is ignored and none is made",
                Some(
                    "/2026-07-28/basic/transports/streamable-http#earlier-streamable-http-revisions",
                ),
            ),
            Self::RequiredMeta => (
                "required-meta",
                "a request without its _meta is 400 with -32602",
                Some("/2026-07-28/basic#meta"),
            ),
            Self::UnsupportedVersion => (
                "unsupported-version",
                "an unknown version is 400 with -32022",
                Some("/2026-07-28/basic/versioning#protocol-version-negotiation"),
            ),
            Self::VersionHeader => (
                "version-header",
                "a wrong MCP-Protocol-Version is 400 with -32020",
                Some(VALIDATION),
            ),
            Self::MethodHeader => (
                "method-header",
                "a wrong or missing Mcp-Method is 400 with -32020",
                Some(VALIDATION),
            ),
            Self::NameHeader => (
                "name-header",
                "a wrong Mcp-Name is 400 with -32020",
                Some(VALIDATION),
            ),
        }
    }
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
        for id in ids {
            assert!(
                id.chars()
                    .all(|c| c.is_ascii_lowercase() || ".-".contains(c)),
                "{id}"
            );
        }
    }
}
