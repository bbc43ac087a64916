//! Owns the shapes that strings of the file may have: one pattern, one wording, for the parser
//! and for editors alike. Knows nothing of which key has which shape.

use std::collections::HashMap;
use std::sync::LazyLock;

use regex_lite::Regex;

macro_rules! shapes {
    ($($name:ident = $pattern:literal, $wording:literal;)*) => {
        $(pub(crate) const $name: &str = $pattern;)*
        const ALL: &[(&str, &str)] = &[$(($pattern, $wording)),*];
    };
}

shapes! {
    ACCOUNT_ID = "^[0-9]{12}$", "the 12 digits of an AWS account, such as \"123456789012\"";
    ACTION = "^(\\*|[a-z0-9-]+:[A-Za-z0-9*?]+)$", "a service and an action, such as \"s3:GetObject\" or \"sqs:*\"";
    ADDRESS = "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+\\.[a-z0-9][a-z0-9_-]*$", "an address, that is a kind and a name: \"aws.dynamodb.table.sessions\"";
    AGE_RECIPIENT = "^age1[02-9ac-hj-np-z]{58}$", "an age recipient, that is age1 and 58 more characters; its secret key (AGE-SECRET-KEY-1…) belongs into MCPDEPLOY_AGE_IDENTITY";
    ARN_OR_STAR = "^(\\*|arn:.+|.*\\$\\{.+\\}.*)$", "an ARN (\"arn:aws:s3:::reports/*\"), a reference (\"${aws.dynamodb.table.sessions.arn}\") or \"*\"";
    BUCKET = "^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9]|.*\\$\\{.+\\}.*)$", "a bucket's name: 3 to 63 lowercase letters, digits, dots and hyphens";
    BUCKET_NAME = "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", "a bucket's name: 3 to 63 lowercase letters, digits, dots and hyphens";
    CARGO_NAME = "^[A-Za-z_][A-Za-z0-9_-]*$", "a name as in Cargo.toml: letters, digits, - and _";
    EMAIL = "^[^\\s@]+@[^\\s@]+\\.[^\\s@]+$", "an e-mail address, such as \"ops@example.com\"";
    ENVIRONMENT = "^[a-z0-9][a-z0-9_-]{0,31}$", "an environment's name: up to 32 lowercase letters, digits, - and _";
    FEATURE = "^[A-Za-z0-9_][A-Za-z0-9_+./?-]*$", "a Cargo feature, such as \"postgres\" or \"dep/feature\"";
    FUNCTION_ARN = "^(arn:aws[a-z-]*:lambda:\\S+:function:\\S+|\\$\\{.+\\})$", "a function's ARN, or a reference to it such as \"${aws.lambda.function.rotate.arn}\"";
    HTTPS_URL = "^https://[^\\s/]+\\S*$", "an https:// URL";
    ISSUER = "^(https://[^\\s/?#]+|http://(127\\.0\\.0\\.1|localhost)(:[0-9]+)?)(/[^\\s?#]*)?$", "an https:// URL without ? and # (http:// only for an issuer on this machine, with the embedded cloud)";
    KEY_PREFIX = "^[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*$", "names with slashes between them, such as \"mcpdeploy/calculator\"";
    KIND = "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$", "a kind of lowercase words with dots, such as \"aws.dynamodb.table\"";
    LOGIN_DOMAIN = "^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", "the first part of a host name: up to 63 lowercase letters, digits and hyphens";
    MCP_PATH = "^/([A-Za-z0-9._~-]+(/[A-Za-z0-9._~-]+)*)?$", "a path that begins with / and does not end with one, such as \"/mcp\"";
    ORIGIN = "^(\\*|[a-z][a-z0-9+.-]*://[^\\s/?#]+)$", "an origin, that is scheme://host or scheme://host:port without a path (\"https://app.example.com\"), or \"*\"";
    POINTER = "^/.*$", "a JSON pointer into the inputs, such as \"/tags\"";
    PROVIDER = "^[a-z][a-z0-9-]{2,31}$", "a provider's name, such as \"google\", \"apple\" or one of your own: 3 to 32 lowercase letters, digits and hyphens";
    REDIRECT = "^[a-z][a-z0-9+.-]*:\\S+$", "a URL, such as \"https://app.example.com/callback\" or \"http://localhost:8080/callback\"";
    REGION = "^[a-z]{2}(-[a-z]+)+-[0-9]$", "a region's name, such as \"us-east-1\" or \"eu-central-1\"";
    RESOURCE_NAME = "^[a-z0-9][a-z0-9_-]{0,63}$", "up to 64 lowercase letters, digits, - and _";
    ROLE_ARN = "^arn:aws[a-z-]*:iam::[0-9]{12}:role/\\S+$", "a role's ARN, such as \"arn:aws:iam::123456789012:role/deployer\"";
    SCOPE = "^[!#-\\[\\]-~]+$", "a scope: letters, digits and signs without spaces, such as \"mcp/write\"";
    SCOPE_WORD = "^[A-Za-z0-9_.-]+$", "letters, digits, _ . and -";
    SERVER_NAME = "^[a-z0-9]([a-z0-9_-]{0,48}[a-z0-9])?$", "up to 50 lowercase letters, digits, - and _, with a letter or digit at both ends";
    TABLE = "^([A-Za-z0-9_.-]{3,255}|.*\\$\\{.+\\}.*)$", "a DynamoDB table's name: 3 to 255 letters, digits, dots, - and _";
    TABLE_NAME = "^[A-Za-z0-9_.-]{3,255}$", "a DynamoDB table's name: 3 to 255 letters, digits, dots, - and _";
    TAG_KEY = "^[^!\"#$%&'()*,;<>?\\[\\\\\\]^`{|}~]{1,128}$", "1 to 128 letters, digits, spaces and _ . : / = + - @";
    TOOL = "^[A-Za-z0-9_./*?-]{1,128}$", "a tool's name, in which * stands for any letters and ? for one: \"add\" or \"delete_*\"";
    TTL = "^[1-9][0-9]*[smhd]$", "a duration, such as \"15m\", \"1h\" or \"30d\"";
    URL = "^https?://[^\\s/]+\\S*$", "an http:// or https:// URL";
    USER_POOL = "^[a-z]{2}(-[a-z]+)+-[0-9]_[A-Za-z0-9]+$", "a user pool's id, such as \"us-east-1_a1B2c3D4e\"";
    USER_POOL_NAME = "^[A-Za-z0-9_ +=,.@-]{1,128}$", "1 to 128 letters, digits, spaces and _ + = , . @ -";
    VARIABLE = "^[a-zA-Z][a-zA-Z0-9_]+$", "a variable's name: a letter, then letters, digits and _, two at least";
}

static COMPILED: LazyLock<HashMap<&str, (Regex, &str)>> = LazyLock::new(|| {
    ALL.iter()
        .filter_map(|(pattern, wording)| Some((*pattern, (Regex::new(pattern).ok()?, *wording))))
        .collect()
});

/// What `text` should have been, when it does not have the shape of `pattern`.
///
/// # Panics
///
/// When the pattern is not one of this table: a mistake of ours, found by any test of its key.
pub(crate) fn misfit(pattern: &str, text: &str) -> Option<&'static str> {
    let Some((regex, wording)) = COMPILED.get(pattern) else {
        unreachable!("the pattern {pattern} is not in the table of shapes");
    };
    (!regex.is_match(text)).then_some(*wording)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), ALL.len());
    }

    #[test]
    fn shapes_take_what_they_should() {
        let fifty = "a".repeat(50);
        let fifty_one = "a".repeat(51);
        for (pattern, text, fits) in [
            (ACCOUNT_ID, "123456789012", true),
            (ACCOUNT_ID, "1234-5678-9012", false),
            (ACTION, "s3:GetObject", true),
            (ACTION, "*", true),
            (ACTION, "GetObject", false),
            (ADDRESS, "aws.iam.role.exec", true),
            (ADDRESS, "exec", false),
            (ARN_OR_STAR, "${aws.s3.bucket.data.arn}/*", true),
            (ARN_OR_STAR, "my-bucket", false),
            (MCP_PATH, "/", true),
            (MCP_PATH, "/v1/mcp", true),
            (MCP_PATH, "/mcp/", false),
            (MCP_PATH, "mcp", false),
            (MCP_PATH, "/m cp", false),
            (ORIGIN, "https://a.example:8443", true),
            (ORIGIN, "https://a.example/", false),
            (ORIGIN, "a.example", false),
            (REGION, "us-gov-west-1", true),
            (REGION, "us-east-1a", false),
            (REGION, "us_east_1", false),
            (SCOPE, "mcp/write", true),
            (SCOPE, "https://api.example.com/read", true),
            (SCOPE, "two words", false),
            (SERVER_NAME, "calculator", true),
            (SERVER_NAME, "a", true),
            (SERVER_NAME, &fifty, true),
            (SERVER_NAME, &fifty_one, false),
            (SERVER_NAME, "Calculator", false),
            (SERVER_NAME, "calc-", false),
            (TOOL, "files.delete_*", true),
            (TOOL, "a tool", false),
            (TTL, "1h", true),
            (TTL, "1 hour", false),
            (VARIABLE, "RUST_LOG", true),
            (VARIABLE, "X", false),
            (VARIABLE, "MY-VAR", false),
        ] {
            assert_eq!(
                misfit(pattern, text).is_none(),
                fits,
                "{text} for {pattern}"
            );
        }
    }
}
