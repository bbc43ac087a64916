//! `/logout`: the browser forgets who signed in. Source: "The managed login sign-out endpoint".

use http::Response;

use super::super::Cognito;
use super::super::model::Domain;
use super::ask::Refusal;
use super::authorize::refused;
use super::visit::{Visit, redirect};
use crate::wire::Body;

impl Cognito {
    /// To `logout_uri`, or to the sign-in page for who comes with an authorize request.
    pub(super) fn logout(&self, domain: &Domain, visit: &Visit) -> Response<Body> {
        let shown = |error: &str, client: Option<&str>| {
            let refusal = Refusal::Shown {
                error: error.to_owned(),
                client: client.map(str::to_owned),
            };
            refused(visit, &refusal)
        };
        let Some(id) = visit.query("client_id") else {
            return shown("Required String parameter 'client_id' is not present", None);
        };
        let client = self.state().client(&domain.pool, id).cloned();
        let Ok(client) = client else {
            return shown("Client does not exist.", None);
        };
        let to = match (visit.query("logout_uri"), visit.query("redirect_uri")) {
            (Some(uri), _) if client.has("LogoutURLs", uri) => uri.to_owned(),
            (None, Some(uri)) if client.has("CallbackURLs", uri) => visit.here("/login"),
            (Some(_), _) | (None, Some(_)) => return shown("redirect_mismatch", Some(id)),
            (None, None) => {
                return shown(
                    "Required String parameter 'logout_uri' is not present",
                    Some(id),
                );
            }
        };
        if let Some(cookie) = visit.browser() {
            self.passing().forget_browser(cookie);
        }
        redirect(&to, visit.no_browser_cookie())
    }
}
