//! What the stack's resources are called in the cloud.

use super::{Place, StackError};

/// The longest name of a function or a role.
pub(super) const LONGEST: usize = 64;

/// The names.
pub(crate) struct Names {
    /// The server's name, with the environment's unless that is the default.
    pub(crate) full: String,
    /// The function's log group; Lambda's own name for it.
    pub(crate) log_group: String,
    /// The access logs of the API.
    pub(crate) access_log_group: String,
    /// The function's role. Roles have no region, so it is in the name.
    pub(crate) role: String,
    /// The role of the login's function.
    pub(crate) login_role: String,
    /// The bucket for code that is too large to upload with a call. Buckets are named worldwide.
    pub(crate) bucket: String,
}

impl Names {
    pub(crate) fn new(server: &str, environment: &str, place: &Place) -> Result<Self, StackError> {
        let full = if environment == "default" {
            server.to_owned()
        } else {
            format!("{server}-{environment}")
        };
        let role = format!("{full}-{}-exec", place.region);
        if role.len() > LONGEST {
            return Err(StackError::Key {
                key: "server.name",
                message: format!(
                    "`{server}` is too long for the environment {environment} in {}: the role would be called {role}, and IAM takes {LONGEST} characters",
                    place.region
                ),
                help: format!("shorten it by {} characters", role.len() - LONGEST),
            });
        }
        Ok(Self {
            log_group: format!("/aws/lambda/{full}"),
            access_log_group: format!("/aws/apigateway/{full}"),
            bucket: format!(
                "{}-{}-{}-code",
                full.replace('_', "-"),
                place.account,
                place.region
            ),
            login_role: format!("{full}-{}-login", place.region),
            role,
            full,
        })
    }
}

/// The first part of the login page's address. Those of a region are shared by all accounts, so the
/// account is in it; it has lowercase letters, digits and hyphens, 63 at most, and may not contain
/// the names of AWS's services.
pub(super) fn login_domain(full: &str, account: &str) -> String {
    let mut name = full.replace('_', "-");
    for (word, instead) in [
        ("aws", "a-w-s"),
        ("amazon", "a-mazon"),
        ("cognito", "c-ognito"),
    ] {
        name = name.replace(word, instead);
    }
    name.truncate(63 - 1 - account.len());
    format!("{}-{account}", name.trim_end_matches('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place {
            region: "ap-southeast-1".into(),
            account: "123456789012".into(),
            partition: "aws".into(),
            emulator: None,
        }
    }

    #[test]
    fn an_environment_is_in_every_name_but_the_default() {
        let names = Names::new("calculator", "default", &place()).unwrap();
        assert_eq!(names.full, "calculator");
        assert_eq!(names.role, "calculator-ap-southeast-1-exec");
        let names = Names::new("calculator", "prod", &place()).unwrap();
        assert_eq!(names.log_group, "/aws/lambda/calculator-prod");
    }

    #[test]
    fn a_login_page_has_an_address_that_cognito_takes() {
        for (full, domain) in [
            ("calculator-prod", "calculator-prod-123456789012"),
            ("my_aws", "my-a-w-s-123456789012"),
            ("cognito_amazon", "c-ognito-a-mazon-123456789012"),
        ] {
            assert_eq!(login_domain(full, "123456789012"), domain);
        }
        let long = login_domain(&format!("{}-x", "a".repeat(49)), "123456789012");
        assert_eq!(long, format!("{}-123456789012", "a".repeat(49)));
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let error = Names::new(&"x".repeat(50), "production", &place())
            .err()
            .unwrap();
        assert!(error.to_string().contains("too long"), "{error}");
    }
}
