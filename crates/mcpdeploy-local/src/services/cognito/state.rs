//! What the service keeps, and how it finds it.

use super::faults;
use super::model::{Client, Domain, Grant, Group, Pool, ResourceServer, Stored, User};
use crate::storage::{Collection, ReadError, Storage, StorageError};
use crate::wire::Fault;

/// All rows. The region is in a pool's id.
#[derive(Debug)]
pub(super) struct State {
    /// By id.
    pub(super) pools: Collection<Pool>,
    /// By id.
    pub(super) clients: Collection<Client>,
    /// By name.
    pub(super) domains: Collection<Domain>,
    /// By pool and identifier.
    pub(super) servers: Collection<ResourceServer>,
    /// By pool and name.
    pub(super) groups: Collection<Group>,
    /// By pool and username, in lower case where the pool does not tell cases apart.
    pub(super) users: Collection<User>,
    /// By id.
    pub(super) grants: Collection<Grant>,
    /// By pool and name.
    pub(super) providers: Collection<Stored>,
    /// By pool and id.
    pub(super) brandings: Collection<Stored>,
    /// By pool and client.
    pub(super) customizations: Collection<Stored>,
}

/// The key of something that belongs to a pool.
pub(super) fn key(pool: &str, name: &str) -> String {
    format!("{pool}/{name}")
}

impl State {
    pub(super) fn open(storage: &Storage) -> Result<Self, ReadError> {
        Ok(Self {
            pools: storage.collection("cognito.pools")?,
            clients: storage.collection("cognito.clients")?,
            domains: storage.collection("cognito.domains")?,
            servers: storage.collection("cognito.resource-servers")?,
            groups: storage.collection("cognito.groups")?,
            users: storage.collection("cognito.users")?,
            grants: storage.collection("cognito.grants")?,
            providers: storage.collection("cognito.providers")?,
            brandings: storage.collection("cognito.brandings")?,
            customizations: storage.collection("cognito.customizations")?,
        })
    }

    pub(super) fn pool(&self, id: &str) -> Result<&Pool, Fault> {
        self.pools.get(id).ok_or_else(|| faults::no_pool(id))
    }

    /// A client of this pool.
    pub(super) fn client(&self, pool: &str, id: &str) -> Result<&Client, Fault> {
        self.pool(pool)?;
        let client = self.clients.get(id);
        let client = client.filter(|client| client.pool == pool);
        client.ok_or_else(|| faults::no_client(id))
    }

    /// A client and its pool.
    pub(super) fn client_by_id(&self, id: &str) -> Result<(&Pool, &Client), Fault> {
        let client = self.clients.get(id).ok_or_else(|| faults::no_client(id))?;
        Ok((self.pool(&client.pool)?, client))
    }

    pub(super) fn clients_of(&self, pool: &str) -> impl Iterator<Item = &Client> {
        let clients = self.clients.iter().map(|(_, client)| client);
        clients.filter(move |client| client.pool == pool)
    }

    pub(super) fn domain_of(&self, pool: &str) -> Option<&Domain> {
        let mut domains = self.domains.iter().map(|(_, domain)| domain);
        domains.find(|domain| domain.pool == pool)
    }

    pub(super) fn users_of(&self, pool: &str) -> impl Iterator<Item = (&str, &User)> {
        let prefix = key(pool, "");
        let users = self.users.iter();
        users
            .skip_while({
                let prefix = prefix.clone();
                move |(key, _)| *key < prefix.as_str()
            })
            .take_while(move |(key, _)| key.starts_with(&prefix))
    }

    pub(super) fn user_key(pool: &Pool, username: &str) -> String {
        if pool.case_sensitive() {
            key(&pool.id, username)
        } else {
            key(&pool.id, &username.to_lowercase())
        }
    }

    /// The key of the user whom a name means: a username, a sub, or what the pool lets sign in with.
    pub(super) fn find_user(&self, pool: &Pool, name: &str) -> Option<String> {
        let own = Self::user_key(pool, name);
        if self.users.contains(&own) {
            return Some(own);
        }
        let usernames = pool.list("UsernameAttributes");
        let aliases = pool.list("AliasAttributes");
        let same = |value: &str| {
            value == name || (!pool.case_sensitive() && value.eq_ignore_ascii_case(name))
        };
        let means = |user: &User| {
            user.sub == name
                || usernames
                    .iter()
                    .any(|attribute| user.attribute(attribute).is_some_and(same))
                || aliases.iter().any(|attribute| {
                    user.attribute(attribute).is_some_and(same)
                        && (attribute == "preferred_username" || user.verified(attribute))
                })
        };
        let mut users = self.users_of(&pool.id);
        let found = users.find(|(_, user)| means(user));
        found.map(|(key, _)| key.to_owned())
    }

    /// The user whom a name means, for callers who may know who exists.
    pub(super) fn user(&self, pool: &str, name: &str) -> Result<(String, &User), Fault> {
        let pool = self.pool(pool)?;
        let key = self.find_user(pool, name).ok_or_else(faults::no_user)?;
        let user = self.users.get(&key).ok_or_else(faults::no_user)?;
        Ok((key, user))
    }

    /// Changes the row of a user.
    pub(super) fn change_user<R>(
        &mut self,
        key: &str,
        change: impl FnOnce(&mut User) -> R,
    ) -> Result<R, Fault> {
        self.users.update(key, change)?.ok_or_else(faults::no_user)
    }

    /// Whether a scope exists: a standard one, or one of a resource server of the pool.
    pub(super) fn has_scope(&self, pool: &str, scope: &str) -> bool {
        STANDARD_SCOPES.contains(&scope)
            || scope.rsplit_once('/').is_some_and(|(server, name)| {
                let server = self.servers.get(&key(pool, server));
                server.is_some_and(|server| server.scopes.iter().any(|(scope, _)| scope == name))
            })
    }

    /// Ends all sessions of a user: their tokens are valid no more.
    pub(super) fn sign_out(&mut self, user: &str) -> Result<(), StorageError> {
        for id in self.grants_of(|grant| grant.user == user && !grant.revoked) {
            self.grants.update(&id, |grant| grant.revoked = true)?;
        }
        Ok(())
    }

    /// Forgets the sessions that a test holds for.
    pub(super) fn forget_grants(
        &mut self,
        which: impl Fn(&Grant) -> bool,
    ) -> Result<(), StorageError> {
        for id in self.grants_of(which) {
            self.grants.remove(&id)?;
        }
        Ok(())
    }

    fn grants_of(&self, which: impl Fn(&Grant) -> bool) -> Vec<String> {
        let grants = self.grants.iter();
        let found = grants.filter(|(_, grant)| which(grant));
        found.map(|(id, _)| id.to_owned()).collect()
    }
}

/// The scopes that are no resource server's.
pub(super) const STANDARD_SCOPES: [&str; 5] = [
    "phone",
    "email",
    "openid",
    "profile",
    "aws.cognito.signin.user.admin",
];

/// Removes all rows that belong to a pool.
pub(super) fn clear<T: serde::Serialize + serde::de::DeserializeOwned>(
    rows: &mut Collection<T>,
    pool: &str,
) -> Result<(), StorageError> {
    let prefix = key(pool, "");
    let keys: Vec<String> = rows.under(&prefix).map(|(key, _)| key.to_owned()).collect();
    for key in keys {
        rows.remove(&key)?;
    }
    Ok(())
}
