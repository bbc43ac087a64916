//! What is left of the facade where the issuer registers clients itself: the documents that say who
//! that is. It has nothing secret, and keeps nothing.
//!
//! There is no document of an issuer here. Its `issuer` would be another than the one that was asked,
//! which clients must refuse (RFC 8414, section 3.3), redirected to or not, and some ask here before
//! they ask for the resource's document: with a 404 they go on to it.

use http::{Method, Request};

use super::answer::{self, Answer};
use super::metadata::{self, below};
use super::settings::Directions;
use super::trail::{self, Trail};
use super::validate::SettingsError;

/// Tells clients which issuer to go to.
pub struct Signpost(Directions);

impl Signpost {
    /// One that says what `directions` say.
    ///
    /// # Errors
    /// Nobody would find the way with these.
    pub fn new(directions: Directions) -> Result<Self, SettingsError> {
        directions.validated()?;
        Ok(Self(directions))
    }

    /// Answers any request. What may be told of it is the [`Trail`] among the answer's extensions.
    pub fn handle<B>(&self, request: &Request<B>) -> Answer {
        let path = request.uri().path();
        let mut trail = Trail::default();
        let mut answer = match below(metadata::RESOURCE, path) {
            Some(of) => {
                trail.path = trail::own_path(path);
                self.answer(request.method(), of)
            }
            None => answer::not_found(),
        };
        answer.extensions_mut().insert(trail);
        answer
    }

    fn answer(&self, method: &Method, path: &str) -> Answer {
        let Directions {
            authorization_server,
            resources,
            scopes,
        } = &self.0;
        metadata::served(method, || {
            metadata::of_resource(resources, path, authorization_server, scopes)
        })
    }
}
