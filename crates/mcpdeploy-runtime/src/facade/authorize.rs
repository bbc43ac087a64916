//! `/authorize`: a client asks. Until it is proven that the redirect URI is the client's, what is
//! wrong is shown to the person; only then is it told to the client (RFC 6749, section 4.1.2.1).

use http::{HeaderMap, StatusCode};

use super::answer::{self, Answer, Code, Fault};
use super::client::{Client, Origin, digest};
use super::flow::{Ask, Flow, Ticket};
use super::page::Shown;
use super::params::{Params, Twice};
use super::route::Facade;
use super::settings::{Audience, Resource};
use super::trail::Trail;
use super::uri::{Reaches, Redirect, with_query};

/// A client's own state comes back in URLs, inside ours.
const LONGEST_STATE: usize = 2048;

/// A request that goes no further.
pub(super) enum Refused {
    /// Shown to the person: nobody else may be told.
    Person(String),
    /// Told to the client, where it is proven to be.
    Client(Box<Return>, Fault),
    /// Shown to the person, with the way back to the client: nobody vouches for its site.
    Stranger(Box<Return>, Fault),
}

/// The way back to a client.
pub(super) struct Return {
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
}

/// When the person is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asking {
    IfNotRemembered,
    Always,
    Never,
}

impl From<Twice> for Refused {
    fn from(twice: Twice) -> Self {
        Self::Person(twice.to_string())
    }
}

impl Facade {
    pub(super) async fn authorize(
        &self,
        headers: &HeaderMap,
        params: &Params,
        trail: &mut Trail,
    ) -> Answer {
        match self.begin(headers, params, trail).await {
            Ok(answer) => answer,
            Err(Refused::Person(why)) => {
                trail.refused(&why);
                self.page.fault(StatusCode::BAD_REQUEST, &why)
            }
            Err(Refused::Client(back, fault)) => {
                trail.fault(&fault);
                answer::redirect(&self.fault_location(&back, &fault))
            }
            Err(Refused::Stranger(back, fault)) => {
                trail.fault(&fault);
                let location = self.fault_location(&back, &fault);
                self.page
                    .fault_of_stranger(&fault.description, &back.redirect_uri, &location)
            }
        }
    }

    async fn begin(
        &self,
        headers: &HeaderMap,
        params: &Params,
        trail: &mut Trail,
    ) -> Result<Answer, Refused> {
        let (client, back) = self.proven(params).await?;
        trail.client = client.shown();
        let (ask, asking) = match self.checked(params, &client, &back) {
            Ok(checked) => checked,
            Err(fault) => return Err(refused(&client, back, fault)),
        };
        let flow = Flow::new(ask);
        trail.of(&flow);
        let until = self.clock.now() + self.settings.lifetimes.flow;
        let remembered = asking != Asking::Always && self.remembers(headers, &flow.ask);
        let mut answer = if remembered {
            answer::redirect(&self.login_location(&flow))
        } else if asking == Asking::Never {
            let fault = Fault::new(Code::ConsentRequired, "nobody has agreed to this yet");
            return Err(refused(&client, back, fault));
        } else {
            let ticket = self.held().sealer.seal(&Ticket(flow.clone()), until);
            let action = format!("{}/consent", self.settings.issuer);
            let scopes = self.described(&flow.ask);
            let resource = self.named_resource(&flow.ask.resource);
            self.page
                .consent(&client, &flow.ask, resource, &scopes, &action, &ticket)
        };
        flow.begin(&mut answer, &self.cookies, self.settings.lifetimes.flow);
        Ok(answer)
    }

    /// The client, and that it may be returned to where it asks to be.
    async fn proven(&self, params: &Params) -> Result<(Client, Return), Refused> {
        let missing = |name| Refused::Person(format!("the parameter {name} is missing"));
        let id = params
            .one("client_id")?
            .ok_or_else(|| missing("client_id"))?;
        let redirect_uri = params
            .one("redirect_uri")?
            .ok_or_else(|| missing("redirect_uri"))?;
        let state = params.one("state")?;
        if state.is_some_and(|state| state.len() > LONGEST_STATE) {
            return Err(Refused::Person("the client's state is too long".to_owned()));
        }
        let client = self
            .client(id)
            .await
            .map_err(|fault| Refused::Person(fault.to_string()))?;
        if !client.may_return_to(redirect_uri) {
            return Err(Refused::Person(
                "the client is not registered to be returned to where it asks to be".to_owned(),
            ));
        }
        let back = Return {
            redirect_uri: redirect_uri.to_owned(),
            state: state.map(ToOwned::to_owned),
        };
        Ok((client, back))
    }

    /// What is asked for, once it is known that the client may be told what is wrong with it.
    fn checked(
        &self,
        params: &Params,
        client: &Client,
        back: &Return,
    ) -> Result<(Ask, Asking), Fault> {
        let invalid = |why: &str| Fault::new(Code::InvalidRequest, why);
        if params.one("request")?.is_some() || params.one("request_uri")?.is_some() {
            return Err(Fault::new(
                Code::RequestNotSupported,
                "requests are parameters of the URL here",
            ));
        }
        match params.one("response_type")? {
            Some("code") => {}
            Some(_) => {
                return Err(Fault::new(
                    Code::UnsupportedResponseType,
                    "response_type must be code",
                ));
            }
            None => return Err(invalid("response_type is missing")),
        }
        if params
            .one("response_mode")?
            .is_some_and(|mode| mode != "query")
        {
            return Err(invalid("response_mode must be query"));
        }
        let challenge = params
            .one("code_challenge")?
            .ok_or_else(|| invalid("code_challenge is missing: PKCE is required"))?;
        if params.one("code_challenge_method")? != Some("S256") {
            return Err(invalid("code_challenge_method must be S256"));
        }
        if challenge.len() != 43 || !challenge.bytes().all(is_base64url) {
            return Err(invalid("code_challenge is no SHA-256 in base64url"));
        }
        let resource = self.resource(params.one("resource")?)?;
        let scopes = self.granted_scopes(params.one("scope")?, client.origin)?;
        let (asking, prompt) = prompted(params.one("prompt")?)?;
        let ask = Ask {
            client: digest(&[&client.id]),
            asserts: client.asserts,
            redirect_uri: back.redirect_uri.clone(),
            state: back.state.clone(),
            challenge: challenge.to_owned(),
            scopes,
            resource: resource.url.clone(),
            prompt,
        };
        Ok((ask, asking))
    }

    /// The server that `asked` names. Clients normalise URLs, which gives a bare host a slash.
    pub(super) fn resource(&self, asked: Option<&str>) -> Result<&Resource, Fault> {
        let target = |why| Fault::new(Code::InvalidTarget, why);
        match (asked, self.settings.resources.as_slice()) {
            (None, [only]) => Ok(only),
            (None, _) => Err(target("resource is missing, and there are several servers")),
            (Some(asked), resources) => resources
                .iter()
                .find(|resource| {
                    resource.url.trim_end_matches('/') == asked.strip_suffix('/').unwrap_or(asked)
                })
                .ok_or_else(|| target("resource is no server that tokens are issued for here")),
        }
    }

    /// What the person is told of these scopes.
    fn described<'s>(&'s self, ask: &'s Ask) -> Vec<Shown<'s>> {
        self.settings
            .scopes
            .iter()
            .filter(|scope| ask.scopes.contains(&scope.name))
            .map(|scope| Shown {
                description: &scope.description,
                name: short(&scope.name, &ask.resource),
            })
            .collect()
    }

    fn named_resource<'s>(&'s self, url: &'s str) -> &'s str {
        self.settings
            .resources
            .iter()
            .find(|resource| resource.url == url)
            .and_then(|resource| resource.name.as_deref())
            .unwrap_or(url)
    }

    /// Where the person logs in.
    pub(super) fn login_location(&self, flow: &Flow) -> String {
        let upstream = &self.settings.upstream;
        let until = self.clock.now() + self.settings.lifetimes.flow;
        let state = self
            .held()
            .sealer
            .seal(&super::flow::State(flow.clone()), until);
        let callback = self.callback_uri();
        let scope = flow.ask.scopes.join(" ");
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", upstream.client_id.as_str()),
            ("redirect_uri", callback.as_str()),
            ("state", state.as_str()),
            ("code_challenge", flow.ask.challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        if !scope.is_empty() {
            parameters.push(("scope", &scope));
        }
        let server = upstream.identifier.as_ref().unwrap_or(&flow.ask.resource);
        match upstream.audience {
            Audience::Resource => parameters.push(("resource", server)),
            Audience::Audience => parameters.push(("audience", server)),
            Audience::None => {}
        }
        if let Some(prompt) = &flow.ask.prompt {
            parameters.push(("prompt", prompt));
        }
        with_query(&self.endpoints.authorize, parameters)
    }

    pub(super) fn callback_uri(&self) -> String {
        format!("{}/callback", self.settings.issuer)
    }

    /// Where a client learns what went wrong.
    pub(super) fn fault_location(&self, back: &Return, fault: &Fault) -> String {
        let description = answer::described(&fault.description);
        let mut parameters = vec![
            ("error", fault.code.as_str()),
            ("error_description", description.as_str()),
        ];
        parameters.extend(back.state.as_deref().map(|state| ("state", state)));
        parameters.push(("iss", self.settings.issuer.as_str()));
        with_query(&back.redirect_uri, parameters)
    }
}

impl Ask {
    pub(super) fn back(&self) -> Return {
        Return {
            redirect_uri: self.redirect_uri.clone(),
            state: self.state.clone(),
        }
    }
}

/// Anybody can register a site and then make a link to us that fails: were the browser sent there
/// at once, we would lend our name to it (RFC 9700, section 4.11.2). A program on the person's own
/// machine gains nothing by that, and waits for the answer.
fn refused(client: &Client, back: Return, fault: Fault) -> Refused {
    let local =
        Redirect::parse(&back.redirect_uri).is_ok_and(|redirect| redirect.reaches != Reaches::Web);
    let back = Box::new(back);
    if local || client.origin == Origin::Known {
        Refused::Client(back, fault)
    } else {
        Refused::Stranger(back, fault)
    }
}

/// A scope's own name: in Cognito the resource server's identifier comes before it, which is the URL
/// that the page names anyway.
fn short<'n>(name: &'n str, resource: &str) -> &'n str {
    name.strip_prefix(resource)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(name)
}

/// Whether the person is to be asked, and what of it the upstream is told.
fn prompted(prompt: Option<&str>) -> Result<(Asking, Option<String>), Fault> {
    let words: Vec<&str> = prompt
        .unwrap_or_default()
        .split(' ')
        .filter(|word| !word.is_empty())
        .collect();
    if words == ["none"] {
        return Ok((Asking::Never, Some("none".to_owned())));
    }
    if words.contains(&"none") {
        return Err(Fault::new(
            Code::InvalidRequest,
            "prompt has none and something else",
        ));
    }
    let asking = if words.contains(&"consent") {
        Asking::Always
    } else {
        Asking::IfNotRemembered
    };
    let upstream = ["login", "select_account"]
        .into_iter()
        .find(|word| words.contains(word));
    Ok((asking, upstream.map(ToOwned::to_owned)))
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}
