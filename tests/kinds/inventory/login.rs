//! What an account has of Cognito's: all of it is in pools.

use mcpdeploy_aws::clients::Clients;

use super::all;

/// Everything of one kind.
pub(super) async fn list(clients: &Clients, kind: &str) -> Vec<String> {
    let mut found = Vec::new();
    for pool in pools(clients).await {
        let own = match kind {
            "aws.cognito.user_pool" => {
                found.push(pool);
                continue;
            }
            "aws.cognito.user_pool_client" => app_clients(clients, &pool).await,
            "aws.cognito.user_pool_domain" => domains(clients, &pool).await,
            "aws.cognito.resource_server" => servers(clients, &pool).await,
            "aws.cognito.identity_provider" => providers(clients, &pool).await,
            "aws.cognito.group" => groups(clients, &pool).await,
            "aws.cognito.managed_login_branding" => brandings(clients, &pool).await,
            other => panic!("nobody knows how to list {other}"),
        };
        found.extend(own.into_iter().map(|id| format!("{pool}/{id}")));
    }
    found
}

async fn pools(clients: &Clients) -> Vec<String> {
    let call = clients.cognito().list_user_pools().max_results(60).send();
    let pools = call.await.expect("pools are listed").user_pools;
    all(pools, |pool| pool.id)
}

async fn app_clients(clients: &Clients, pool: &str) -> Vec<String> {
    let call = clients
        .cognito()
        .list_user_pool_clients()
        .user_pool_id(pool)
        .max_results(60)
        .send();
    let found = call.await.expect("clients are listed").user_pool_clients;
    all(found, |client| client.client_id)
}

async fn domains(clients: &Clients, pool: &str) -> Vec<String> {
    let call = clients
        .cognito()
        .describe_user_pool()
        .user_pool_id(pool)
        .send();
    let pool = call.await.expect("the pool is described").user_pool;
    let pool = pool.expect("there is one");
    [pool.domain, pool.custom_domain]
        .into_iter()
        .flatten()
        .collect()
}

async fn servers(clients: &Clients, pool: &str) -> Vec<String> {
    let call = clients
        .cognito()
        .list_resource_servers()
        .user_pool_id(pool)
        .max_results(50)
        .send();
    let found = call.await.expect("resource servers are listed");
    all(Some(found.resource_servers), |server| server.identifier)
}

async fn brandings(clients: &Clients, pool: &str) -> Vec<String> {
    let mut found = Vec::new();
    for client in app_clients(clients, pool).await {
        let call = clients
            .cognito()
            .describe_managed_login_branding_by_client()
            .user_pool_id(pool)
            .client_id(client)
            .send();
        // That there is none is an error.
        let branding = call
            .await
            .ok()
            .and_then(|answer| answer.managed_login_branding);
        found.extend(branding.and_then(|branding| branding.managed_login_branding_id));
    }
    found
}

async fn providers(clients: &Clients, pool: &str) -> Vec<String> {
    let call = clients
        .cognito()
        .list_identity_providers()
        .user_pool_id(pool)
        .max_results(60)
        .send();
    let found = call.await.expect("identity providers are listed");
    all(Some(found.providers), |provider| provider.provider_name)
}

async fn groups(clients: &Clients, pool: &str) -> Vec<String> {
    let call = clients.cognito().list_groups().user_pool_id(pool).send();
    let groups = call.await.expect("groups are listed").groups;
    all(groups, |group| group.group_name)
}
