//! `/revoke` (RFC 7009): the end of a refresh token, and with it of what it would have brought.

use bytes::Bytes;
use http::{HeaderMap, Response};

use super::answer::{self, Answer, Code, Fault};
use super::params::Params;
use super::route::Facade;
use super::token::Refresh;
use super::trail::Trail;

impl Facade {
    pub(super) async fn revoke(
        &self,
        headers: &HeaderMap,
        form: &Params,
        trail: &mut Trail,
    ) -> Result<Answer, Fault> {
        let caller = self.caller(headers, form, trail).await?;
        let token = form
            .one("token")?
            .ok_or_else(|| Fault::new(Code::InvalidRequest, "token is missing"))?;
        // An access token is the upstream's own and cannot be called back: saying it was revoked
        // would be a lie.
        if token.matches('.').count() == 2 {
            return Err(Fault::new(
                Code::UnsupportedTokenType,
                "only refresh tokens can be revoked",
            ));
        }
        // One that is not valid any more is as revoked as can be, says the RFC.
        let Ok(refresh) = self.held().sealer.open::<Refresh>(token, self.clock.now()) else {
            return Ok(done());
        };
        caller.owns(&refresh.client, refresh.asserts, "the token")?;
        let endpoint = self.endpoints.revoke.as_deref().unwrap_or_default();
        self.upstream(endpoint, &[("token", &refresh.token)])
            .await?;
        Ok(done())
    }
}

fn done() -> Answer {
    let mut answer = Response::new(Bytes::new());
    answer::set(&mut answer, http::header::CACHE_CONTROL, "no-store");
    answer
}
