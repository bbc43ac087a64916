//! Second factors: what a pool wants of its users.

use serde_json::{Value, json};

use super::Cognito;
use super::input::Input;
use super::model::Pool;
use crate::wire::{Call, Fault};

impl Cognito {
    pub(super) fn set_pool_mfa(&self, call: &Call) -> Result<Value, Fault> {
        let input = Input(&call.input);
        let mut state = self.state();
        let id = state.pool(input.text("UserPoolId")?)?.id.clone();
        for other in ["SmsMfaConfiguration", "EmailMfaConfiguration"] {
            if input
                .structure(other)?
                .is_some_and(|given| given.0 != &json!({}))
            {
                return Err(Fault::absent(format!("the second factor of {other}")));
            }
        }
        let setting = input.one_of("MfaConfiguration", &["OFF", "ON", "OPTIONAL"])?;
        let token = input.structure("SoftwareTokenMfaConfiguration")?;
        let token = token
            .map(|token| token.flag("Enabled"))
            .transpose()?
            .flatten();
        if setting.is_some_and(|setting| setting != "OFF")
            && !token.unwrap_or(state.pool(&id)?.software_token)
        {
            return Err(super::faults::parameter(
                "Invalid MFA configuration given, can't turn on MFA without configuring an MFA type.",
            ));
        }
        let setting = setting.map(str::to_owned);
        let others = input.pick(&["WebAuthnConfiguration"]);
        let pool = state.pools.update(&id, |pool| {
            if let Some(setting) = setting {
                pool.settings
                    .insert("MfaConfiguration".to_owned(), setting.into());
            }
            pool.software_token = token.unwrap_or(pool.software_token);
            pool.mfa.extend(others);
            pool.clone()
        })?;
        Ok(describe(&pool.ok_or_else(|| super::faults::no_pool(&id))?))
    }

    pub(super) fn get_pool_mfa(&self, call: &Call) -> Result<Value, Fault> {
        let state = self.state();
        let pool = state.pool(Input(&call.input).text("UserPoolId")?)?;
        Ok(describe(pool))
    }
}

fn describe(pool: &Pool) -> Value {
    let mut all = pool.mfa.clone();
    if pool.software_token {
        let token = json!({"Enabled": true});
        all.insert("SoftwareTokenMfaConfiguration".to_owned(), token);
    }
    let setting = pool.setting("MfaConfiguration");
    all.insert("MfaConfiguration".to_owned(), setting.into());
    Value::Object(all)
}
