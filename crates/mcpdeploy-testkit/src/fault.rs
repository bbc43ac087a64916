//! Faults: where they strike and what they do.

use mcpdeploy_engine::address::Address;
use mcpdeploy_engine::kind::FaultClass;

/// Which of a kind's operations a call is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "named after the operations of a kind")]
pub enum CallOp {
    Read,
    ReadTags,
    Create,
    Configure,
    Settle,
    Delete,
}

/// Where a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum At {
    /// At the call of that number, counted from zero over the cloud's whole life.
    Number(usize),
    /// At that call and all after it.
    From(usize),
    /// At every such operation on that resource.
    Site(Address, CallOp),
    /// At every such operation on any resource of that kind.
    Kind(&'static str, CallOp),
}

/// What a fault does to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails and does not happen.
    Fail(FaultClass),
    /// It happens, and the answer is lost.
    LoseAnswer,
    /// It neither happens nor ends.
    Hang,
    /// The process is killed before the call happens.
    CrashBefore,
    /// The process is killed when the call has happened and before its answer arrives.
    CrashAfter,
}

/// A fault that waits for its calls.
#[derive(Debug, Clone)]
pub(crate) struct Armed {
    pub(crate) at: At,
    pub(crate) fault: Fault,
    /// How many more times it strikes.
    pub(crate) times: usize,
}

impl At {
    pub(crate) fn is(&self, number: usize, kind: &str, op: CallOp, address: &Address) -> bool {
        match self {
            Self::Number(n) => *n == number,
            Self::From(n) => *n <= number,
            Self::Site(on, at) => on == address && *at == op,
            Self::Kind(of, at) => *of == kind && *at == op,
        }
    }
}
