//! How one comes into a server with a login: what the box at the end of a deployment shows of it, and
//! what is to be done first.

use mcpdeploy_aws::people::People;
use mcpdeploy_config::AuthProvider;

use crate::logins;
use crate::session::Session;

/// Where clients find out about the login: the metadata of the MCP endpoint (RFC 9728, 3.1).
pub(crate) fn metadata(session: &Session) -> Option<String> {
    let output = |name: &str| session.state.outputs.get(name)?.as_str();
    if !session.loaded.config.auth.enabled {
        return None;
    }
    let (base, mcp) = (output("url")?, output("mcp_url")?);
    let path = mcp.strip_prefix(base)?;
    Some(format!("{base}/.well-known/oauth-protected-resource{path}"))
}

/// What to do next: whoever has a login looks at the outputs.
pub(crate) async fn next(session: &Session) -> &'static str {
    let mcp_url = session.state.outputs.get("mcp_url");
    let mcp_url = mcp_url.and_then(|url| url.as_str());
    if !session.loaded.config.auth.enabled || mcp_url.is_some_and(is_logged_in) {
        "mcpdeploy output"
    } else if is_empty(session).await {
        "mcpdeploy local user add EMAIL        (then mcpdeploy --local login)"
    } else {
        "mcpdeploy login        (then mcpdeploy test tries what is behind it)"
    }
}

/// How somebody comes into a pool on AWS that only its administrator fills.
pub(crate) fn how_to_add(session: &Session) -> Option<String> {
    let pool = pool(session).filter(|_| !session.project.local)?;
    Some(format!(
        "Nobody can log in yet. Add the first one, who gets a password by e-mail:\n  \
         aws cognito-idp admin-create-user --user-pool-id {pool} \\\n    \
         --username EMAIL --user-attributes Name=email,Value=EMAIL"
    ))
}

/// The pool of this deployment, where nobody comes in who was not added.
fn pool(session: &Session) -> Option<&str> {
    let auth = &session.loaded.config.auth;
    let open = auth.cognito.as_ref().is_some_and(|cognito| {
        cognito.self_registration
            || cognito.user_pool_id.is_some()
            || !cognito.social_providers.is_empty()
    });
    if !auth.enabled || auth.provider != AuthProvider::Cognito || open {
        return None;
    }
    session.state.outputs.get("user_pool_id")?.as_str()
}

/// Whether there is nobody to log in, as far as that costs nothing to find out.
async fn is_empty(session: &Session) -> bool {
    let Some(pool) = pool(session).filter(|_| session.project.local) else {
        return false;
    };
    let people = People::of(&session.cloud.factory, pool);
    people.list().await.is_ok_and(|people| people.is_empty())
}

/// Whether a login is kept for it; whether it is still good is seen when it is used.
fn is_logged_in(mcp_url: &str) -> bool {
    let kept = logins::client().and_then(|client| Ok(client.endpoints()?));
    kept.is_ok_and(|kept| kept.iter().any(|endpoint| endpoint == mcp_url))
}
