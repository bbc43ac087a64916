//! The runtimes that Lambda knows, and those that this cloud can run.

use super::faults::invalid;
use crate::wire::Fault;

/// With which functions can be created. Source: "Lambda runtimes", supported runtimes, 2026.
const SUPPORTED: &[&str] = &[
    "nodejs20.x",
    "nodejs22.x",
    "nodejs24.x",
    "nodejs26.x",
    "provided.al2023",
    "provided.al2",
    "python3.10",
    "python3.11",
    "python3.12",
    "python3.13",
    "python3.14",
    "python3.15",
    "java8.al2",
    "java8.al2023",
    "java11",
    "java11.al2023",
    "java17",
    "java17.al2023",
    "java21",
    "java25",
    "dotnet8",
    "dotnet10",
    "ruby3.2",
    "ruby3.3",
    "ruby3.4",
    "ruby4.0",
];

/// With which no function can be created or updated any more.
const DEPRECATED: &[&str] = &[
    "nodejs",
    "nodejs4.3",
    "nodejs4.3-edge",
    "nodejs6.10",
    "nodejs8.10",
    "nodejs10.x",
    "nodejs12.x",
    "nodejs14.x",
    "nodejs16.x",
    "nodejs18.x",
    "java8",
    "python2.7",
    "python3.6",
    "python3.7",
    "python3.8",
    "python3.9",
    "dotnetcore1.0",
    "dotnetcore2.0",
    "dotnetcore2.1",
    "dotnetcore3.1",
    "dotnet6",
    "go1.x",
    "ruby2.5",
    "ruby2.7",
    "provided",
];

/// Whether a function of this runtime can be created.
///
/// # Errors
/// `InvalidParameterValueException` when it cannot.
pub(super) fn check(runtime: &str) -> Result<(), Fault> {
    if SUPPORTED.contains(&runtime) {
        return Ok(());
    }
    if DEPRECATED.contains(&runtime) {
        return Err(invalid(format!(
            "The runtime parameter of {runtime} is no longer supported for creating or updating \
             AWS Lambda functions. We recommend you use a supported runtime while creating or \
             updating functions."
        )));
    }
    Err(invalid(format!(
        "Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum \
         value set: [{}] or be a valid ARN",
        SUPPORTED.join(", ")
    )))
}

/// Whether this cloud can run functions of this runtime: those that bring their own.
pub(super) fn runs(runtime: &str) -> bool {
    matches!(runtime, "provided.al2023" | "provided.al2")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_old_and_unknown() {
        assert!(check("provided.al2023").is_ok());
        assert!(check("python3.13").is_ok());
        let old = check("nodejs12.x").unwrap_err().message;
        assert!(old.contains("no longer supported"), "{old}");
        let unknown = check("cobol").unwrap_err().message;
        assert!(unknown.starts_with("Value cobol at 'runtime'"), "{unknown}");
        assert!(runs("provided.al2") && !runs("python3.13"));
    }
}
