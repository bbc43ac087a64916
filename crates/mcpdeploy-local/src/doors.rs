//! The cloud's own doors below `/_mcpdeploy/`: status, switches, what passes through, and the end.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use crate::cloud::Cloud;
use crate::running::{DOORS, TOKEN};
use crate::server::{collect, plain};
use crate::switches::Switches;
use crate::wire::{Body, full};

/// The largest body that one of these doors takes.
const LARGEST: usize = 1024 * 1024;

/// Answers to everybody: whether the cloud is up is no secret.
const HEALTH: &str = "/_mcpdeploy/health";

/// Whether a path is one of these doors.
pub(crate) fn is_door(path: &str) -> bool {
    path.starts_with(DOORS)
}

/// Opens a door to who has the token.
pub(crate) async fn open(cloud: &Cloud, request: Request<Incoming>) -> Response<Body> {
    if request.uri().path() == HEALTH {
        return plain(StatusCode::OK, "ok\n");
    }
    let token = request.headers().get(TOKEN).map(HeaderValue::as_bytes);
    if token != Some(cloud.running().token().as_bytes()) {
        return plain(StatusCode::FORBIDDEN, "this door wants a token\n");
    }
    let door = request.uri().path().trim_start_matches(DOORS).to_owned();
    match (request.method(), door.as_str()) {
        (&Method::GET, "status") => json(&cloud.status()),
        (&Method::GET, "watch") => watch(cloud),
        (&Method::PUT, "switches") => {
            let read = collect(request.into_body(), LARGEST).await.ok();
            match read.and_then(|body| serde_json::from_slice::<Switches>(&body).ok()) {
                Some(switches) => {
                    cloud.switch(switches);
                    json(&())
                }
                None => plain(StatusCode::BAD_REQUEST, "these are no switches\n"),
            }
        }
        (&Method::POST, "stop") => {
            cloud.ask_to_end();
            json(&())
        }
        _ => plain(StatusCode::NOT_FOUND, "there is no such door\n"),
    }
}

fn json(value: &impl Serialize) -> Response<Body> {
    let mut response = Response::new(full(serde_json::to_vec(value).unwrap_or_default()));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// What passes through, one line of JSON each, until the cloud ends or the reader is gone.
fn watch(cloud: &Cloud) -> Response<Body> {
    let mut seen = cloud.watch();
    let ending = cloud.ending().clone();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(256);
    cloud.tasks().spawn(async move {
        loop {
            let one = tokio::select! {
                one = seen.recv() => one,
                () = ending.cancelled() => return,
            };
            let line = match one {
                Ok(one) => serde_json::to_vec(&one).unwrap_or_default(),
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            let line = Bytes::from([line, b"\n".to_vec()].concat());
            if sender.send(line).await.is_err() {
                return;
            }
        }
    });
    let stream = futures_util::stream::unfold(receiver, |mut receiver| async move {
        let line = receiver.recv().await?;
        Some((Ok(Frame::data(line)), receiver))
    });
    Response::new(BodyExt::boxed(StreamBody::new(stream)))
}
