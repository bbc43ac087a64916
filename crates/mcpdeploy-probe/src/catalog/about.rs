//! What each check is called, what is so when it passes, and the page that it goes by.

use super::{CommonCheck, Era, LegacyCheck, LoginCheck, ModernCheck, TransportCheck};

impl TransportCheck {
    pub(super) const ALL: [Self; 6] = [
        Self::Connect,
        Self::SpeaksMcp,
        Self::ContentTypes,
        Self::ForeignOrigin,
        Self::Cors,
        Self::Latency,
    ];

    /// Name, title, page of the specification.
    pub(super) fn about(self) -> (&'static str, &'static str, Option<&'static str>) {
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
    pub(super) const ALL: [Self; 6] = [
        Self::Challenge,
        Self::ForgedToken,
        Self::Token,
        Self::Resource,
        Self::Server,
        Self::UnsignedToken,
    ];

    /// Name, title, page of the specification.
    pub(super) fn about(self) -> (&'static str, &'static str, Option<&'static str>) {
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
            Self::UnsignedToken => (
                "unsigned-token",
                "a token that nobody signed is refused with 401",
                Some("/2026-07-28/basic/authorization#token-handling"),
            ),
        }
    }
}

impl CommonCheck {
    pub(super) const ALL: [Self; 13] = [
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

    pub(super) fn name(self) -> &'static str {
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

    pub(super) fn title(self, era: Era) -> &'static str {
        match (self, era) {
            (Self::ToolsList, _) => "tools/list gives all pages",
            (Self::ToolDefinitions, _) => "tools have good names and valid schemas",
            (Self::ToolsCall, _) => "a tool answers as it promises",
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

    pub(super) fn page(self, era: Era) -> &'static str {
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
    pub(super) const ALL: [Self; 6] = [
        Self::Initialize,
        Self::Negotiation,
        Self::Initialized,
        Self::Ping,
        Self::UnknownSession,
        Self::BadVersion,
    ];

    /// Name, title, page of the specification.
    pub(super) fn about(self) -> (&'static str, &'static str, Option<&'static str>) {
        match self {
            Self::Initialize => (
                "initialize",
                "initialize tells version, name and capabilities",
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
    pub(super) const ALL: [Self; 7] = [
        Self::Discover,
        Self::NoSession,
        Self::RequiredMeta,
        Self::UnsupportedVersion,
        Self::VersionHeader,
        Self::MethodHeader,
        Self::NameHeader,
    ];

    /// Name, title, page of the specification.
    pub(super) fn about(self) -> (&'static str, &'static str, Option<&'static str>) {
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
