//! Services that keep keys: AWS KMS and its like.

use super::DataKey;

/// Why a service did not wrap or unwrap.
pub type ServiceError = Box<dyn std::error::Error + Send + Sync>;

/// A service that encrypts data keys with a key that never leaves it.
///
/// The calls are few (one to seal and one to open, in a run) and the engine waits for them, so they
/// are no futures. An implementation over an asynchronous client must not block the thread that
/// drives it: it makes the call on a thread of its own.
pub trait KeyService: Send + Sync {
    /// What the service is called in files, e.g. `aws-kms`. Never changes.
    fn name(&self) -> &str;

    /// The key's public id in the service, e.g. an ARN.
    fn key(&self) -> &str;

    /// Encrypts a data key.
    ///
    /// # Errors
    /// When the service refuses or cannot be reached.
    fn wrap(&self, key: &DataKey) -> Result<Vec<u8>, ServiceError>;

    /// Decrypts a data key that was wrapped with the service's key `by`, which need not be
    /// [`KeyService::key`]: one key can have several names.
    ///
    /// # Errors
    /// When the service refuses or cannot be reached.
    fn unwrap(&self, by: &str, wrapped: &[u8]) -> Result<DataKey, ServiceError>;
}
