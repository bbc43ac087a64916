//! Operations that only read what this cloud does not have: they say that there is none.

use serde_json::json;

use super::Lambda;
use super::faults::not_found;
use super::names::Target;
use crate::wire::{Call, Fault, Reply};

impl Lambda {
    /// A list of what can never be there.
    pub(super) fn none_of(list: &str) -> Reply {
        let mut output = json!({});
        output[list] = json!([]);
        Reply::output(output)
    }

    pub(super) fn get_code_signing(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        self.there(call, function)?;
        Ok(Reply::output(json!({})))
    }

    pub(super) fn get_recursion(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        self.there(call, function)?;
        Ok(Reply::output(json!({ "RecursiveLoop": "Terminate" })))
    }

    pub(super) fn get_runtime_management(
        &self,
        call: &Call,
        function: &str,
    ) -> Result<Reply, Fault> {
        let target = self.there(call, function)?;
        Ok(Reply::output(json!({
            "UpdateRuntimeOn": "Auto",
            "FunctionArn": target.arn(),
        })))
    }

    pub(super) fn get_url(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        self.there(call, function)?;
        Err(not_found("The resource you requested does not exist."))
    }

    pub(super) fn list_urls(&self, call: &Call, function: &str) -> Result<Reply, Fault> {
        self.there(call, function)?;
        Ok(Self::none_of("FunctionUrlConfigs"))
    }

    fn there(&self, call: &Call, function: &str) -> Result<Target, Fault> {
        let target = Target::of(call, function)?;
        self.lock().function(&target)?;
        Ok(target)
    }
}
