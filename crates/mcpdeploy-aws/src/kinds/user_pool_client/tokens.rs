//! How long the tokens of an app client hold.

use aws_sdk_cognitoidentityprovider::types as sdk;
use mcpdeploy_engine::kind::KindError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::kinds::inputs::{int, uint, wrong};

const MINUTE: u32 = 60;
const HOUR: u32 = 60 * MINUTE;
const DAY: u32 = 24 * HOUR;

/// How long tokens hold, in seconds. An access or ID token never holds longer than the refresh
/// token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenLifetimes {
    /// An access token: five minutes to a day.
    #[serde(default = "hour")]
    pub access_seconds: u32,
    /// An ID token: five minutes to a day.
    #[serde(default = "hour")]
    pub id_seconds: u32,
    /// A refresh token: an hour to ten years.
    #[serde(default = "month")]
    pub refresh_seconds: u32,
}

fn hour() -> u32 {
    HOUR
}

fn month() -> u32 {
    30 * DAY
}

impl Default for TokenLifetimes {
    fn default() -> Self {
        Self {
            access_seconds: hour(),
            id_seconds: hour(),
            refresh_seconds: month(),
        }
    }
}

impl TokenLifetimes {
    pub(super) fn access(self) -> i32 {
        int(self.access_seconds)
    }

    pub(super) fn id(self) -> i32 {
        int(self.id_seconds)
    }

    pub(super) fn refresh(self) -> i32 {
        int(self.refresh_seconds)
    }

    /// Source: CreateUserPoolClient.
    pub(super) fn validate(self) -> Result<(), (String, String)> {
        if !(HOUR..=3650 * DAY).contains(&self.refresh_seconds) {
            return wrong(
                "/tokens/refresh_seconds",
                "a refresh token holds for an hour to ten years",
            );
        }
        for (pointer, seconds) in [
            ("/tokens/access_seconds", self.access_seconds),
            ("/tokens/id_seconds", self.id_seconds),
        ] {
            if !(5 * MINUTE..=DAY).contains(&seconds) {
                return wrong(pointer, "a token holds for five minutes to a day");
            }
            if seconds > self.refresh_seconds {
                return wrong(pointer, "a token holds no longer than the refresh token");
            }
        }
        Ok(())
    }

    pub(super) fn observed(client: &sdk::UserPoolClientType) -> Self {
        let units = client.token_validity_units();
        let seconds = |number: Option<i32>, unit: Option<&sdk::TimeUnitsType>, other: u32| {
            let unit = match unit {
                Some(sdk::TimeUnitsType::Seconds) => 1,
                Some(sdk::TimeUnitsType::Minutes) => MINUTE,
                Some(sdk::TimeUnitsType::Hours) => HOUR,
                Some(sdk::TimeUnitsType::Days) => DAY,
                _ => other,
            };
            // Zero stands for the default, as nothing does.
            let number = uint(number);
            (number > 0).then(|| number.saturating_mul(unit))
        };
        Self {
            access_seconds: seconds(
                client.access_token_validity(),
                units.and_then(|units| units.access_token()),
                HOUR,
            )
            .unwrap_or_else(hour),
            id_seconds: seconds(
                client.id_token_validity(),
                units.and_then(|units| units.id_token()),
                HOUR,
            )
            .unwrap_or_else(hour),
            refresh_seconds: seconds(
                Some(client.refresh_token_validity()),
                units.and_then(|units| units.refresh_token()),
                DAY,
            )
            .unwrap_or_else(month),
        }
    }
}

/// The unit in which lifetimes are told: the only one in which all of them can be.
pub(super) fn seconds() -> sdk::TokenValidityUnitsType {
    sdk::TokenValidityUnitsType::builder()
        .access_token(sdk::TimeUnitsType::Seconds)
        .id_token(sdk::TimeUnitsType::Seconds)
        .refresh_token(sdk::TimeUnitsType::Seconds)
        .build()
}

/// Refresh tokens that are good once: each refresh gives a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// For how many seconds the old one still holds, for a client whose answer was lost: 0 to 60.
    #[serde(default)]
    pub grace_seconds: u32,
}

impl Rotation {
    pub(super) fn validate(&self) -> Result<(), (String, String)> {
        if self.grace_seconds > 60 {
            return wrong(
                "/rotation/grace_seconds",
                "an old refresh token holds for a minute at most",
            );
        }
        Ok(())
    }

    pub(super) fn observed(client: &sdk::UserPoolClientType) -> Option<Self> {
        let rotation = client.refresh_token_rotation()?;
        (*rotation.feature() == sdk::FeatureType::Enabled).then(|| Self {
            grace_seconds: uint(rotation.retry_grace_period_seconds()),
        })
    }
}

/// Said in either case: what is not said stays as it was.
pub(super) fn rotation(
    rotation: Option<&Rotation>,
) -> Result<sdk::RefreshTokenRotationType, KindError> {
    let builder = sdk::RefreshTokenRotationType::builder();
    let builder = match rotation {
        Some(rotation) => builder
            .feature(sdk::FeatureType::Enabled)
            .retry_grace_period_seconds(int(rotation.grace_seconds)),
        None => builder.feature(sdk::FeatureType::Disabled),
    };
    builder
        .build()
        .map_err(|error| KindError::fatal(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_become_seconds() {
        let client = sdk::UserPoolClientType::builder()
            .access_token_validity(5)
            .id_token_validity(2)
            .refresh_token_validity(7)
            .token_validity_units(
                sdk::TokenValidityUnitsType::builder()
                    .access_token(sdk::TimeUnitsType::Minutes)
                    .build(),
            )
            .build();
        let expected = TokenLifetimes {
            access_seconds: 300,
            id_seconds: 2 * HOUR,
            refresh_seconds: 7 * DAY,
        };
        assert_eq!(TokenLifetimes::observed(&client), expected);
        let none = sdk::UserPoolClientType::builder().build();
        assert_eq!(TokenLifetimes::observed(&none), TokenLifetimes::default());
    }

    #[test]
    fn impossible_lifetimes_are_refused() {
        let check = |access, id, refresh| {
            let tokens = TokenLifetimes {
                access_seconds: access,
                id_seconds: id,
                refresh_seconds: refresh,
            };
            tokens.validate().map_err(|(at, _)| at)
        };
        assert_eq!(check(300, DAY, 3650 * DAY), Ok(()));
        assert_eq!(
            check(299, HOUR, DAY),
            Err("/tokens/access_seconds".to_owned())
        );
        assert_eq!(
            check(HOUR, DAY + 1, DAY * 2),
            Err("/tokens/id_seconds".to_owned())
        );
        assert_eq!(
            check(HOUR, HOUR, HOUR - 1),
            Err("/tokens/refresh_seconds".to_owned())
        );
        assert_eq!(
            check(2 * HOUR, HOUR, HOUR),
            Err("/tokens/access_seconds".to_owned())
        );
    }
}
