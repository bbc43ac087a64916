//! What a login needs: what only the cloud can tell of, and an issuer that API Gateway can use.

use mcpdeploy_aws::kinds::UserPoolDomain;
use mcpdeploy_aws::people::People;
use mcpdeploy_config::{Auth, AuthProvider};
use mcpdeploy_engine::kind::Kind;
use mcpdeploy_login::{Issuer, LoginError, Options};

use super::{bad, good};
use crate::checks::ca_certificates;
use crate::cli::Global;
use crate::failure::{Failure, call_failed};
use crate::screen::Screen;
use crate::secrets;
use crate::session::Session;
use crate::views::tables::Check;

/// The issuer of the file's own, where it names one: seen from this machine.
pub(super) fn issuer(auth: &Auth) -> Option<Check> {
    let oidc = auth
        .oidc
        .as_ref()
        .filter(|_| auth.provider == AuthProvider::Oidc)?;
    let what = "the issuer";
    let ca_certificates = match ca_certificates() {
        Ok(certificates) => certificates,
        Err(failure) => {
            let (found, mend) = failure.in_short();
            return Some(bad(what, found, mend.unwrap_or_default()));
        }
    };
    let options = Options {
        ca_certificates,
        ..Options::default()
    };
    let url = oidc.issuer.clone();
    let looked = tokio::task::block_in_place(|| Issuer::look(&url, &options));
    Some(match looked {
        Err(error) => {
            let mend = if matches!(error, LoginError::OtherIssuer { .. }) {
                "write it under [auth.oidc] exactly as it names itself, to the last slash"
            } else if matches!(error, LoginError::Unanswered { .. }) {
                "look at `issuer` under [auth.oidc], and whether this machine gets there; API Gateway must, too"
            } else {
                "look at `issuer` under [auth.oidc]: API Gateway finds the keys of tokens by that document"
            };
            bad(what, error.to_string(), mend)
        }
        Ok(found) if oidc.registers_clients && found.registration.is_none() => bad(
            what,
            format!("{url} says of no place where clients register themselves"),
            "allow dynamic client registration there, or remove `registers_clients`: clients register here then",
        ),
        Ok(found) if oidc.registers_clients && !found.says_pkce => bad(
            what,
            format!("{url} does not say that it knows PKCE with S256: MCP clients do not go there"),
            "have it say so (code_challenge_methods_supported), or remove `registers_clients`",
        ),
        Ok(_) => good(what, url),
    })
}

/// What a login needs that only the cloud can tell of.
pub(super) async fn at_the_cloud(global: &Global, screen: &Screen) -> Vec<Check> {
    let failed = |failure: Failure| {
        let (found, mend) = failure.in_short();
        bad("the login", found, mend.unwrap_or_default())
    };
    let session = match Session::open_unbuilt(global, screen).await {
        Ok(session) => session,
        Err(failure) => return vec![failed(failure)],
    };
    let mut checks = Vec::new();
    let wanted: Vec<&str> = session.loaded.config.auth.secrets().collect();
    if !wanted.is_empty() {
        checks.push(match secrets::missing(&session).await {
            Err(failure) => failed(failure),
            Ok(missing) => {
                let open = |name: &&String| wanted.contains(&name.as_str());
                match missing.first().iter().find(open) {
                    Some(name) => bad(
                        "the login's secrets",
                        format!("{name} has no value"),
                        secrets::command(name),
                    ),
                    None => good("the login's secrets", "all have a value"),
                }
            }
        });
    }
    let domain = session.graph.in_order().find_map(|node| {
        let is_domain = node.resource.address.kind().as_str() == UserPoolDomain::NAME;
        node.resource.inputs["domain"]
            .as_str()
            .filter(|_| is_domain)
    });
    if let Some(domain) = domain {
        let ours = session.state.outputs.get("user_pool_id");
        let ours = ours.and_then(|id| id.as_str());
        checks.push(
            match People::pool_of_domain(&session.cloud.factory, domain).await {
                Ok(None) => good("the login pages", format!("{domain} is free")),
                Ok(Some(pool)) if Some(pool.as_str()) == ours => {
                    good("the login pages", format!("at {domain}"))
                }
                Ok(Some(pool)) => bad(
                    "the login pages",
                    format!("the prefix {domain} belongs to another pool, {pool}"),
                    "choose another: domain = \"…\" under [auth.cognito]",
                ),
                Err(error) => failed(call_failed("failed to look for the login domain", &error)),
            },
        );
    }
    checks
}
