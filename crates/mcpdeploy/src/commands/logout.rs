//! `logout`: ends logins and forgets them.

use mcpdeploy_login::Client;
use serde_json::json;

use crate::cli::{Global, Logout};
use crate::endpoint::Endpoint;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::logins;
use crate::screen::Screen;

pub(crate) async fn run(global: &Global, args: &Logout, screen: &Screen) -> Result<Exit, Failure> {
    let client = logins::client()?;
    let endpoints = if args.all {
        client.endpoints()?
    } else {
        vec![
            Endpoint::named_or_deployed(global, args.url.as_deref(), screen)
                .await?
                .url,
        ]
    };
    if endpoints.is_empty() {
        screen.result("logout", "There is no login.", json!({"logins": []}));
        return Ok(Exit::Done);
    }
    for endpoint in endpoints {
        tokio::task::block_in_place(|| end(&client, &endpoint, screen))?;
    }
    Ok(Exit::Done)
}

fn end(client: &Client, endpoint: &str, screen: &Screen) -> Result<(), Failure> {
    let Some(forgotten) = client.logout(endpoint)? else {
        let data = json!({"endpoint": endpoint, "was_logged_in": false});
        screen.result("logout", &format!("There is no login to {endpoint}."), data);
        return Ok(());
    };
    let revoked = match &forgotten.revoked {
        Some(Ok(())) => "its tokens are ended",
        Some(Err(error)) => {
            screen.warn(&format!("its tokens could not be ended: {error}"));
            "its tokens are forgotten here, and good until they run out"
        }
        None => "its tokens are forgotten here; the server has no way of ending them",
    };
    screen.result(
        "logout",
        &format!("Logged out of {endpoint}; {revoked}."),
        json!({
            "endpoint": endpoint,
            "was_logged_in": true,
            "issuer": forgotten.issuer,
            "revoked": matches!(forgotten.revoked, Some(Ok(()))),
        }),
    );
    Ok(())
}
