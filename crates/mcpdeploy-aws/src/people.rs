//! The people of a user pool: added, listed and removed by the command line, to try a login. They
//! are no resources: nothing of them is in a state.

use aws_sdk_cognitoidentityprovider::types::{AttributeType, MessageActionType, UserType};
use mcpdeploy_engine::kind::{ClientSource, KindError, Placement};

use crate::clients::{ClientFactory, Clients};
use crate::fault::Fault;

const SERVICE: &str = "cognito-idp";

/// Somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// What they log in with.
    pub name: String,
    /// Whether they can log in, in Cognito's words: `CONFIRMED`, `FORCE_CHANGE_PASSWORD`, …
    pub status: String,
}

/// A pool's people.
pub struct People<'a> {
    factory: &'a ClientFactory,
    pool: String,
}

impl<'a> People<'a> {
    /// Those of the pool with this id.
    pub fn of(factory: &'a ClientFactory, pool: impl Into<String>) -> Self {
        Self {
            factory,
            pool: pool.into(),
        }
    }

    /// Ids and names of the pools that there are, 60 at most.
    ///
    /// # Errors
    /// What the call failed with.
    pub async fn pools(factory: &ClientFactory) -> Result<Vec<(String, String)>, KindError> {
        let clients = factory.clients(&Placement::default())?;
        let answer = clients
            .cognito()
            .list_user_pools()
            .max_results(60)
            .send()
            .await
            .fault(SERVICE, "ListUserPools", "*")?;
        let pools = answer.user_pools().iter();
        Ok(pools
            .map(|pool| {
                let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
                (text(pool.id()), text(pool.name()))
            })
            .collect())
    }

    /// The pool that has this login domain; none when nobody has it that the caller may know of.
    ///
    /// # Errors
    /// What the call failed with.
    pub async fn pool_of_domain(
        factory: &ClientFactory,
        domain: &str,
    ) -> Result<Option<String>, KindError> {
        let clients = factory.clients(&Placement::default())?;
        let answer = clients
            .cognito()
            .describe_user_pool_domain()
            .domain(domain)
            .send()
            .await
            .fault(SERVICE, "DescribeUserPoolDomain", domain)?;
        Ok(answer
            .domain_description
            .and_then(|found| found.user_pool_id))
    }

    /// Adds somebody who logs in with this e-mail address and password at once; when they are there
    /// already, only the password is set. Whether they are new.
    ///
    /// # Errors
    /// What a call failed with: most of all, a password that the pool does not take. Somebody new
    /// is not left behind without one, or without a group.
    pub async fn add(
        &self,
        name: &str,
        password: &str,
        groups: &[String],
    ) -> Result<bool, KindError> {
        let clients = self.factory.clients(&Placement::default())?;
        let created = clients
            .cognito()
            .admin_create_user()
            .user_pool_id(&self.pool)
            .username(name)
            .set_user_attributes(Some(attributes(name)?))
            .message_action(MessageActionType::Suppress)
            .send()
            .await
            .fault(SERVICE, "AdminCreateUser", name);
        let new = match created {
            Ok(_) => true,
            Err(error) if error.code.as_deref() == Some("UsernameExistsException") => false,
            Err(error) => return Err(error),
        };
        let set = clients
            .cognito()
            .admin_set_user_password()
            .user_pool_id(&self.pool)
            .username(name)
            .password(password)
            .permanent(true)
            .send()
            .await
            .fault(SERVICE, "AdminSetUserPassword", name);
        if let Err(error) = set {
            if new {
                self.delete(&clients, name).await?;
            }
            if error.code.as_deref() == Some("InvalidPasswordException")
                && let Some(wants) = self.policy(&clients).await
            {
                return Err(error.hint(wants));
            }
            return Err(error);
        }
        for group in groups {
            let joined = clients
                .cognito()
                .admin_add_user_to_group()
                .user_pool_id(&self.pool)
                .username(name)
                .group_name(group)
                .send()
                .await
                .fault(SERVICE, "AdminAddUserToGroup", group);
            if let Err(error) = joined {
                if new {
                    self.delete(&clients, name).await?;
                }
                return Err(error);
            }
        }
        Ok(new)
    }

    /// What the pool wants of passwords, as far as it tells.
    async fn policy(&self, clients: &Clients) -> Option<String> {
        let pool = clients.cognito().describe_user_pool();
        let answer = pool.user_pool_id(&self.pool).send().await.ok()?;
        let policy = answer.user_pool?.policies?.password_policy?;
        let kinds = [
            (policy.require_lowercase, "small letters"),
            (policy.require_uppercase, "capital letters"),
            (policy.require_numbers, "digits"),
            (policy.require_symbols, "symbols"),
        ];
        let kinds: Vec<&str> = kinds
            .into_iter()
            .filter_map(|(wanted, kind)| wanted.then_some(kind))
            .collect();
        let with = match kinds.as_slice() {
            [] => String::new(),
            kinds => format!(", among them {}", kinds.join(", ")),
        };
        let length = policy.minimum_length.unwrap_or_default();
        Some(format!("the pool wants {length} characters or more{with}"))
    }

    /// Everybody.
    ///
    /// # Errors
    /// What a call failed with.
    pub async fn list(&self) -> Result<Vec<Person>, KindError> {
        let clients = self.factory.clients(&Placement::default())?;
        let mut people = Vec::new();
        let mut next = None;
        loop {
            let page = clients
                .cognito()
                .list_users()
                .user_pool_id(&self.pool)
                .set_pagination_token(next)
                .send()
                .await
                .fault(SERVICE, "ListUsers", &self.pool)?;
            people.extend(page.users().iter().map(person));
            match page.pagination_token() {
                Some(token) => next = Some(token.to_owned()),
                None => return Ok(people),
            }
        }
    }

    /// Removes somebody. Whether they were there.
    ///
    /// # Errors
    /// What the call failed with.
    pub async fn remove(&self, name: &str) -> Result<bool, KindError> {
        let clients = self.factory.clients(&Placement::default())?;
        match self.delete(&clients, name).await {
            Ok(()) => Ok(true),
            Err(error) if error.code.as_deref() == Some("UserNotFoundException") => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, clients: &Clients, name: &str) -> Result<(), KindError> {
        clients
            .cognito()
            .admin_delete_user()
            .user_pool_id(&self.pool)
            .username(name)
            .send()
            .await
            .fault(SERVICE, "AdminDeleteUser", name)
            .map(|_| ())
    }
}

/// An e-mail address that nobody has to verify.
fn attributes(name: &str) -> Result<Vec<AttributeType>, KindError> {
    [("email", name), ("email_verified", "true")]
        .into_iter()
        .map(|(key, value)| {
            AttributeType::builder()
                .name(key)
                .value(value)
                .build()
                .map_err(|error| KindError::fatal(error.to_string()))
        })
        .collect()
}

/// The name is the address: with logins by e-mail, the user name is an id of Cognito's own.
fn person(user: &UserType) -> Person {
    let email = user
        .attributes()
        .iter()
        .find(|attribute| attribute.name() == "email")
        .and_then(AttributeType::value);
    Person {
        name: email.or(user.username()).unwrap_or_default().to_owned(),
        status: user
            .user_status()
            .map(|status| status.as_str().to_owned())
            .unwrap_or_default(),
    }
}
