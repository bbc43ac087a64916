//! What callers may be allowed to do, in the file's words and in those of tokens.
//!
//! A scope of Cognito begins with the identifier of its resource server, and tokens have an audience
//! only when that identifier is the MCP URL. So `mcp/read` of the file is `<MCP URL>/read` in tokens,
//! on the consent page and in the metadata.

use mcpdeploy_config::{Auth, Cognito, Oidc};
use serde_json::{Value, json};

use super::input;
use crate::kinds::InputSet;
use crate::stack::joined;

/// Scopes of the person's own account, and what they allow.
const OF_A_PERSON: [(&str, &str); 4] = [
    ("openid", "Know who you are"),
    ("email", "See your e-mail address"),
    ("profile", "See your name"),
    ("phone", "See your telephone number"),
];
/// The scopes of every server.
const OF_A_SERVER: [(&str, &str); 2] = [
    ("read", "Use this server to look at things"),
    ("write", "Use this server to change things"),
];
/// The scopes of the person's account that clients may have, of those that a pool knows.
const COMMON: usize = 3;

/// One scope.
#[derive(Clone)]
struct Scope {
    /// What the file calls it.
    written: String,
    /// What tokens call it.
    name: Value,
    description: String,
}

/// The scopes that there are, and those that clients get.
pub(super) struct Scopes {
    all: Vec<Scope>,
    /// The server's own: a token must have one of them.
    wanted: Vec<Value>,
    default: Vec<Value>,
    /// `None`: all.
    allowed: Option<Vec<Value>>,
}

impl Scopes {
    /// Those of a pool's resource server, whose identifier is `identifier`.
    pub(super) fn of_pool(auth: &Auth, cognito: &Cognito, identifier: &Value) -> Self {
        let prefix = format!("{}/", cognito.resource_server_id);
        let own = own_scopes(auth, &prefix);
        let mut all: Vec<Scope> = OF_A_PERSON[..COMMON]
            .iter()
            .map(|(name, d)| plain(name, d))
            .collect();
        let mut wanted = Vec::new();
        for (name, description) in &own {
            let full = joined([identifier.clone(), json!(format!("/{name}"))]);
            wanted.push(full.clone());
            all.push(Scope {
                written: format!("{prefix}{name}"),
                name: full,
                description: description.clone(),
            });
        }
        let default = vec![
            "openid".to_owned(),
            "email".to_owned(),
            format!("{prefix}read"),
        ];
        Self::new(auth, all, wanted, &default)
    }

    /// Those of an issuer of the user's own.
    pub(super) fn of_issuer(auth: &Auth, oidc: &Oidc) -> Self {
        let custom = &auth.scopes.custom;
        let mut all: Vec<Scope> = Vec::new();
        for name in oidc.scopes.iter().chain(custom.keys()) {
            if all.iter().any(|scope| &scope.written == name) {
                continue;
            }
            let known = OF_A_PERSON.iter().find(|(known, _)| known == name);
            let description = custom
                .get(name)
                .map(String::as_str)
                .or(known.map(|(_, description)| *description));
            all.push(plain(name, description.unwrap_or(name)));
        }
        let wanted = custom.keys().map(|name| json!(name)).collect();
        Self::new(auth, all, wanted, &oidc.scopes)
    }

    fn new(auth: &Auth, all: Vec<Scope>, wanted: Vec<Value>, default: &[String]) -> Self {
        let named = |names: &[String]| -> Vec<Value> {
            let scope = |name: &String| all.iter().find(|scope| &scope.written == name);
            names
                .iter()
                .map(|name| scope(name).map_or_else(|| json!(name), |scope| scope.name.clone()))
                .collect()
        };
        let allowed = auth.dcr.allowed_scopes.as_deref();
        let fits = |name: &&String| allowed.is_none_or(|some| some.contains(*name));
        let default = match &auth.dcr.default_scopes {
            Some(names) => named(names),
            None => named(&default.iter().filter(fits).cloned().collect::<Vec<_>>()),
        };
        let allowed = allowed.map(named);
        Self {
            all,
            wanted,
            default,
            allowed,
        }
    }

    /// All names, as tokens have them.
    pub(super) fn names(&self) -> InputSet<String> {
        self.all
            .iter()
            .map(|scope| input(scope.name.clone()))
            .collect()
    }

    /// Of these a token must have one.
    pub(super) fn wanted(&self) -> InputSet<String> {
        self.wanted.iter().cloned().map(input).collect()
    }

    /// As the facade is told.
    pub(super) fn described(&self) -> Value {
        let one = |scope: &Scope| json!({"name": scope.name, "description": scope.description});
        self.all.iter().map(one).collect()
    }

    /// What a registered client gets when it names none, and what it gets at most.
    pub(super) fn of_clients(&self) -> (Value, Option<Value>) {
        (
            json!(self.default),
            self.allowed.as_ref().map(|some| json!(some)),
        )
    }

    /// What tokens call the scope that the file calls `written`.
    pub(super) fn name(&self, written: &str) -> Value {
        self.all
            .iter()
            .find(|scope| scope.written == written)
            .map_or_else(|| json!(written), |scope| scope.name.clone())
    }
}

/// The server's own scopes without their first part: those of every server, and the file's.
pub(super) fn own_scopes(auth: &Auth, prefix: &str) -> Vec<(String, String)> {
    let mut own: Vec<(String, String)> = OF_A_SERVER
        .iter()
        .map(|(name, description)| ((*name).to_owned(), (*description).to_owned()))
        .collect();
    for (key, description) in &auth.scopes.custom {
        let name = key.strip_prefix(prefix).unwrap_or(key);
        match own.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => known.clone_from(description),
            None => own.push((name.to_owned(), description.clone())),
        }
    }
    own
}

fn plain(name: &str, description: &str) -> Scope {
    Scope {
        written: name.to_owned(),
        name: json!(name),
        description: description.to_owned(),
    }
}
